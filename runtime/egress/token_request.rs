//! Token requests of credentials: small and whole.

use std::rc::Rc;
use std::time::Duration;

use workerd_lite_ops::{Body, Request};

use super::error::reason;
use super::upstream::{Upstream, Via};
use crate::credentials::TokenRequestError;

/// The largest answer of a token endpoint, in bytes.
const LIMIT: usize = 1 << 20;

/// How long a token request may take: well below what those have by default who wait for it, so that they hear why there is none.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks over the network, by a client without credentials.
#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
pub(super) async fn by_client(
    client: reqwest::Client,
    request: http::Request<Vec<u8>>,
) -> Result<http::Response<Vec<u8>>, TokenRequestError> {
    let failed = |error: reqwest::Error| TokenRequestError(reason(&error));
    let request = reqwest::Request::try_from(request).map_err(failed)?;
    let exchange = async {
        let mut response = client.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > LIMIT {
                return Err(TokenRequestError("its answer is too long".into()));
            }
        }
        Ok(answer(response.status(), response.headers().clone(), body))
    };
    tokio::time::timeout(TIMEOUT, exchange)
        .await
        .unwrap_or_else(|_| Err(TokenRequestError("it gave no answer in time".into())))
}

/// Asks what stands where the network would, in tests.
pub(super) async fn by_upstream(
    upstream: Rc<dyn Upstream>,
    via: Via,
    request: http::Request<Vec<u8>>,
) -> Result<http::Response<Vec<u8>>, TokenRequestError> {
    let (head, body) = request.into_parts();
    let url = head.uri.to_string().parse();
    let request = Request {
        method: head.method,
        url: url.map_err(|_| TokenRequestError("its URL is not valid".into()))?,
        headers: head.headers,
        body: if body.is_empty() {
            Body::Empty
        } else {
            Body::Full(body.into())
        },
        cf: None,
    };
    let failed = |error: &dyn std::fmt::Display| TokenRequestError(error.to_string());
    let response = upstream.answer(via, request).await.map_err(|error| failed(&error))?;
    let body = response.body.collect().await.map_err(|error| failed(&error))?;
    Ok(answer(response.status, response.headers, body.to_vec()))
}

fn answer(status: http::StatusCode, headers: http::HeaderMap, body: Vec<u8>) -> http::Response<Vec<u8>> {
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}
