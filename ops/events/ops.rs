//! What `js/worker` calls for an event that has no response, or goes on after it.

use deno_core::{OpState, op2};

use super::{Events, cancel, end_if_done};
use crate::error::EventError;
use crate::origin::EventId;
use crate::rpc::{self, Failure, Outcome};
use crate::stop::Stop;
use crate::worker_log::author_stack;

/// A handler that brought no response. Gives true where the event ended with it.
#[op2(fast)]
pub(crate) fn op_event_fail(
    state: &mut OpState,
    #[smi] id: EventId,
    #[string] summary: String,
    #[string] stack: String,
    settled: bool,
) -> bool {
    // A script that is being stopped hears from what it called that it was: why its event ends is told by who stops it.
    if state.try_borrow::<Stop>().is_some_and(Stop::is_ordered) {
        return false;
    }
    let stack = author_stack(&stack);
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settle(entry.settled || settled);
        entry.body_ended = true;
        if let Some(tail) = &entry.scope.tail {
            tail.exception(&summary, &stack);
        }
        if let Some(reply) = entry.reply.take() {
            let _ = reply.send(Err(EventError::Exception { summary, stack }));
        }
    }
    end_if_done(state, id)
}

/// A script ends its event at once, which fails whoever waits for something of it. Gives true where the event ended with it.
#[op2(fast)]
pub(crate) fn op_event_abort(
    state: &mut OpState,
    #[smi] id: EventId,
    #[string] name: String,
    #[string] message: String,
    told: bool,
    #[string] stack: String,
    #[buffer] value: &[u8],
) -> bool {
    if state.try_borrow::<Stop>().is_some_and(Stop::is_ordered) {
        return false;
    }
    let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) else {
        return true;
    };
    let stack = author_stack(&stack);
    let summary = format!("{name}: {message}");
    let failure = Failure {
        name,
        message,
        value: rpc::thrown(value),
        told,
        stack: stack.clone(),
        stopped: None,
    };
    if let Some(tail) = &entry.scope.tail {
        tail.exception(&summary, &stack);
    }
    for (_, running) in entry.running.drain() {
        running.reply.send(Outcome::Failed(failure.clone()));
    }
    if let Some(reply) = entry.reply.take() {
        let _ = reply.send(Err(EventError::Exception { summary, stack }));
    }
    cancel(state, id, false)
}

/// All of an event's `waitUntil` promises have settled. Gives true where the event ended with them.
#[op2(fast)]
pub(crate) fn op_event_settled(state: &mut OpState, #[smi] id: EventId) -> bool {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settle(true);
    }
    end_if_done(state, id)
}

/// A `waitUntil` promise came after the response: the event goes on until it settles.
#[op2(fast)]
pub(crate) fn op_event_waiting(state: &mut OpState, #[smi] id: EventId) {
    if let Some(entry) = state.borrow_mut::<Events>().entries.get_mut(&id) {
        entry.settle(false);
        state.borrow::<Events>().expire(id);
    }
}
