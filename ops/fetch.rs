//! `fetch`: the one road out of an isolate. Which way it leads is the role's: an agent's goes to the outbound
//! worker, the outbound worker's to the network.

use std::cell::{OnceCell, RefCell};
use std::pin::pin;
use std::rc::Rc;

use bytes::Bytes;
use deno_core::url::Url;
use deno_core::{CancelFuture as _, CancelHandle, OpState, ResourceId, ToV8, op2, v8};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use http::Method;

use crate::account::metered;
use crate::body::{Body, BodyResource};
use crate::egress::EgressHandle;
use crate::error::{BodyError, FetchError};
use crate::events::{Events, Scope};
use crate::external_memory::ExternalMemory;
use crate::head::{self, Utf8};
use crate::message::{Request, Response};
use crate::origin::Origin;
use crate::outgoing::OutgoingBody;
use crate::websocket;

/// The most bytes of a URL that may be asked for: as many as `http::Uri` holds.
const LONGEST_URL: usize = 65_534;

/// What a script learns of a response.
pub struct Reply {
    response: (u16, String, String),
    body: Option<ResourceId>,
}

/// One string, of lines: the status, the resource of the body, or of the WebSocket where the status is 101, or nothing, the reason, and the headers as JavaScript joins them. An object
/// would be asked for `then` when its promise is resolved, and a script that has put that into `Object.prototype` would be given it.
impl<'a> ToV8<'a> for Reply {
    type Error = std::convert::Infallible;

    fn to_v8<'i>(self, scope: &mut v8::PinScope<'a, 'i>) -> Result<v8::Local<'a, v8::Value>, Self::Error> {
        let (status, reason, headers) = self.response;
        let body = self.body.map(|rid| rid.to_string()).unwrap_or_default();
        let reason = reason.replace('\n', "?");
        Ok(head::to_v8_string(scope, &format!("{status}\n{body}\n{reason}\n{headers}")).into())
    }
}

/// An agent's request, to its outbound worker.
#[op2]
pub(crate) async fn op_fetch_outbound_worker(
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[smi] cancel: Option<ResourceId>,
    #[string] method: String,
    #[string] url: String,
    #[scoped] headers: Utf8,
    #[scoped] body: OutgoingBody,
) -> Result<Reply, FetchError> {
    let prepared = prepare(&state, event, cancel, &method, &url, &headers, body)?;
    let egress = Rc::clone(&prepared.egress);
    prepared
        .through(move |origin, request| egress.fetch(origin, None, request))
        .await
}

/// An outbound worker's request, to the network. `binding` below zero is its plain `fetch`.
#[op2]
pub(crate) async fn op_fetch_network(
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[smi] cancel: Option<ResourceId>,
    #[string] method: String,
    #[string] url: String,
    #[scoped] headers: Utf8,
    #[scoped] body: OutgoingBody,
    #[smi] binding: i32,
) -> Result<Reply, FetchError> {
    let prepared = prepare(&state, event, cancel, &method, &url, &headers, body)?;
    prepared.run(u32::try_from(binding).ok()).await
}

/// An order of a test to what runs it. A file's top level, which is no event, gives -1.
#[op2]
#[string]
pub(crate) fn op_test_control(
    state: &mut OpState,
    #[smi] event: i32,
    #[string] order: &str,
) -> Result<String, FetchError> {
    if let Ok(event) = u32::try_from(event) {
        state.borrow::<Events>().scope(event).ok_or(FetchError::EventEnded)?;
    }
    let egress = Rc::clone(state.borrow::<EgressHandle>());
    egress.control(order)
}

/// The id of the request that an event is part of, as logs and records have it.
#[op2]
#[string]
pub(crate) fn op_request_id(state: &mut OpState, #[smi] event: u32) -> Option<String> {
    let scope = state.borrow::<Events>().scope(event)?;
    Some(scope.origin.trace.request_id().to_string())
}

/// A token of the calling agent's identity, for the outbound worker.
#[op2]
#[string]
pub(crate) async fn op_identity_token(
    state: Rc<RefCell<OpState>>,
    #[smi] event: u32,
    #[serde] audience: Vec<String>,
    #[string] claims: String,
) -> Result<String, FetchError> {
    let asked = {
        let state = state.borrow();
        let scope = state.borrow::<Events>().scope(event).ok_or(FetchError::EventEnded)?;
        let asked = state.borrow::<EgressHandle>().token(&scope.origin, &audience, &claims);
        asked.or_cancel(Rc::clone(&scope.cancel))
    };
    asked.await.map_err(|_| FetchError::EventEnded)?
}

/// What the requests of one event may be.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// How many requests.
    pub subrequests: u32,
    /// Bytes of a request's headers, names and values together, and of a response's.
    pub headers: usize,
}

