//! The HTTP client: a pool of connections, and one more attempt where an upstream can not have acted on the first.

use std::cell::OnceCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::spawn;
use http::{Extensions, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, capture_connection};
use hyper_util::rt::TokioTimer;
use workerd_lite_ops::account::Account;

use super::body::RequestBody;
use super::connect_time::ConnectTime;
use super::connector::Connector;
use super::framing;
use super::observed::Traffic;
use super::places::{Busy, InUse};
use super::retry::{is_unprocessed, lost_connection};
use crate::limits::HeadLimits;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_mins(1);

#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
type Pool = legacy::Client<Connector, RequestBody>;

/// Why a request brought no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// No connection, no answer, or none that is HTTP.
    #[error(transparent)]
    Http(#[from] legacy::Error),
    /// An answer whose end cannot be told.
    #[error("{0}")]
    Framing(&'static str),
}

/// What connections do is put down to who opened them.
#[derive(Debug, Clone, Copy)]
struct Charged;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Charged {
    fn execute(&self, future: F) {
        match Account::current() {
            Some(account) => spawn(account.meter(future)),
            None => spawn(future),
        };
    }
}

/// A client with connections of its own.
pub(super) struct HttpClient {
    connector: Connector,
    head: HeadLimits,
    pooled: Pool,
    /// Gives each request a connection of its own.
    fresh: OnceCell<Pool>,
    /// Speaks HTTP/2 with prior knowledge.
    h2c: OnceCell<Pool>,
    /// Likewise, for connections that become WebSockets.
    switched: OnceCell<Pool>,
}

impl HttpClient {
    pub(super) fn new(connector: Connector, head: HeadLimits) -> Self {
        Self {
            pooled: pool(connector.clone(), head, usize::MAX),
            h2c: OnceCell::new(),
            fresh: OnceCell::new(),
            switched: OnceCell::new(),
            connector,
            head,
        }
    }

    /// Performs a request. It is sent once more, on a fresh connection, where the upstream says that it did nothing with it, and
    /// where it is idempotent and its connection, which had served others before, ended before a byte of the answer
    /// (RFC 9110, section 9.2.2; RFC 9113, section 8.7). So is one that its connection was not for (RFC 9110, section 15.5.20). A body
    /// that streams is never sent again.
    pub(super) async fn execute(&self, request: Request<RequestBody>) -> Result<Response<Incoming>, ClientError> {
        let again = copy(&request);
        let (came, again) = match (attempt(&self.pooled, request).await, again) {
            (Ok(response), Some(again)) if response.status() == StatusCode::MISDIRECTED_REQUEST => {
                (Ok(response), again)
            }
            (Err(failed), Some(again)) if failed.may_be_repeated(again.method().is_idempotent()) => {
                (Err(failed.error), again)
            }
            (came, _) => return came.map_err(|failed| failed.error),
        };
        match came {
            Ok(_) => {
                tracing::debug!("a request is sent once more: the upstream says that its connection is not for it");
            }
            Err(error) => tracing::debug!("a request is sent once more: {error}"),
        }
        let fresh = self.fresh.get_or_init(|| pool(self.connector.clone(), self.head, 0));
        attempt(fresh, again).await.map_err(|failed| failed.error)
    }
}

impl HttpClient {
    /// Performs a request over HTTP/2 with prior knowledge, once: many share one connection, and what it may not have seen is for
    /// whoever asked to repeat.
    pub(super) async fn execute_h2c(&self, request: Request<RequestBody>) -> Result<Response<Incoming>, ClientError> {
        let pool = || {
            let mut builder = builder(self.head, usize::MAX);
            builder.http2_only(true).build(self.connector.for_h2c())
        };
        let answered = attempt(self.h2c.get_or_init(pool), request).await;
        answered.map_err(|failed| failed.error)
    }

    /// Performs a handshake, once, on an HTTP/1.1 connection of its own.
    pub(super) async fn switch(&self, request: Request<RequestBody>) -> Result<Response<Incoming>, ClientError> {
        let pool = || pool(self.connector.for_http1(), self.head, 0);
        let switched = attempt(self.switched.get_or_init(pool), request).await;
        switched.map_err(|failed| failed.error)
    }
}

/// `idle` is how many connections are kept for a host.
fn pool(connector: Connector, head: HeadLimits, idle: usize) -> Pool {
    builder(head, idle).build(connector)
}

#[expect(clippy::disallowed_types, reason = "the one client lives in this room")]
fn builder(head: HeadLimits, idle: usize) -> legacy::Builder {
    let mut builder = legacy::Client::builder(Charged);
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(idle)
        // RFC 9112, sections 5.1 and 5.2, say how these are taken. Other lines that are none are dropped.
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_max_headers(head.fields)
        .http1_max_buf_size(head.buffer)
        .http2_max_header_list_size(head.list);
    builder
}

/// The same request, where its body is here whole.
fn copy(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let mut copy = Request::new(request.body().try_clone()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// An attempt that brought no response.
struct Failed {
    error: ClientError,
    used: Option<Used>,
}

impl Failed {
    fn may_be_repeated(&self, idempotent: bool) -> bool {
        let ClientError::Http(error) = &self.error else {
            return false;
        };
        let unanswered = || self.used.as_ref().is_some_and(Used::is_unanswered);
        is_unprocessed(error) || (idempotent && unanswered() && lost_connection(error))
    }
}

/// A connection that a request was given to, as it was then.
struct Used {
    traffic: Arc<Traffic>,
    received: u64,
    answered: bool,
    is_http2: bool,
    busy: Arc<Busy>,
}

impl Used {
    /// Whether others were answered before, and of this answer nothing has come. HTTP/2 gives an answer's head whole or not.
    fn is_unanswered(&self) -> bool {
        self.answered && (self.is_http2 || self.traffic.received() == self.received)
    }

    /// The client's pool says which connection a request is given to before the connection sees it.
    fn note(last: &mut Option<Self>, captured: &CaptureConnection) {
        let connected = captured.connection_metadata();
        let Some(connected) = connected.as_ref() else { return };
        let Some((traffic, in_use)) = known(connected) else {
            return;
        };
        if last.as_ref().is_none_or(|last| !Arc::ptr_eq(&last.traffic, &traffic)) {
            traffic.is_asked();
            if let Some(time) = ConnectTime::current() {
                time.is_given();
            }
            *last = Some(Self {
                busy: in_use.begin(),
                received: traffic.received(),
                answered: traffic.answered(),
                is_http2: connected.is_negotiated_h2(),
                traffic,
            });
        }
    }
}

fn known(connected: &Connected) -> Option<(Arc<Traffic>, InUse)> {
    let mut extras = Extensions::new();
    connected.get_extras(&mut extras);
    Some((extras.remove()?, extras.remove()?))
}

async fn attempt(pool: &Pool, mut request: Request<RequestBody>) -> Result<Response<Incoming>, Failed> {
    let captured = capture_connection(&mut request);
    let method = request.method().clone();
    let mut sending = pool.request(request);
    let mut used = None;
    let sent = poll_fn(|cx| {
        let polled = Pin::new(&mut sending).poll(cx);
        if polled.is_pending() {
            Used::note(&mut used, &captured);
        }
        polled
    });
    let mut response = match sent.await {
        Ok(response) => response,
        Err(error) => {
            return Err(Failed {
                error: error.into(),
                used,
            });
        }
    };
    if let Some(traffic) = response.extensions().get::<Arc<Traffic>>() {
        traffic.is_answered();
    }
    // The connection is used until the answer is read.
    if let Some(used) = &used {
        response.extensions_mut().insert(Arc::clone(&used.busy));
    }
    if let Err(why) = framing::check(&method, &mut response) {
        // What follows on it is not what it says.
        if let Some(connected) = captured.connection_metadata().as_ref() {
            connected.poison();
        }
        return Err(Failed {
            error: ClientError::Framing(why),
            used,
        });
    }
    Ok(response)
}
