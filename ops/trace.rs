//! One request's way through agent, policy and upstream: its request id, its place in a distributed trace
//! (<https://www.w3.org/TR/trace-context/>), and when it came by.

use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::account::Account;
use crate::broken::Broken;

/// The header of the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header of the trace context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How many workers may call each other in a row: <https://developers.cloudflare.com/workers/platform/limits/#service-bindings>.
pub const DEPTH: u32 = 32;
/// How many calls of other workers one client's request may cause.
pub const WORKERS: u64 = 1000;

/// A request before the policy has seen it, without its body.
#[derive(Debug)]
pub struct Asked {
    /// Its method.
    pub method: http::Method,
    /// Its URL.
    pub url: deno_core::url::Url,
    /// Its headers.
    pub headers: HeaderMap,
}

/// What a client's request has used, in all its events and on all threads.
#[derive(Debug, Default)]
pub struct Usage {
    /// Nanoseconds.
    cpu: AtomicU64,
    egress: AtomicU64,
    workers: AtomicU64,
    /// Which of its bodies have failed.
    pub broken: Broken,
}

impl Usage {
    /// A script has computed for it.
    pub fn computed(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.cpu.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Something was asked for on its behalf.
    pub fn asked(&self) {
        self.egress.fetch_add(1, Ordering::Relaxed);
    }

    /// One more worker is called on its behalf. Gives how many were, so far.
    pub fn called(&self) -> u64 {
        self.workers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// CPU time of scripts, so far.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu.load(Ordering::Relaxed))
    }

    /// How many requests were on their way out, so far.
    pub fn egress(&self) -> u64 {
        self.egress.load(Ordering::Relaxed)
    }
}

/// What one client's request is known by, in all its events. Identifiers are made when they are first asked for.
#[derive(Debug)]
struct Identifiers {
    /// Ours: a client may send the same request id twice.
    number: u64,
    request_id: OnceCell<Rc<str>>,
    /// The trace context that the client sent, or one of ours.
    traceparent: OnceCell<Rc<str>>,
    /// The client's address, where it is known.
    client: OnceCell<IpAddr>,
    usage: Arc<Usage>,
    /// Why the policy gave no answer, where a developer looks on: for whoever asked the agent, never for the agent.
    policy_failure: OnceCell<String>,
}

impl Identifiers {
    fn of(number: u64) -> Self {
        Self {
            number,
            request_id: OnceCell::new(),
            traceparent: OnceCell::new(),
            client: OnceCell::new(),
            usage: Arc::default(),
            policy_failure: OnceCell::new(),
        }
    }
}

impl Default for Identifiers {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self::of(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// To what an event is charged that works for another one: to that of the worker which loaded its own.
pub trait Charged {
    /// It has computed for so long.
    fn computed(&self, time: Duration);

    /// It makes a request. Gives whether it may.
    fn may_fetch(&self) -> bool;

    /// CPU time that it may take, where that is less than its worker's.
    fn cpu(&self) -> Option<Duration>;

    /// The same, as what it is.
    fn any(self: Rc<Self>) -> Rc<dyn Any>;
}

/// Identifiers that may move to another thread.
#[derive(Debug, Clone)]
pub struct TraceIds {
    number: u64,
    request_id: String,
    traceparent: String,
    usage: Arc<Usage>,
    client: Option<IpAddr>,
    /// Of workers that have called each other, and of tail workers' events.
    depth: u32,
    tails: u8,
}

/// One event's part of the way.
pub struct Trace {
    ids: Rc<Identifiers>,
    /// Whose account all of it is put down to, once that is known.
    account: OnceCell<Arc<Account>>,
    /// To what the event is charged, too.
    charged: OnceCell<Rc<dyn Charged>>,
    /// On whose behalf it is, where that is not its caller: what the host attests of a loaded worker.
    on_behalf: OnceCell<Rc<dyn Any>>,
    /// How many workers have called each other until it came about.
    depth: Cell<u32>,
    /// The identifiers that were added to its request, where they were.
    added: OnceCell<Rc<str>>,
    /// How many events of tail workers it comes of, its own included.
    pub tails: Cell<u8>,
    /// When the event was queued.
    pub queued: Instant,
    /// When its handler was called.
    pub started: Cell<Option<Instant>>,
    /// The rule that would have denied its request, but only audits.
    pub audited: OnceCell<Rc<str>>,
    /// The request as it came to the policy, where someone wants to see what that changes.
    pub asked: OnceCell<Asked>,
    /// How many of its requests went to the network or were denied there.
    pub egresses: Cell<u32>,
    /// The agent's request that the policy judges here, by its number on the live page; 0 where nobody looks on.
    pub call: Cell<u64>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("ids", &self.ids).finish_non_exhaustive()
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new(Rc::default())
    }
}

impl Trace {
    fn new(ids: Rc<Identifiers>) -> Self {
        Self {
            ids,
            account: OnceCell::new(),
            charged: OnceCell::new(),
            on_behalf: OnceCell::new(),
            depth: Cell::new(0),
            added: OnceCell::new(),
            tails: Cell::new(0),
            queued: Instant::now(),
            started: Cell::new(None),
            audited: OnceCell::new(),
            asked: OnceCell::new(),
            egresses: Cell::new(0),
            call: Cell::new(0),
        }
    }

