//! An egress that is under way: counted when its response's head is there, recorded when it is over.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use deno_core::unsync::spawn;
use futures_util::StreamExt as _;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::events::Opens;
use workerd_lite_ops::tcp::is_connect;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::verdict::{By, ConnectError, Verdict};
use workerd_lite_ops::websocket::Traffic;
use workerd_lite_ops::{Body, BodyError, Request, Response};

use super::changes::Changes;
use super::live_egress::{LiveEgress, State};
use super::masked_url::{masked, tcp_url};
use super::record::{Closed, Messages, Record, Times, ms};
use super::{Auditor, Unrecorded};
use crate::identity::Attested;

/// A record that is not written yet. It is written when it is dropped: at the end of the response's body, of a failure,
/// or of an egress that was cancelled.
#[derive(Debug)]
struct Writing {
    auditor: Arc<Auditor>,
    began: Instant,
    record: Record,
    sent: Rc<Cell<u64>>,
    /// Whether there is a place for it.
    reserved: bool,
    /// For who looks on.
    live: Option<LiveEgress>,
}

/// An egress whose end is not known yet. It is counted when its response's head is there, or where it is dropped before, and
/// recorded where egress is.
#[derive(Debug)]
pub(crate) struct Open {
    account: Option<Arc<Account>>,
    verdict: Verdict,
    by: By,
    /// The agent's rule that would have denied it, but only audits.
    audited: Option<Rc<str>>,
    counted: bool,
    writing: Option<Writing>,
}

impl Open {
    /// Begins to count one.
    pub(crate) fn count(trace: &Trace) -> Self {
        trace.usage().asked();
        if let (Some(account), Some(started), 0..=1) = (trace.account(), trace.started.get(), trace.egresses.get()) {
            account.statistics().policy.observe(started.elapsed());
        }
        Self {
            account: trace.account().cloned(),
            verdict: Verdict::Deny,
            by: By::Policy,
            audited: trace.audited.get().cloned(),
            counted: false,
            writing: None,
        }
    }

    /// Begins its record, too. A request's body is counted from here on.
    pub(crate) fn begin(
        auditor: &Arc<Auditor>,
        agent: &Attested,
        policy_sha256: Option<&str>,
        trace: &Trace,
        request: &mut Request,
    ) -> Self {
        let now = Instant::now();
        let times = Times {
            waiting: trace.started.get().map(|started| ms(started - trace.queued)),
            policy: trace.started.get().map(|started| ms(now - started)),
            ..Times::default()
        };
        let sent = Rc::new(Cell::new(0));
        let body = std::mem::take(&mut request.body);
        if let Body::Full(bytes) = &body {
            sent.set(bytes.len() as u64);
        }
        let counter = Rc::clone(&sent);
        request.body = body.counted(move |bytes| counter.set(counter.get().saturating_add(bytes)));
        let live = auditor.feed().map(|feed| {
            let asked = trace.asked.get();
            let changes = asked.map(|asked| Changes::between(asked, request, &auditor.shown));
            LiveEgress::begin(feed, trace, now, changes)
        });
        let record = Record {
            kind: match Opens::of(request) {
                Opens::Nothing => None,
                Opens::WebSocket => Some("websocket"),
                Opens::Tcp => Some("tcp"),
            },
            method: request.method.to_string(),
            url: if is_connect(request) {
                tcp_url(&request.url)
            } else if auditor.is_memory() {
                request.url.to_string()
            } else {
                masked(&request.url, &auditor.shown)
            },
            ms: times,
            ..Record::begin(agent, policy_sha256, trace)
        };
        let mut open = Self::count(trace);
        open.writing = Some(Writing {
            record,
            auditor: Arc::clone(auditor),
            began: now,
            sent,
            reserved: false,
            live,
        });
        open.tell(None);
        open
    }

    /// Begins the record of a call by RPC: service, entrypoint and method, and the bytes of its arguments.
    pub(crate) fn call(
        auditor: &Arc<Auditor>,
        agent: &Attested,
        policy_sha256: Option<&str>,
        trace: &Trace,
        (service, entrypoint, method): (&str, &str, &str),
        bytes: usize,
    ) -> Self {
        let mut open = Self::count(trace);
        open.writing = Some(Writing {
            record: Record {
                kind: Some("rpc"),
                service: Some(service.to_owned()),
                entrypoint: Some(entrypoint.to_owned()),
                method: method.to_owned(),
                ..Record::begin(agent, policy_sha256, trace)
            },
            auditor: Arc::clone(auditor),
            began: Instant::now(),
            sent: Rc::new(Cell::new(bytes as u64)),
            reserved: false,
            live: None,
        });
        open
    }

    /// The same body, counted as what is sent.
    pub(crate) fn counts(&self, body: Body) -> Body {
        let Some(writing) = &self.writing else { return body };
        let counter = Rc::clone(&writing.sent);
        if let Body::Full(bytes) = &body {
            counter.set(counter.get().saturating_add(bytes.len() as u64));
        }
        body.counted(move |bytes| counter.set(counter.get().saturating_add(bytes)))
    }

    /// So many bytes have come back.
    pub(crate) fn received(&mut self, bytes: usize) {
        if let Some(record) = self.record() {
            record.bytes_received = bytes as u64;
        }
    }

    /// Tells who looks on how far it has come.
    fn tell(&mut self, state: Option<State>) {
        if let Some(writing) = &mut self.writing {
            writing.tell(state);
        }
    }

    /// What it is about is going to leave, and must not where this fails.
    pub(crate) fn leaves(&mut self) -> Result<(), Unrecorded> {
        if let Some(writing) = &mut self.writing {
            if !writing.reserved {
                writing.reserved = writing.auditor.admits(&mut writing.record)?;
            }
        }
        self.tell(Some(State::Leaving));
        Ok(())
    }

