//! What an upstream says back of a credential that was sent to it.

use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE, TE};
use http::{HeaderMap, HeaderValue, StatusCode};
use workerd_lite_ops::account::Account;
use workerd_lite_ops::body::StreamBody;
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::{Body, FetchError, Response};

use super::cleaned_socket::cleaned;
use crate::credentials::{Credential, Sent};

/// Takes out of a request what would bring an answer that can not be cleaned: one in a coding, or parts of one, where a secret
/// is cut in pieces that none is found in.
pub(super) fn prepare(headers: &mut HeaderMap) {
    for name in [ACCEPT_ENCODING, RANGE, IF_RANGE, TE] {
        headers.remove(name);
    }
}

/// Whether a response is a part of one (RFC 9110, section 15.3.7).
fn is_part(response: &Response) -> bool {
    let types = response.headers.get_all(CONTENT_TYPE).iter();
    let ranges = |value: &HeaderValue| {
        let value = value.as_bytes().trim_ascii_start();
        value
            .get(..20)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/byteranges"))
    };
    response.status == StatusCode::PARTIAL_CONTENT
        || response.status.is_success() && response.headers.contains_key(CONTENT_RANGE)
        || types.into_iter().any(ranges)
}

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
    let of_trailers = redactor.clone();
    response.body = response.body.map_trailers(move |fields| of_trailers.headers(fields));
    if credential.redact_body {
        let socket = response.socket.take();
        response.socket = socket.map(|socket| cleaned(socket, redactor.clone()));
    }
    if !credential.redact_body || matches!(response.body, Body::Empty) {
        return Ok(response);
    }
    if is_part(&response) {
        return Err(FetchError::Network(
            "the response is a part of one, which nobody asked for, and its credential says redact = \"body\"".into(),
        ));
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
    let trailers = body.trailers();
    response.body = Body::Stream(StreamBody {
        stream: redactor.body(body.into_decoded(Account::current().as_ref())),
        length: None,
        coding: None,
        trailers,
    });
    Ok(response)
}
