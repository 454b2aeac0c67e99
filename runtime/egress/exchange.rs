//! Token requests of credentials: small, whole, and within the address rules like any other.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::credentials::{Exchange, ExchangeError};

/// The largest answer of a token endpoint, in bytes.
const LIMIT: usize = 1 << 20;

/// How long a token request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Performs token requests by a client without credentials.
#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
pub(super) struct TokenClient(pub(super) reqwest::Client);

impl Exchange for TokenClient {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<http::Response<Vec<u8>>, ExchangeError>> {
        let client = self.0.clone();
        Box::pin(async move {
            let failed = |error: reqwest::Error| {
                let mut cause: &dyn std::error::Error = &error;
                while let Some(deeper) = cause.source() {
                    cause = deeper;
                }
                ExchangeError(cause.to_string())
            };
            let request = reqwest::Request::try_from(request).map_err(failed)?;
            let exchange = async {
                let mut response = client.execute(request).await.map_err(failed)?;
                let mut body = Vec::new();
                while let Some(chunk) = response.chunk().await.map_err(failed)? {
                    body.extend_from_slice(&chunk);
                    if body.len() > LIMIT {
                        return Err(ExchangeError("its answer is too long".into()));
                    }
                }
                let mut answer = http::Response::new(body);
                *answer.status_mut() = response.status();
                *answer.headers_mut() = response.headers().clone();
                Ok(answer)
            };
            tokio::time::timeout(TIMEOUT, exchange)
                .await
                .unwrap_or_else(|_| Err(ExchangeError("it gave no answer in time".into())))
        })
    }
}
