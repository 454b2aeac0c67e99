//! What stands where the network would, in tests: it gets each request as an upstream would, after credentials and
//! certificates were chosen.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::{Body, FetchError, Request, Response};

use crate::credentials::{Exchange, ExchangeError};

/// What a request went out with.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Via {
    /// The agent in whose name.
    pub agent: String,
    /// The credential that was attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// Answers in the network's place.
pub trait Upstream {
    /// Answers one request.
    fn answer(&self, via: Via, request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>>;
}

/// Token requests of credentials, to the same.
pub(super) struct PretendedTokens {
    pub(super) upstream: Rc<dyn Upstream>,
    pub(super) via: Via,
}

impl Exchange for PretendedTokens {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<http::Response<Vec<u8>>, ExchangeError>> {
        let (head, body) = request.into_parts();
        let url = head.uri.to_string().parse();
        let (upstream, via) = (Rc::clone(&self.upstream), self.via.clone());
        Box::pin(async move {
            let failed = |why: String| ExchangeError(why);
            let request = Request {
                method: head.method,
                url: url.map_err(|_| failed("its URL is not valid".into()))?,
                headers: head.headers,
                body: if body.is_empty() {
                    Body::Empty
                } else {
                    Body::Full(body.into())
                },
            };
            let response = upstream
                .answer(via, request)
                .await
                .map_err(|error| failed(error.to_string()))?;
            let body = response
                .body
                .collect()
                .await
                .map_err(|error| failed(error.to_string()))?;
            let mut answer = http::Response::new(body.to_vec());
            *answer.status_mut() = response.status;
            *answer.headers_mut() = response.headers;
            Ok(answer)
        })
    }
}
