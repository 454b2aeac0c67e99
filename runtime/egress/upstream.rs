//! What stands where the network would, in tests: it gets each request as an upstream would, after credentials and
//! certificates were chosen.

use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::{FetchError, Request, Response};

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
