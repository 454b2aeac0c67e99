//! OAuth 2.0 access tokens (RFC 6749): client credentials and refresh tokens.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::url::{Url, form_urlencoded};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

use super::secret::Secret;
use super::token::{Exchange, TokenClient};
use super::token_cache::Cache;

/// How tokens are asked for.
#[derive(Debug)]
pub enum Grant {
    /// With the client's own credentials (section 4.4).
    ClientCredentials,
    /// With a refresh token (section 6). The server may replace it.
    RefreshToken(Secret),
}

/// A client of a token endpoint.
#[derive(Debug)]
pub struct OAuth2 {
    token_url: Url,
    client_id: String,
    client_secret: Option<Secret>,
    in_body: bool,
    grant: Grant,
    scopes: Vec<String>,
    audience: Option<String>,
    cache: Cache,
}

impl OAuth2 {
    /// A client. Fails where the token endpoint is no URL. `in_body` sends the client's secret in the request's body
    /// instead of by HTTP Basic.
    pub fn new(
        token_url: String,
        client_id: String,
        client_secret: Option<Secret>,
        in_body: bool,
        grant: Grant,
        scopes: Vec<String>,
        audience: Option<String>,
    ) -> Result<Self, String> {
        let mut token_url = Url::parse(&token_url).map_err(|error| error.to_string())?;
        token_url.set_fragment(None);
        Ok(Self {
            token_url,
            client_id,
            client_secret,
            in_body,
            grant,
            scopes,
            audience,
            cache: Cache::default(),
        })
    }

    pub(super) fn secrets(&self) -> Vec<&Secret> {
        let refresh = match &self.grant {
            Grant::RefreshToken(secret) => Some(secret),
            Grant::ClientCredentials => None,
        };
        self.client_secret.iter().chain(refresh).collect()
    }

    /// Where its tokens come from.
    pub(super) fn token_endpoint(&self) -> &str {
        self.token_url.as_str()
    }

    /// A token, and none where no other than the `refused` one can be had now.
    pub(super) async fn token(
        &self,
        tokens: &dyn TokenClient,
        refused: Option<&str>,
    ) -> Result<Option<String>, String> {
        self.cache.get(tokens, refused, |rotated| self.exchange(rotated)).await
    }

    pub(super) fn accepted(&self, token: &str) {
        self.cache.accepted(token);
    }

    /// `rotated` is the refresh token that the server gave last, with the configured one that it was given for.
    fn exchange(&self, rotated: Option<&(Arc<str>, String)>) -> Result<Exchange, String> {
        let mut request = http::Request::post(self.token_url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        let mut form = form_urlencoded::Serializer::new(String::new());
        let mut secrets = Vec::new();
        let mut made_of = Vec::new();
        let mut first = None;
        match &self.grant {
            Grant::ClientCredentials => {
                form.append_pair("grant_type", "client_credentials");
            }
            Grant::RefreshToken(configured) => {
                let configured = configured.value();
                // Unless the configured one was replaced since.
                let token = match rotated {
                    Some((from, latest)) if *from == configured => latest.clone(),
                    _ => configured.to_string(),
                };
                form.append_pair("grant_type", "refresh_token")
                    .append_pair("refresh_token", &token);
                secrets.extend([token, configured.to_string()]);
                made_of.push(Arc::clone(&configured));
                first = Some(configured);
            }
        }
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        if let Some(audience) = &self.audience {
            form.append_pair("audience", audience);
        }
        match &self.client_secret {
            Some(secret) if !self.in_body => {
                let secret = secret.value();
                let basic = basic(&self.client_id, &secret);
                request = request.header(AUTHORIZATION, format!("Basic {basic}"));
                secrets.extend([secret.to_string(), basic]);
                made_of.push(secret);
            }
            Some(secret) => {
                let secret = secret.value();
                form.append_pair("client_id", &self.client_id)
                    .append_pair("client_secret", &secret);
                secrets.push(secret.to_string());
                made_of.push(secret);
            }
            None => {
                form.append_pair("client_id", &self.client_id);
            }
        }
        let request = request
            .body(form.finish().into_bytes())
            .map_err(|error| error.to_string())?;
        Ok(Exchange {
            request,
            field: "access_token",
            secrets,
            made_of,
            configured: first,
        })
    }
}

/// HTTP Basic authentication of a client: RFC 6749, section 2.3.1 has both parts encoded as a form's.
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    BASE64_STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_encoded_as_a_form() {
        assert_eq!(
            BASE64_STANDARD.decode(basic("a:b c", "p%w+\u{e9}/")).unwrap(),
            b"a%3Ab+c:p%25w%2B%C3%A9%2F"
        );
    }
}