    /// An attempt begins to look for a connection.
    pub(crate) fn sends(&mut self) {
        if let Some(live) = self.writing.as_mut().and_then(|writing| writing.live.as_mut()) {
            live.sends();
        }
    }

    /// Its credential asks others for tokens.
    pub(crate) fn asks_for_tokens(&mut self) {
        if let Some(live) = self.writing.as_mut().and_then(|writing| writing.live.as_mut()) {
            live.asks_for_tokens();
        }
    }

    pub(crate) fn verdict(&mut self, verdict: Verdict, by: By) {
        (self.verdict, self.by) = (verdict, by);
        if let Some(record) = self.record() {
            (record.verdict, record.by) = (verdict, by);
        }
    }

    fn record(&mut self) -> Option<&mut Record> {
        self.writing.as_mut().map(|writing| &mut writing.record)
    }

    pub(crate) fn rule(&mut self, rule: &str) {
        if let Some(record) = self.record() {
            record.rule = Some(rule.to_owned());
        }
    }

    pub(crate) fn binding(&mut self, name: &str) {
        if let Some(record) = self.record() {
            record.binding = Some(name.to_owned());
        }
    }

    /// How long it took until its connection stood, TLS included.
    pub(crate) fn connected(&mut self, after: Duration) {
        let took = Some(ms(after));
        if let Some(record) = self.record() {
            if std::mem::replace(&mut record.ms.connect, took) != took {
                self.tell(None);
            }
        }
    }

    /// The response's head has come from the upstream.
    pub(crate) fn answered(&mut self) {
        if let Some(writing) = &mut self.writing {
            writing.record.ms.first_byte = Some(ms(writing.began.elapsed()));
        }
    }

    pub(crate) fn error(&mut self, why: &str) {
        if let Some(record) = self.record() {
            record.error = Some(why.to_owned());
        }
    }

    /// No connection came about.
    pub(crate) fn unconnected(&self, why: ConnectError) {
        if let Some(account) = &self.account {
            account.statistics().connect_errors.count(why as usize);
        }
    }

    /// Whether it is recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.writing.is_some()
    }

    /// What became of it is known now.
    fn settle(&mut self) {
        if std::mem::replace(&mut self.counted, true) {
            return;
        }
        if let (Some(rule), Verdict::Allow | Verdict::Answer) = (self.audited.take(), self.verdict) {
            self.rule(&rule);
            self.verdict(Verdict::Audit, By::Rule);
        }
        if let Some(account) = &self.account {
            account.statistics().egress.count(self.verdict.place(self.by));
        }
    }

    /// What has passed over its WebSocket, or its connection.
    fn passed(&mut self, traffic: &Traffic) {
        let (came, sent) = traffic.passed();
        if let Some(writing) = &mut self.writing {
            writing.sent.set(sent.bytes);
            writing.record.bytes_received = came.bytes;
            if writing.record.kind == Some("tcp") {
                writing.record.closed = Some(match (came.code, sent.code) {
                    (Some(1006), _) => Closed::Failed,
                    (Some(_), Some(_)) => Closed::Both,
                    (Some(_), None) => Closed::Upstream,
                    (None, Some(_)) => Closed::Worker,
                    (None, None) => Closed::Cut,
                });
                return;
            }
            writing.record.websocket = Some(Messages {
                sent: sent.messages,
                received: came.messages,
                // Who closes first says why.
                code: came.code.or(sent.code).unwrap_or(1006),
            });
        }
    }

    /// The response's head is there; the record goes on with its body, and ends with that.
    pub(crate) fn response(mut self, mut response: Response) -> Response {
        self.settle();
        let Some(writing) = &mut self.writing else {
            return response;
        };
        writing.record.status = Some(response.status.as_u16());
        if writing.record.ms.first_byte.is_none() {
            writing.record.ms.first_byte = Some(ms(writing.began.elapsed()));
        }
        if writing.auditor.is_memory() {
            // A test reads its records as soon as it has the response.
            writing.record.bytes_received = response.body.length().unwrap_or_default();
            return response;
        }
        if let Some(live) = &mut writing.live {
            response = live.response(response);
            writing.tell(Some(State::Body));
        }
        if let Some(socket) = &response.socket {
            let traffic = socket.traffic();
            let mut open = self;
            spawn(async move {
                traffic.ended().await;
                open.passed(&traffic);
            });
            return response;
        }
        match &response.body {
            Body::Empty => {}
            Body::Full(bytes) => writing.record.bytes_received = bytes.len() as u64,
            Body::Stream(_) => {
                let mut open = self;
                let mut noted = move |chunk: &Result<Bytes, BodyError>| match chunk {
                    Ok(bytes) => {
                        if let Some(record) = open.record() {
                            record.bytes_received = record.bytes_received.saturating_add(bytes.len() as u64);
                        }
                    }
                    // What cuts a stream is known here alone: whoever reads it may not tell.
                    Err(why) => open.error(&why.to_string()),
                };
                response.body = response
                    .body
                    .map_stream(|stream| stream.inspect(move |chunk| noted(chunk)).boxed_local());
            }
        }
        response
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Writing {
    /// Tells who looks on how far it has come.
    fn tell(&mut self, state: Option<State>) {
        let Some(live) = &mut self.live else { return };
        if let Some(state) = state {
            live.state(state);
        }
        self.record.cut();
        live.tell(&self.record);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.record.bytes_sent = self.sent.get();
        self.record.ms.total = ms(self.began.elapsed());
        self.tell(Some(State::Done));
        self.auditor.write(&mut self.record, self.reserved);
    }
}
