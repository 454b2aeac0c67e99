//! OAuth 2.0 access tokens (RFC 6749): client credentials and refresh tokens.

use std::sync::Arc;
use std::sync::Mutex;

use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{AuthType, ClientId, ClientSecret, RefreshToken, Scope, TokenResponse as _, TokenUrl};

use super::secret::Secret;
use super::token::{Cache, Token, TokenClient};

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
    token_url: TokenUrl,
    client_id: String,
    client_secret: Option<Secret>,
    in_body: bool,
    grant: Grant,
    scopes: Vec<String>,
    audience: Option<String>,
    cache: Cache,
    /// The refresh token that the server gave last, with the one it was given for.
    rotated: Mutex<Option<(Arc<str>, String)>>,
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
        Ok(Self {
            token_url: TokenUrl::new(token_url).map_err(|error| error.to_string())?,
            client_id,
            client_secret,
            in_body,
            grant,
            scopes,
            audience,
            cache: Cache::default(),
            rotated: Mutex::new(None),
        })
    }

    pub(super) fn secrets(&self) -> Vec<&Secret> {
        let refresh = match &self.grant {
            Grant::RefreshToken(secret) => Some(secret),
            Grant::ClientCredentials => None,
        };
        self.client_secret.iter().chain(refresh).collect()
    }

    pub(super) async fn token(&self, tokens: &dyn TokenClient, refused: Option<&str>) -> Result<String, String> {
        self.cache.get(refused, self.renew(tokens)).await
    }

    async fn renew(&self, tokens: &dyn TokenClient) -> Result<Token, String> {
        let mut client = BasicClient::new(ClientId::new(self.client_id.clone())).set_token_uri(self.token_url.clone());
        if let Some(secret) = &self.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.value().to_string()));
        }
        client = client.set_auth_type(if self.in_body {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        });
        let http = |request: http::Request<Vec<u8>>| tokens.send(request);
        let scopes = self.scopes.iter().cloned().map(Scope::new);
        let response: BasicTokenResponse = match &self.grant {
            Grant::ClientCredentials => {
                let mut request = client.exchange_client_credentials().add_scopes(scopes);
                if let Some(audience) = &self.audience {
                    request = request.add_extra_param("audience", audience);
                }
                request.request_async(&http).await.map_err(|error| explain(&error))?
            }
            Grant::RefreshToken(first) => {
                let first = first.value();
                let token = RefreshToken::new(self.refresh_token(&first));
                let mut request = client.exchange_refresh_token(&token).add_scopes(scopes);
                if let Some(audience) = &self.audience {
                    request = request.add_extra_param("audience", audience);
                }
                let response: BasicTokenResponse =
                    request.request_async(&http).await.map_err(|error| explain(&error))?;
                if let (Some(next), Ok(mut rotated)) = (response.refresh_token(), self.rotated.lock()) {
                    *rotated = Some((first, next.secret().clone()));
                }
                response
            }
        };
        Ok(Token {
            value: response.access_token().secret().clone(),
            lifetime: response.expires_in(),
        })
    }

    /// The server's latest refresh token, unless the configured one was replaced since.
    fn refresh_token(&self, first: &Arc<str>) -> String {
        match self.rotated.lock() {
            Ok(rotated) => match &*rotated {
                Some((from, latest)) if from == first => latest.clone(),
                _ => first.to_string(),
            },
            Err(_) => first.to_string(),
        }
    }
}

/// Says what the token endpoint answered, by its error code at most: bodies may hold secrets.
fn explain<E: std::error::Error + 'static>(
    error: &oauth2::RequestTokenError<E, oauth2::StandardErrorResponse<oauth2::basic::BasicErrorResponseType>>,
) -> String {
    match error {
        oauth2::RequestTokenError::ServerResponse(response) => {
            format!("the token endpoint answered {:?}", response.error().to_string())
        }
        oauth2::RequestTokenError::Request(error) => format!("the token endpoint could not be asked: {error}"),
        _ => "the token endpoint's answer is no token".into(),
    }
}
