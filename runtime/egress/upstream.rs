//! What stands where the network would, in tests: it gets each request as an upstream would, after credentials and
//! certificates were chosen.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::{FetchError, Inbox, Request, Response};

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

    /// The queue of the isolate that stands in for an agent's service, where one does. Its entrypoint has the service's name.
    fn service(&self, _agent: &str, _service: &str) -> Option<Rc<Inbox>> {
        None
    }
}
