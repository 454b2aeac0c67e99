//! What `js/websocket/websocket.js` calls.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use deno_core::{CancelFuture as _, OpState, ResourceId, op2};
use deno_error::JsErrorBox;

use super::end::{SocketEnd, socket_pair};
use super::lane::{Frame, OVERHEAD};
use super::received::Received;
use super::resource::{SocketResource, keep};
use crate::events::{self, Events};
use crate::external_memory::ExternalMemory;
use crate::origin::EventId;

/// How long a message waits at most until what the event has sent by its other sockets is read. Two scripts that wait for each other
/// would wait for ever.
const ROOM: Duration = Duration::from_secs(5);

/// The accepted ends of an event, for each to see whether the others are full.
#[derive(Default)]
pub(crate) struct OfEvent(RefCell<Vec<Weak<SocketEnd>>>);

impl OfEvent {
    fn add(&self, end: &Rc<SocketEnd>) {
        let mut all = self.0.borrow_mut();
        all.retain(|known| known.strong_count() > 0);
        all.push(Rc::downgrade(end));
    }

    fn others(&self, own: &Rc<SocketEnd>) -> Vec<Rc<SocketEnd>> {
        let all = self.0.borrow();
        if all.len() < 2 {
            return Vec::new();
        }
        let all = all.iter().filter_map(Weak::upgrade);
        all.filter(|end| !Rc::ptr_eq(end, own)).collect()
    }
}

fn gone() -> JsErrorBox {
    JsErrorBox::type_error("the WebSocket is no longer available: its event has ended, or it was handed on")
}

fn close(state: &mut OpState, rid: ResourceId) {
    if let Ok(resource) = state.resource_table.take_any(rid) {
        resource.close();
    }
}

fn end(state: &OpState, rid: ResourceId) -> Option<Rc<SocketEnd>> {
    state.resource_table.get::<SocketResource>(rid).ok()?.end()
}

/// Both ends of a new WebSocket, for an event.
#[op2]
#[serde]
pub(crate) fn op_websocket_pair(
    state: &mut OpState,
    #[smi] event: EventId,
) -> Result<(ResourceId, ResourceId), JsErrorBox> {
    let scope = state.borrow::<Events>().scope(event).ok_or_else(gone)?;
    let (one, other) = socket_pair();
    let first = keep(state, &scope, one)?;
    match keep(state, &scope, other) {
        Ok(second) => Ok((first, second)),
        Err(error) => {
            close(state, first);
            Err(error)
        }
    }
}

/// An event begins to read an end, and goes on while that is open.
#[op2(fast)]
pub(crate) fn op_websocket_accept(
    state: &mut OpState,
    #[smi] event: EventId,
    #[smi] rid: ResourceId,
) -> Result<(), JsErrorBox> {
    let resource = state.resource_table.get::<SocketResource>(rid).map_err(|_| gone())?;
    let end = resource.end().ok_or_else(gone)?;
    let scope = state.borrow::<Events>().scope(event).ok_or_else(gone)?;
    if resource.accepted.replace(true) || !events::socket_opens(state, event) {
        return Err(gone());
    }
    // It is this event's now, whichever made it.
    scope.own(rid);
    scope.sockets.add(&end);
    end.accept(state.borrow::<ExternalMemory>().clone());
    Ok(())
}

fn send(state: &OpState, rid: ResourceId, bytes: Vec<u8>, frame: fn(Bytes) -> Frame) -> Result<bool, JsErrorBox> {
    let Some(end) = end(state, rid) else { return Ok(false) };
    let mut reservation = state
        .borrow::<ExternalMemory>()
        .reserve(bytes.len())
        .map_err(JsErrorBox::from_err)?;
    reservation.grow(OVERHEAD).map_err(JsErrorBox::from_err)?;
    Ok(end.push(frame(reservation.hold(bytes))))
}

/// Sends text. Gives whether anybody will read it.
#[op2(fast)]
pub(crate) fn op_websocket_send_text(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[string] text: String,
) -> Result<bool, JsErrorBox> {
    send(state, rid, text.into_bytes(), Frame::Text)
}

/// Sends bytes, likewise. They are copied: the script still holds the memory.
#[op2(fast)]
pub(crate) fn op_websocket_send(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[buffer(copy)] bytes: Vec<u8>,
) -> Result<bool, JsErrorBox> {
    send(state, rid, bytes, Frame::Binary)
}

/// Tells the peer that nothing follows. A script that cannot pay for it is one that is about to end.
#[op2(fast)]
pub(crate) fn op_websocket_close(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] code: u16,
    #[string] reason: String,
) {
    if let Some(end) = end(state, rid) {
        end.push(Frame::Close(code, reason));
    }
}

/// Bytes of messages that the peer has not taken.
#[op2(fast)]
pub(crate) fn op_websocket_buffered(state: &mut OpState, #[smi] rid: ResourceId) -> f64 {
    let queued = end(state, rid).map_or(0, |end| end.buffered());
    #[expect(clippy::cast_precision_loss, reason = "no queue has 2^53 bytes")]
    let queued = queued as f64;
    queued
}

/// The next that comes over an end that was accepted for this event. It waits while the event's other sockets have much to send: a
/// script that passes messages on takes no more of them than it gets rid of.
#[op2]
pub(crate) async fn op_websocket_next(
    state: Rc<RefCell<OpState>>,
    #[smi] event: EventId,
    #[smi] rid: ResourceId,
) -> Result<Received, JsErrorBox> {
    let (end, cancel, others) = {
        let state = state.borrow();
        let Ok(resource) = state.resource_table.get::<SocketResource>(rid) else {
            return Ok(Received(None));
        };
        let (Some(end), Some(scope)) = (resource.end(), state.borrow::<Events>().scope(event)) else {
            return Ok(Received(None));
        };
        let others = scope.sockets.others(&end);
        (end, Rc::clone(&resource.cancel), others)
    };
    let next = async {
        if !others.is_empty() {
            let room = poll_fn(|cx| {
                let full = others.iter().any(|other| other.poll_room(cx).is_pending());
                if full { Poll::Pending } else { Poll::Ready(()) }
            });
            let _ = tokio::time::timeout(ROOM, room).await;
            drop(others);
        }
        end.next().await
    };
    let frame = next.or_cancel(cancel).await.unwrap_or(None);
    if let Some(Frame::Text(_) | Frame::Binary(_)) = &frame {
        // What an isolate sends to itself is no news.
        if !end.is_within() {
            state.borrow().borrow::<Events>().renew(event);
        }
    }
    Ok(Received(frame))
}

/// An end is over. Gives whether the event that had accepted it ended with it.
#[op2(fast)]
pub(crate) fn op_websocket_end(state: &mut OpState, #[smi] event: EventId, #[smi] rid: ResourceId) -> bool {
    let Ok(resource) = state.resource_table.get::<SocketResource>(rid) else {
        return false;
    };
    let accepted = resource.accepted.get();
    close(state, rid);
    accepted && events::socket_closes(state, event)
}