/// A request that may be made.
pub(crate) struct Prepared {
    state: Rc<RefCell<OpState>>,
    egress: EgressHandle,
    scope: Rc<Scope>,
    aborted: Option<Rc<CancelHandle>>,
    request: Request,
    limits: FetchLimits,
}

/// Validates everything anew: a script may have tampered with any object that it passed on the way.
pub(crate) fn prepare(
    state: &Rc<RefCell<OpState>>,
    event: u32,
    cancel: Option<ResourceId>,
    method: &str,
    url: &str,
    headers: &[u8],
    body: OutgoingBody,
) -> Result<Prepared, FetchError> {
    let mut op_state = state.borrow_mut();
    let scope = op_state.borrow::<Events>().scope(event).ok_or(FetchError::EventEnded)?;
    let limits = *op_state.borrow::<FetchLimits>();
    if !scope.count_fetch(limits.subrequests) {
        return Err(FetchError::TooMany);
    }
    if headers.len() > limits.headers {
        return Err(FetchError::Headers("request", limits.headers));
    }
    let aborted = match cancel {
        Some(rid) => {
            scope.own(rid);
            Some(
                op_state
                    .resource_table
                    .get::<CancelHandle>(rid)
                    .map_err(|_| FetchError::Aborted)?,
            )
        }
        None => None,
    };
    let body = body
        .take(&mut op_state)
        .map_err(|error| FetchError::Invalid(error.to_string()))?;
    let mut headers = head::split(headers)?;
    let method = parse_method(method)?;
    let asks = websocket::is_websocket(&headers);
    head::strip_hop_by_hop(&mut headers);
    headers.remove(http::header::HOST);
    headers.remove(http::header::CONTENT_LENGTH);
    websocket::prepare(asks, &method, &mut headers, &body)?;
    Ok(Prepared {
        request: Request {
            method,
            url: parse_url(url)?,
            headers,
            body,
            cf: None,
        },
        egress: Rc::clone(op_state.borrow::<EgressHandle>()),
        scope,
        aborted,
        state: Rc::clone(state),
        limits,
    })
}

/// Whether a method is none that passes, out or in: tunnels, echoes, and the preface of HTTP/2. HTTP's methods have their case, but
/// not every recipient knows that.
pub fn is_forbidden(method: &Method) -> bool {
    let forbidden = ["CONNECT", "PRI", "TRACE", "TRACK"];
    forbidden.iter().any(|name| method.as_str().eq_ignore_ascii_case(name))
}

/// A method that a request may have.
pub fn parse_method(method: &str) -> Result<Method, FetchError> {
    match Method::from_bytes(method.as_bytes()) {
        Ok(parsed) if is_forbidden(&parsed) => Err(FetchError::Invalid(format!("method {method} is forbidden"))),
        Ok(parsed) => Ok(parsed),
        Err(_) => Err(FetchError::Invalid(format!("method {method:?} is not valid"))),
    }
}

/// A URL that may be asked for, without its fragment: whoever reads it reads the same.
pub fn parse_url(url: &str) -> Result<Url, FetchError> {
    let mut parsed = Url::parse(url).map_err(|error| FetchError::Invalid(format!("{url:?} is no URL: {error}")))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(FetchError::Invalid(format!(
            "scheme {:?} is not supported: use http or https",
            parsed.scheme()
        )));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(FetchError::Invalid("the URL holds a user name or a password".into()));
    }
    // Scripts read it by another parser, and so does the policy that allowed it.
    if parsed.as_str() != url {
        return Err(FetchError::Invalid(format!(
            "{url:?} is read as {:?}: write it so",
            parsed.as_str()
        )));
    }
    parsed.set_fragment(None);
    if parsed.as_str().len() > LONGEST_URL {
        return Err(FetchError::Invalid(format!(
            "the URL has {} bytes, and may have {LONGEST_URL}",
            parsed.as_str().len()
        )));
    }
    // What sends it reads it by another parser: where the two differ, nobody knows whom it would reach.
    let read = parsed.as_str().parse::<http::Uri>();
    if !read.is_ok_and(|uri| uri.host() == parsed.host_str()) {
        return Err(FetchError::Invalid(format!(
            "{:?} is no host that HTTP can name",
            parsed.host_str().unwrap_or_default()
        )));
    }
    Ok(parsed)
}

impl Prepared {
    async fn run(self, binding: Option<u32>) -> Result<Reply, FetchError> {
        let egress = Rc::clone(&self.egress);
        self.go(move |origin, request| egress.fetch(origin, binding, request))
            .await
    }

