//! `console.*`: a script's lines go to the log, under the script's name.

use std::time::Instant;

use deno_core::{OpState, op2};

use crate::console_tap::{ConsoleLine, ConsoleTap};
use crate::events::{Events, about};
use crate::origin::EventId;
use crate::worker_log::{Lines, author_stack, complain, cut, is_captured, note};

/// One line of a script's console. `level` is the Console standard's: 0 debug, 1 log, 2 warn, 3 error, 4 trace. `event`
/// is the event that wrote it, 0 for none. Gives the number that [`op_console_arguments`] takes; 0 where nobody wants to know more.
#[op2(fast)]
#[smi]
pub(crate) fn op_console(state: &mut OpState, #[string] text: &str, #[smi] level: i32, #[smi] event: EventId) -> u32 {
    let captured = is_captured();
    if !captured {
        match state.borrow::<Lines>().take(Instant::now()) {
            None => return 0,
            Some(0) => {}
            Some(dropped) => {
                let about = about(state, event);
                let (agent, tenant, request_id) = (about.agent(), about.tenant(), about.request_id());
                tracing::warn!(target: "worker", worker = about.worker(), agent, tenant, request_id, dropped, "lines of the console were dropped: see limits.log_lines");
            }
        }
    }
    let about = about(state, event);
    let (worker, agent, tenant, request_id) = (about.worker(), about.agent(), about.tenant(), about.request_id());
    let text = text.trim_end_matches('\n');
    if note(|| format!("[{worker}] {text}")) {
        return 0;
    }
    let text = cut(text);
    let line = state.borrow::<Events>().tail(event).map(|tail| tail.line(&text, level));
    tap(state, event, (worker, level, &text));
    match level {
        0 => tracing::debug!(target: "console", worker, agent, tenant, request_id, "{text}"),
        2 => tracing::warn!(target: "console", worker, agent, tenant, request_id, "{text}"),
        3 => tracing::error!(target: "console", worker, agent, tenant, request_id, "{text}"),
        _ => tracing::info!(target: "console", worker, agent, tenant, request_id, "{text}"),
    }
    line.unwrap_or_default()
}

/// What the console was called with for a line that a tail worker will be told: a list, as JSON.
#[op2(fast)]
pub(crate) fn op_console_arguments(state: &mut OpState, #[smi] event: EventId, #[smi] line: u32, #[string] list: &str) {
    if let Some(tail) = state.borrow::<Events>().tail(event) {
        tail.arguments(line, list);
    }
}

/// An exception or rejection that no handler caught and that belongs to no response. `event` is the event that it came of, 0 for none.
#[op2(fast)]
pub(crate) fn op_uncaught(state: &mut OpState, #[string] what: &str, #[string] stack: &str, #[smi] event: EventId) {
    uncaught(state, what, stack, event);
}

fn uncaught(state: &OpState, what: &str, stack: &str, event: EventId) {
    if !is_captured() && state.borrow::<Lines>().take(Instant::now()).is_none() {
        return;
    }
    let about = about(state, event);
    let text = format!("{what}: {}", author_stack(stack));
    if let Some(tail) = state.borrow::<Events>().tail(event) {
        let stack = author_stack(stack);
        tail.note(stack.lines().next().unwrap_or_default(), &stack);
    }
    tap(state, event, (about.worker(), 3, &cut(&text)));
    complain(&about, &text);
}

/// A stream that a script wrote for a response's body has failed: who reads the response learns only that it is not whole.
#[op2(fast)]
pub(crate) fn op_body_failed(state: &mut OpState, #[string] stack: &str, #[smi] event: EventId) {
    if let Some(trace) = state.borrow::<Events>().trace(event) {
        trace.usage().broken.is_told();
    }
    uncaught(state, "a body failed", stack, event);
}

/// Tells a line to who looks on.
fn tap(state: &OpState, event: EventId, (worker, level, text): (&str, i32, &str)) {
    if let Some(tap) = state.try_borrow::<ConsoleTap>() {
        let trace = state.borrow::<Events>().trace(event).map(|trace| &**trace);
        tap.tell(&ConsoleLine {
            worker,
            level,
            text,
            trace,
        });
    }
}