    /// The trace of a client's request, which may bring its own identifiers. What is not well-formed is not taken.
    pub fn of(headers: &HeaderMap) -> Self {
        let trace = Self::known_as(headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()));
        if let Some(parent) = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()) {
            if is_traceparent(parent) {
                let _ = trace.ids.traceparent.set(parent.into());
            }
        }
        trace
    }

    /// The trace of a request that has this id, where that is well-formed.
    pub fn known_as(request_id: Option<&str>) -> Self {
        let trace = Self::default();
        if let Some(id) = request_id.filter(|id| is_request_id(id)) {
            let _ = trace.ids.request_id.set(id.into());
        }
        trace
    }

    /// The trace of a request that has moved to this thread.
    pub fn moved(ids: TraceIds) -> Self {
        let trace = Self::new(Rc::new(Identifiers {
            usage: ids.usage,
            ..Identifiers::of(ids.number)
        }));
        let _ = trace.ids.request_id.set(ids.request_id.into());
        let _ = trace.ids.traceparent.set(ids.traceparent.into());
        if let Some(client) = ids.client {
            trace.is_from(client);
        }
        trace.depth.set(ids.depth);
        trace.tails.set(ids.tails);
        trace
    }

    /// Its identifiers, for another thread.
    pub fn ids(&self) -> TraceIds {
        TraceIds {
            number: self.ids.number,
            request_id: self.request_id().to_string(),
            traceparent: self.traceparent().to_string(),
            client: self.client(),
            usage: Arc::clone(self.usage()),
            depth: self.depth.get(),
            tails: self.tails.get(),
        }
    }

    /// What all of it has used.
    pub fn usage(&self) -> &Arc<Usage> {
        &self.ids.usage
    }

    /// Its client has this address.
    pub fn is_from(&self, client: IpAddr) {
        let _ = self.ids.client.set(client);
    }

    /// The client's address, where it is known.
    pub fn client(&self) -> Option<IpAddr> {
        self.ids.client.get().copied()
    }

    /// All of it is done for this agent.
    pub fn is_for(&self, account: &Arc<Account>) {
        let _ = self.account.set(Arc::clone(account));
    }

    /// Whose account all of it is put down to.
    pub fn account(&self) -> Option<&Arc<Account>> {
        self.account.get()
    }

    /// The event is charged to another one, too.
    pub fn charge_to(&self, charged: Rc<dyn Charged>) {
        let _ = self.charged.set(charged);
    }

    /// To what the event is charged, too.
    pub fn charged(&self) -> Option<&Rc<dyn Charged>> {
        self.charged.get()
    }

    /// It is on behalf of this one, and not of its caller.
    pub fn is_on_behalf(&self, whom: Rc<dyn Any>) {
        let _ = self.on_behalf.set(whom);
    }

