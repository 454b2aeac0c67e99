//! What an upstream says back of a credential that was sent to it.

use http::HeaderValue;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::{Body, FetchError, Response};

use crate::credentials::{Credential, Sent};

/// Takes what was sent out of what came back.
pub(super) fn redact(mut response: Response, credential: &Credential, sent: &Sent) -> Result<Response, FetchError> {
    let Some(redactor) = credential.redactor(sent) else {
        return Ok(response);
    };
    redactor.headers(&mut response.headers);
    response.reason = response.reason.and_then(|reason| {
        let mut value: HeaderValue = reason.parse().ok()?;
        redactor.value(&mut value);
        value.to_str().ok().map(ToOwned::to_owned)
    });
    if !credential.redact_body || matches!(response.body, Body::Empty) {
        return Ok(response);
    }
    let coded = ContentEncoding::is_announced(&response.headers);
    if coded && response.body.coding().is_none() {
        return Err(FetchError::Network(
            "the response's content coding can not be read, and its credential says redact = \"body\"".into(),
        ));
    }
    response.headers.remove(http::header::CONTENT_ENCODING);
    response.headers.remove(http::header::CONTENT_LENGTH);
    let body = std::mem::take(&mut response.body);
    response.body = Body::Stream(StreamBody {
        stream: redactor.body(body.into_decoded(Account::current().as_ref())),
        length: None,
        coding: None,
    });
    Ok(response)
}
