//! Ways out of an isolate, as the host makes them.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::error::FetchError;
use crate::loading::LoaderHandle;
use crate::message::{Request, Response};
use crate::origin::Origin;
use crate::rpc::Capability;

/// Where an isolate's requests go. The host puts one into each isolate.
pub trait Egress {
    /// Performs one request, without following redirects, in the name of the event's caller. `binding` is the outbound
    /// worker's choice of a binding, by its place in the configuration; agents have none. Dropping the future cancels
    /// the request.
    fn fetch(
        &self,
        origin: &Origin,
        binding: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>>;

    /// A service that the isolate was given, by its place, as an event has it.
    fn service(&self, _origin: &Origin, _service: u32) -> Result<Capability, FetchError> {
        Err(FetchError::Invalid("there is no such service".into()))
    }

    /// A request to such a service, as [`Self::fetch`] is one to all else.
    fn fetch_service(
        &self,
        _origin: &Origin,
        _service: u32,
        _request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        Box::pin(std::future::ready(Err(FetchError::Invalid(
            "there is no such service".into(),
        ))))
    }

    /// Performs a request through something that a loaded worker was given, by its place.
    fn fetch_given(
        &self,
        _origin: &Origin,
        _given: u32,
        _request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let none = FetchError::Invalid("there is no such stub".into());
        Box::pin(std::future::ready(Err(none)))
    }

    /// Whether somebody is told of the isolate's events.
    fn is_tailed(&self) -> bool {
        false
    }

    /// Tells whoever is of one that has ended: a `TraceItem`.
    fn tell(&self, _origin: &Origin, _item: &deno_core::serde_json::Value) {}

    /// A token of the caller's identity, for these audiences, with further claims as JSON. Agents get none.
    fn token(
        &self,
        _origin: &Origin,
        _audience: &[String],
        _claims: &str,
    ) -> LocalBoxFuture<'static, Result<String, FetchError>> {
        let none = FetchError::Invalid("identities are the outbound worker's".into());
        Box::pin(std::future::ready(Err(none)))
    }

    /// What makes workers from code, where the isolate may load some.
    fn loader(&self) -> Option<LoaderHandle> {
        None
    }

    /// An order of a test to what runs it, and the answer, both as JSON. Workers give none.
    fn control(&self, _order: &str) -> Result<String, FetchError> {
        Err(FetchError::Invalid("only tests give orders".into()))
    }
}

/// The [`Egress`] of an isolate.
pub type EgressHandle = Rc<dyn Egress>;
