//! Ways out of loaded workers.

use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::fetch::Egress;
use workerd_lite_ops::{FetchError, Origin, Request, Response};

/// The way out of a worker that has none.
pub(in crate::host) struct NoWayOut;

impl Egress for NoWayOut {
    fn fetch(
        &self,
        _origin: &Origin,
        _binding: Option<u32>,
        _request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        Box::pin(std::future::ready(Err(FetchError::NoWayOut)))
    }
}
