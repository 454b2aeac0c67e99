//! Token requests: what is asked, by what, and how an answer is read.

use std::sync::Arc;

use super::token_response::{self, TokenResponse};

/// A token request that failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TokenRequestError(pub(crate) String);

/// Hears of the end of a token request, once. It is dropped where that never comes.
pub(crate) type Answered = Box<dyn FnOnce(Result<http::Response<Vec<u8>>, TokenRequestError>) + Send>;

/// Performs token requests over the network, within the address rules. Bodies are small and whole.
pub(crate) trait TokenClient {
    /// Begins a request. It goes on whoever waits for it: a server may have replaced a refresh token by the time that
    /// the first one who wanted the answer has gone.
    fn start(&self, request: http::Request<Vec<u8>>, answered: Answered);

    /// Whether there is a server behind it that must not be asked too often.
    fn is_real(&self) -> bool;
}

/// A token request, ready to be sent.
pub(super) struct Exchange {
    pub(super) request: http::Request<Vec<u8>>,
    /// Where the token is in the answer.
    pub(super) field: &'static str,
    /// What no error may say.
    pub(super) secrets: Vec<String>,
    /// What it is made of. Where that has changed, an earlier failure says nothing.
    pub(super) made_of: Vec<Arc<str>>,
    /// The refresh token that is configured, where the grant is one.
    pub(super) configured: Option<Arc<str>>,
}

impl Exchange {
    /// Reads the answer, and the refresh token that the server gave, which counts even where the rest is of no use.
    pub(super) fn read(
        &self,
        answer: Result<http::Response<Vec<u8>>, TokenRequestError>,
    ) -> (Result<TokenResponse, String>, Option<String>) {
        let response = match answer {
            Ok(response) => response,
            Err(error) => return (Err(format!("the token endpoint could not be asked: {error}")), None),
        };
        match token_response::read(&response, self.field, &self.secrets) {
            Ok(mut read) => {
                let refresh_token = read.refresh_token.take();
                (Ok(read), refresh_token)
            }
            Err(error) => (Err(error.to_string()), token_response::refresh_token(&response)),
        }
    }
}
