//! One client's request, as the server counts and lists it: from its head to the end of its response's body.

use std::cell::Cell;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Uri, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use workerd_lite_ops::clock;
use workerd_lite_ops::statistics::Statistics;

use crate::audit::{Access as Line, AccessLog, shortened};
use crate::host::{Client, Outcome, Served};
use crate::listen::Remote;
use crate::metrics;

/// What a line says of a request's head.
struct Head {
    log: Arc<AccessLog>,
    time: SystemTime,
    client: Option<IpAddr>,
    method: Method,
    target: Uri,
    host: Option<HeaderValue>,
    version: Version,
    user_agent: Option<HeaderValue>,
}

/// A request. It is over when this is dropped.
pub(super) struct Access {
    pub(super) served: Rc<Served>,
    began: Instant,
    /// Nothing where there is no log.
    head: Option<Head>,
    status: Option<StatusCode>,
    received: Rc<Cell<u64>>,
    sent: u64,
    /// Whether all of the response was given to the connection.
    whole: bool,
}

impl Access {
    /// A request has come. Gives it with its body counted.
    pub(super) fn begin(
        request: http::Request<Incoming>,
        remote: Remote,
        log: Option<&Arc<AccessLog>>,
    ) -> (Self, http::Request<Counted>) {
        // Whoever is not believed speaks for itself.
        let client = request.extensions().get::<Client>().map_or_else(
            || match remote {
                Remote::Address(address) => Some(address),
                Remote::Unix | Remote::Gone => None,
            },
            |client| client.address,
        );
        let head = log.map(|log| Head {
            log: Arc::clone(log),
            time: clock::wall(),
            client,
            method: request.method().clone(),
            target: request.uri().clone(),
            host: request.headers().get(header::HOST).cloned(),
            version: request.version(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
        });
        let received = Rc::new(Cell::new(0));
        let access = Self {
            served: Served::new(request.headers()),
            began: Instant::now(),
            head,
            status: None,
            received: Rc::clone(&received),
            sent: 0,
            whole: false,
        };
        (access, request.map(|body| Counted { body, received }))
    }

    /// The response's head is there.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// So many bytes of the response's body were given to the connection.
    pub(super) fn sends(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes as u64);
    }

    /// So many bytes have passed over its WebSocket.
    pub(super) fn passed(&mut self, received: u64, sent: u64) {
        self.received.set(received);
        self.sent = sent;
    }

    /// And now all of it.
    pub(super) fn is_whole(&mut self) {
        self.whole = true;
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let status = self.status.map(|status| status.as_u16());
        let account = self.served.account.get().cloned().unwrap_or_else(metrics::nobody);
        account.statistics().requests[Statistics::class(status)].observe(took);
        let Some(head) = &self.head else { return };
        let outcome = match self.served.outcome.get() {
            Outcome::Ok if !self.whole => Outcome::Cancelled,
            outcome => outcome,
        };
        let (outcome, reason) = outcome.words();
        let reason = reason.or((outcome == "cancelled" && metrics::is_cutting()).then_some("shutdown"));
        let id = account.id();
        let trace = &self.served.trace;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let host = match head.target.authority() {
            Some(authority) => authority.to_string(),
            None => head.host.as_ref().map(text).unwrap_or_default(),
        };
        let milliseconds = |time: std::time::Duration| (time.as_secs_f64() * 1_000_000.0).round() / 1000.0;
        head.log.write(
            id,
            &Line {
                event: "access",
                time: humantime::format_rfc3339_micros(head.time).to_string(),
                request_id: &trace.request_id(),
                agent: (!id.name.is_empty()).then_some(&*id.name),
                tenant: id.tenant.as_deref(),
                client: head.client.map(|client| client.to_string()),
                method: shortened(head.method.as_str()).as_ref(),
                host: &shortened(&host),
                path: head.log.path(&head.target),
                protocol: protocol(head.version),
                status,
                outcome,
                reason,
                bytes_received: self.received.get(),
                bytes_sent: self.sent,
                ms: milliseconds(took),
                cpu_ms: milliseconds(trace.usage().cpu()),
                egress: trace.usage().egress(),
                user_agent: head
                    .user_agent
                    .as_ref()
                    .map(|value| AccessLog::user_agent(value.as_bytes())),
            },
        );
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

/// A request's body that is counted as it is read.
pub(super) struct Counted {
    body: Incoming,
    received: Rc<Cell<u64>>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            let received = self.received.get().saturating_add(data.len() as u64);
            self.received.set(received);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
