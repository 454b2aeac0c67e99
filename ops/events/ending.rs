//! How events come to their end. Each of these tells whether it came.

use std::rc::Rc;
use std::sync::Arc;

use deno_core::OpState;

use super::{Events, about};
use crate::account::Account;
use crate::error::{EventError, Termination};
use crate::origin::EventId;
use crate::rpc::{Outcome, Running};
use crate::tail::Tail;
use crate::worker_log::{author_stack, complain};

/// Marks the body's end. Gives true where the event ended with it.
pub fn body_ended(state: &mut OpState, id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.body_ended = true;
    }
    end_if_done(state, id)
}

/// Ends an event that nobody waits for, unless its `waitUntil` promises still run. Gives true where it ended.
pub fn cancel(state: &mut OpState, id: EventId, waiting: bool) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        if entry.reply.take().is_some() || !entry.running.is_empty() {
            entry.scope.tail.iter().for_each(Tail::canceled);
        }
        entry.body_ended = true;
        entry.sockets = 0;
        if entry.called {
            entry.held = 0;
            entry.called = false;
        }
        if !waiting {
            entry.settle(true);
        }
    }
    end_if_done(state, id)
}

/// Ends every event: their isolate was stopped. Where it was stopped for one agent, the others' events do not hear why.
pub fn terminate(state: &mut OpState, why: Termination, blamed: Option<&Arc<Account>>) {
    let ids: Vec<EventId> = state.borrow::<Events>().entries.keys().copied().collect();
    for id in ids {
        let events = state.borrow_mut::<Events>();
        let account = events.account(id);
        match (blamed, account) {
            (Some(blamed), Some(account)) if !Arc::ptr_eq(blamed, &account) => {
                let reply = events.entries.get_mut(&id).and_then(|entry| entry.reply.take());
                if let Some(reply) = reply {
                    let _ = reply.send(Err(EventError::Shutdown));
                }
            }
            _ => events.refuse(id, why),
        }
        cancel(state, id, false);
    }
}

/// A call that an event has worked for has its answer. Gives whether the event ended with it.
pub(crate) fn rpc_replied(state: &mut OpState, id: EventId, running: u32, outcome: Outcome, settled: bool) -> bool {
    let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) else {
        return true;
    };
    let Some(Running { reply, .. }) = entry.running.remove(&running) else {
        return false;
    };
    if let (Some(tail), Outcome::Failed(why)) = (&entry.scope.tail, &outcome) {
        tail.exception(&format!("{}: {}", why.name, why.message), &author_stack(&why.stack));
    }
    if entry.called {
        entry.settle(entry.settled || settled);
        if !entry.settled {
            state.borrow::<Events>().expire(id);
        }
    }
    reply.send(outcome);
    end_if_done(state, id)
}

/// An event has accepted a WebSocket. Gives whether it has not ended.
pub(crate) fn socket_opens(state: &mut OpState, id: EventId) -> bool {
    let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) else {
        return false;
    };
    entry.sockets += 1;
    true
}

/// And that is over. Gives whether the event ended with it.
pub(crate) fn socket_closes(state: &mut OpState, id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.sockets = entry.sockets.saturating_sub(1);
    }
    end_if_done(state, id)
}

/// Nobody holds something any longer that an event has given. Gives whether the event ended with it.
pub fn released(state: &mut OpState, id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.held = entry.held.saturating_sub(1);
    }
    end_if_done(state, id)
}

pub(super) fn end_if_done(state: &mut OpState, id: EventId) -> bool {
    let events = state.borrow_mut::<Events>();
    if !events
        .entries
        .get(&id)
        .is_some_and(|entry| entry.settled && entry.body_ended && !entry.is_held())
    {
        return false;
    }
    let Some(entry) = events.entries.remove(&id) else {
        return false;
    };
    let trace = Rc::clone(&entry.scope.origin.trace);
    state.borrow_mut::<Events>().ended.push((id, trace));
    for rid in entry.scope.end() {
        if let Ok(resource) = state.resource_table.take_any(rid) {
            resource.close();
        }
    }
    true
}

/// The time of an event's `waitUntil` promises is over. Gives true where that ended it, and where they had not settled.
pub fn expire(state: &mut OpState, id: EventId) -> bool {
    let about = about(state, id);
    match state.borrow_mut::<Events>().entries.get_mut(&id) {
        Some(entry) if !entry.settled => entry.settle(true),
        _ => return false,
    }
    complain(&about, "waitUntil() promises took too long and were given up");
    end_if_done(state, id)
}
