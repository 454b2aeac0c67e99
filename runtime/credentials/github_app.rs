//! A GitHub App's installation tokens.
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>

use std::time::Duration;

use serde_json::{Map, json};

use super::jwt_bearer::{AssertionKey, TokenCache, sign};
use super::token::{Exchange, TokenClient};

/// GitHub takes assertions of ten minutes at most.
const ASSERTION: Duration = Duration::from_mins(9);

/// An app in one place where it is installed.
#[derive(Debug)]
pub struct GithubApp {
    /// Where the API is: `https://api.github.com`.
    pub api: String,
    /// The app's client id or number.
    pub app_id: String,
    /// The installation's number.
    pub installation_id: String,
    /// The app's private key.
    pub key: AssertionKey,
    /// Its cache; empty at first.
    pub cache: TokenCache,
}

impl GithubApp {
    /// A token, and none where no other than the `refused` one can be had now.
    pub(super) async fn token(
        &self,
        tokens: &dyn TokenClient,
        refused: Option<&str>,
    ) -> Result<Option<String>, String> {
        self.cache.0.get(tokens, refused, |_| self.exchange()).await
    }

    /// Where its tokens come from.
    pub(super) fn token_endpoint(&self) -> String {
        format!(
            "{}/app/installations/{}/access_tokens",
            self.api.trim_end_matches('/'),
            self.installation_id
        )
    }

    fn exchange(&self) -> Result<Exchange, String> {
        let mut claims = Map::new();
        claims.insert("iss".into(), json!(self.app_id));
        let assertion = sign(claims, &self.key, None, ASSERTION)?;
        let request = http::Request::post(self.token_endpoint())
            .header("authorization", format!("Bearer {assertion}"))
            .header("accept", "application/vnd.github+json")
            .header("user-agent", "workerd-lite")
            .header("x-github-api-version", "2022-11-28")
            .body(Vec::new())
            .map_err(|error| error.to_string())?;
        Ok(Exchange {
            request,
            field: "token",
            secrets: vec![assertion],
            made_of: self.key.made_of(),
            configured: None,
        })
    }
}