    /// Makes it by a way that leads to a script, which is told how long the body is.
    pub(crate) async fn through(
        mut self,
        way: impl FnOnce(&Origin, Request) -> LocalBoxFuture<'static, Result<Response, FetchError>>,
    ) -> Result<Reply, FetchError> {
        self.request.tell_length();
        let failed = self.notes_failure();
        let result = self.go(way).await;
        // Whoever answers tells nothing of what went wrong; of its own body the script may know.
        match (result, failed.as_ref().and_then(|failed| failed.get())) {
            (Err(FetchError::OutboundWorker), Some(error)) => Err(FetchError::Body(error.clone())),
            (result, _) => result,
        }
    }

    /// Where what the request's body fails with is noted, if it comes in pieces.
    fn notes_failure(&mut self) -> Option<Rc<OnceCell<BodyError>>> {
        if !matches!(self.request.body, Body::Stream(_)) {
            return None;
        }
        let failed = Rc::new(OnceCell::new());
        let failing = Rc::clone(&failed);
        self.request.body = std::mem::take(&mut self.request.body).map_stream(|stream| {
            let noted = stream.inspect(move |chunk| {
                if let Err(error) = chunk {
                    let _ = failing.set(error.clone());
                }
            });
            noted.boxed_local()
        });
        Some(failed)
    }

    async fn go(
        self,
        way: impl FnOnce(&Origin, Request) -> LocalBoxFuture<'static, Result<Response, FetchError>>,
    ) -> Result<Reply, FetchError> {
        let head = self.request.method == Method::HEAD;
        let slots = Rc::clone(&self.scope.slots);
        let (scope, mut request) = (Rc::clone(&self.scope), self.request);
        let aborted = self.aborted;
        // The signal covers both bodies, wherever they have gone when it is aborted.
        if let Some(aborted) = &aborted {
            request.body = request.body.abortable(aborted);
        }
        let account = scope.origin.trace.account().cloned();
        let fetching = async move {
            // Until the response's head is there, as on Workers: a body that nobody reads keeps no other waiting.
            let _slot = slots.acquire().await;
            way(&scope.origin, request).await
        };
        // What serves it further on asks for whom it works.
        let fetching = pin!(metered(account, fetching).or_cancel(Rc::clone(&self.scope.cancel)));
        let result = match &aborted {
            Some(aborted) => {
                let result = fetching.or_cancel(Rc::clone(aborted)).await;
                result.map_err(|_| FetchError::Aborted)?
            }
            None => fetching.await,
        };
        let mut response = result.map_err(|_| FetchError::EventEnded)??;
        let headers = head::join(&response.headers);
        if headers.len() > self.limits.headers {
            return Err(FetchError::Headers("response", self.limits.headers));
        }
        let status = response.status;
        let null_body = head || matches!(status.as_u16(), 101 | 204 | 205 | 304);
        let body = std::mem::take(&mut response.body);
        let body = if let Some(socket) = response.socket {
            let mut state = self.state.borrow_mut();
            Some(websocket::keep(&mut state, &self.scope, socket).map_err(FetchError::Loaded)?)
        } else if null_body {
            None
        } else {
            // https://fetch.spec.whatwg.org/#concept-http-network-fetch: a body without bytes is one.
            let body = match (body, &aborted) {
                (Body::Empty, _) => Body::Full(Bytes::new()),
                (body, Some(aborted)) => body.abortable(aborted),
                (body, None) => body,
            };
            let mut state = self.state.borrow_mut();
            let (_, limit) = state.borrow::<Events>().read_limits();
            let account = self.scope.origin.trace.account();
            let resource = BodyResource::new(body, account, Rc::clone(&self.scope.holding), limit)
                .counted(state.borrow::<ExternalMemory>())?;
            let rid = state.resource_table.add(resource);
            self.scope.own(rid);
            Some(rid)
        };
        let reason = response
            .reason
            .unwrap_or_else(|| status.canonical_reason().unwrap_or_default().to_owned());
        Ok(Reply {
            response: (status.as_u16(), reason, headers),
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_urls_pass() {
        assert_eq!(
            parse_url("https://a.example/x#y").unwrap().as_str(),
            "https://a.example/x"
        );
        for url in [
            "file:///etc/passwd",
            "ext:core/ops",
            "https://user@a.example/",
            "//a",
            "blob:null/1",
        ] {
            assert!(parse_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn tunnels_and_traces_do_not_pass() {
        for method in [
            "CONNECT", "TRACE", "TRACK", "track", "trace", "Connect", "PRI", "pri", "A B", "",
        ] {
            assert!(parse_method(method).is_err(), "{method}");
        }
        assert_eq!(parse_method("PATCH").unwrap(), Method::PATCH);
    }
}
