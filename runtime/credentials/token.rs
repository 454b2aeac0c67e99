//! Access tokens that expire: cached until shortly before, with one renewal in flight.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::token_response::{self, TokenResponse};

/// A token request that failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TokenRequestError(pub(crate) String);

/// Performs a token request over the network, within the address rules. Bodies are small and whole.
pub(crate) trait TokenClient {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<http::Response<Vec<u8>>, TokenRequestError>>;
}

/// Sends a token request, and reads the token in `field` of its answer. `secrets` are in the request, and no error says
/// them.
pub(super) async fn ask(
    tokens: &dyn TokenClient,
    request: http::Request<Vec<u8>>,
    field: &'static str,
    secrets: &[String],
) -> Result<TokenResponse, String> {
    let response = tokens
        .send(request)
        .await
        .map_err(|error| format!("the token endpoint could not be asked: {error}"))?;
    token_response::read(&response, field, secrets).map_err(|error| error.to_string())
}

/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a token is used that says nothing of its end.
const UNKNOWN: Duration = Duration::from_mins(5);

struct Cached {
    value: String,
    until: Instant,
}

/// One token's cache. Whoever finds it empty renews it while the others wait.
#[derive(Default)]
pub(super) struct Cache(Mutex<Option<Cached>>);

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

impl Cache {
    /// The token, renewed by `renew` where it has ended, or where it is still the one that an upstream has refused.
    pub(super) async fn get(
        &self,
        refused: Option<&str>,
        renew: impl Future<Output = Result<TokenResponse, String>>,
    ) -> Result<String, String> {
        let mut cached = self.0.lock().await;
        if let Some(token) = cached.as_ref() {
            // A second request that met the same 401 takes the first one's new token.
            if refused != Some(&*token.value) && Instant::now() < token.until {
                return Ok(token.value.clone());
            }
        }
        let TokenResponse { token, lifetime, .. } = renew.await?;
        let lifetime = lifetime.unwrap_or(UNKNOWN);
        // Short-lived tokens keep at least half of their life.
        let usable = lifetime.saturating_sub(MARGIN).max(lifetime / 2);
        let value = token.clone();
        *cached = Some(Cached {
            value: token,
            until: Instant::now() + usable,
        });
        Ok(value)
    }
}
