//! An end of a WebSocket that an isolate has.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use deno_core::{CancelHandle, OpState, Resource, ResourceId};
use deno_error::JsErrorBox;

use super::end::SocketEnd;
use crate::events::Scope;

/// What the WebSockets of a worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SocketLimits {
    /// How many ends at once.
    pub at_once: usize,
    /// How many sockets of `connect()` at once.
    pub tcp_at_once: usize,
    /// Bytes of one message.
    pub message: usize,
    /// Messages in a second, in each direction of each connection; any number without.
    pub per_second: Option<u32>,
    /// How long nothing may pass over a connection, pings included.
    pub idle: Duration,
    /// The same over a connection of `connect()`.
    pub tcp_idle: Duration,
    /// Whether messages may be compressed where both sides agree to it; of a connection, whether they are.
    pub compression: bool,
}

/// How many ends an isolate has.
pub struct Sockets {
    open: Rc<Cell<usize>>,
    tcp: Rc<Cell<usize>>,
    limits: SocketLimits,
}

impl Sockets {
    /// None yet.
    pub fn new(limits: SocketLimits) -> Self {
        Self {
            open: Rc::default(),
            tcp: Rc::default(),
            limits,
        }
    }
}

/// One of them.
pub(crate) struct Counted(Rc<Cell<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// An end, until it is handed on or closed.
pub(crate) struct SocketResource {
    end: RefCell<Option<Rc<SocketEnd>>>,
    pub(super) accepted: Cell<bool>,
    pub(super) cancel: Rc<CancelHandle>,
    counted: RefCell<Option<Counted>>,
}

impl SocketResource {
    pub(super) fn end(&self) -> Option<Rc<SocketEnd>> {
        self.end.borrow().clone()
    }
}

impl Resource for SocketResource {
    fn name(&self) -> Cow<'_, str> {
        "webSocket".into()
    }

    fn close(self: Rc<Self>) {
        // A read in flight holds the end: its peer is to hear of this now.
        if let Some(end) = self.end.take() {
            end.hang_up();
        }
        self.cancel.cancel();
        self.counted.take();
    }
}

fn count_in(open: &Rc<Cell<usize>>, most: usize, (what, limit): (&str, &str)) -> Result<Counted, JsErrorBox> {
    if open.get() >= most {
        return Err(JsErrorBox::range_error(format!(
            "the worker has {most} {what} open, as many as it may have at once: see limits.{limit}"
        )));
    }
    open.set(open.get() + 1);
    Ok(Counted(Rc::clone(open)))
}

/// Counts one more end of a WebSocket of an isolate's, where it may have one.
fn count(state: &OpState) -> Result<Counted, JsErrorBox> {
    let sockets = state.borrow::<Sockets>();
    count_in(&sockets.open, sockets.limits.at_once, ("WebSockets", "websockets"))
}

/// Counts one more socket of `connect()`, likewise.
pub(crate) fn count_tcp(state: &OpState) -> Result<Counted, JsErrorBox> {
    let sockets = state.borrow::<Sockets>();
    count_in(
        &sockets.tcp,
        sockets.limits.tcp_at_once,
        ("sockets of connect()", "sockets"),
    )
}

/// Keeps an end for an isolate's event, where it may have one more.
pub(crate) fn keep(state: &mut OpState, scope: &Scope, end: SocketEnd) -> Result<ResourceId, JsErrorBox> {
    let counted = count(state)?;
    let rid = state.resource_table.add(SocketResource {
        end: RefCell::new(Some(Rc::new(end))),
        accepted: Cell::new(false),
        cancel: CancelHandle::new_rc(),
        counted: RefCell::new(Some(counted)),
    });
    scope.own(rid);
    Ok(rid)
}

/// Takes an end that nobody reads out of its isolate, to hand it on.
pub(crate) fn take(state: &mut OpState, rid: ResourceId) -> Option<SocketEnd> {
    let resource = state.resource_table.get::<SocketResource>(rid).ok()?;
    if resource.accepted.get() {
        return None;
    }
    let _ = state.resource_table.take::<SocketResource>(rid);
    resource.counted.take();
    let end = resource.end.take()?;
    Rc::try_unwrap(end).ok()
}