    /// On whose behalf it is, where that is not its caller.
    pub fn on_behalf<T: 'static>(&self) -> Option<&T> {
        self.on_behalf.get()?.downcast_ref()
    }

    /// The policy gave no answer on the way, for this reason. The first is kept.
    pub fn policy_failed(&self, why: String) {
        let _ = self.ids.policy_failure.set(why);
    }

    /// Why, where it was told.
    pub fn policy_failure(&self) -> Option<&str> {
        self.ids.policy_failure.get().map(String::as_str)
    }

    /// The request's id.
    pub fn request_id(&self) -> Rc<str> {
        Rc::clone(self.ids.request_id.get_or_init(|| Uuid::new_v4().to_string().into()))
    }

    /// The request's number, which no other of this process has.
    pub fn number(&self) -> u64 {
        self.ids.number
    }

    fn traceparent(&self) -> &Rc<str> {
        self.ids.traceparent.get_or_init(|| {
            let trace = Uuid::new_v4().simple().to_string();
            format!("00-{trace}-{}-01", span()).into()
        })
    }

    /// The next part of the way: the same request and trace.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self::new(Rc::clone(&self.ids));
        if let Some(account) = self.account() {
            child.is_for(account);
        }
        if let Some(whom) = self.on_behalf.get() {
            child.is_on_behalf(Rc::clone(whom));
        }
        child.depth.set(self.depth.get());
        child.tails.set(self.tails.get());
        child
    }

    /// The same, for what another worker does that is called. Nothing where too many have called each other, or too many were called.
    #[must_use]
    pub fn deeper(&self, account: Option<&Arc<Account>>) -> Option<Self> {
        let depth = self.depth.get() + 1;
        if depth > DEPTH || self.usage().called() > WORKERS {
            return None;
        }
        let child = self.child_for(account);
        child.depth.set(depth);
        Some(child)
    }

    /// The same, for what is done on account of another.
    #[must_use]
    pub fn child_for(&self, account: Option<&Arc<Account>>) -> Self {
        let Some(account) = account else { return self.child() };
        let child = Self::new(Rc::clone(&self.ids));
        child.is_for(account);
        child.depth.set(self.depth.get());
        child.tails.set(self.tails.get());
        child
    }

    /// Adds the identifiers to a request, with a span of its own. A `traceparent` that is there already stays: the script
    /// has a trace of its own. The request id is the host's.
    pub fn add(&self, headers: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::from_str(&self.request_id()) {
            headers.insert(REQUEST_ID, id);
        }
        if headers.contains_key(TRACEPARENT) {
            return;
        }
        let added = self.added.get_or_init(|| {
            let parent = self.traceparent();
            format!("{}{}{}", &parent[..36], span(), &parent[52..]).into()
        });
        if let Ok(parent) = HeaderValue::from_str(added) {
            headers.insert(TRACEPARENT, parent);
        }
    }

    /// Takes away what [`Self::add`] added, and nothing that a script wrote.
    pub fn remove(&self, headers: &mut HeaderMap) {
        let is = |name: &HeaderName, ours: &str| {
            headers
                .get(name)
                .is_some_and(|value| value.as_bytes() == ours.as_bytes())
        };
        let Some(added) = self.added.get() else { return };
        let (id, parent) = (is(&REQUEST_ID, &self.request_id()), is(&TRACEPARENT, added));
        if id {
            headers.remove(REQUEST_ID);
        }
        if parent {
            headers.remove(TRACEPARENT);
        }
    }
}

fn is_request_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:=+/".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(plain)
}

fn span() -> String {
    // Sixteen digits, of which the standard wants one that is not zero: the version's digit of a UUID is one.
    Uuid::new_v4().simple().to_string()[..16].to_owned()
}

/// `00-<32 digits>-<16 digits>-<2 digits>`, in lower case and not all zeros.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let something = |part: &str| part.bytes().any(|byte| byte != b'0');
    matches!(parts[..], ["00", trace, span, flags]
        if hex(trace, 32) && hex(span, 16) && hex(flags, 2) && something(trace) && something(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_identifiers_go_on() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc-1"));
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.insert(TRACEPARENT, HeaderValue::from_static(parent));
        let mut marked = HeaderMap::new();
        let trace = Trace::of(&headers).child();
        trace.add(&mut marked);
        assert_eq!(marked[REQUEST_ID], "abc-1");
        let next = marked[TRACEPARENT].to_str().unwrap();
        assert!(
            is_traceparent(next) && next != parent && next[..36] == parent[..36],
            "{next}"
        );
        trace.remove(&mut marked);
        assert!(marked.is_empty());
    }

    #[test]
    fn a_scripts_own_trace_stays() {
        let own = HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, own.clone());
        let trace = Trace::default();
        trace.add(&mut headers);
        trace.remove(&mut headers);
        assert_eq!(headers[TRACEPARENT], own);
        let moved = Trace::moved(trace.ids());
        assert_eq!(moved.request_id(), trace.request_id());
    }

    #[test]
    fn what_is_malformed_is_made_anew() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("a b"));
        headers.insert(TRACEPARENT, HeaderValue::from_static("00-0-0-01"));
        let mut marked = HeaderMap::new();
        Trace::of(&headers).add(&mut marked);
        assert_eq!(marked[REQUEST_ID].len(), 36);
        assert!(is_traceparent(marked[TRACEPARENT].to_str().unwrap()));
    }
}
