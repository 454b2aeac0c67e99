//! Work that can never go on: what it waits for is a promise that nobody holds who could resolve it. V8 knows: what a handling keeps is kept
//! by it alone, and collected with it. What can still be resolved is reachable from an op, a timer, a global of the script or another
//! event, and so is the handling. Bodies that a script writes and promises of `waitUntil()` tell so themselves once they are collected.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use deno_core::{OpState, v8};
use tokio::time::{Instant, Sleep, sleep_until};
use workerd_lite_ops::clock::is_stopped;
use workerd_lite_ops::{BeingWritten, EventId, Events, Inbox, Message, thread_cpu};

use super::guard::Guarded;

/// For how long an isolate has nothing to do until its events are looked at: messages from others are on their way for less.
const SETTLED: Duration = Duration::from_millis(20);

/// How many times the duration of a look is waited until the next: of one that has nothing else to do, and of one that has, whose other
/// events wait meanwhile.
const SELDOM: u32 = 50;
const SELDOM_WHILE_BUSY: u32 = 500;

/// How old what is watched is at its first look where the isolate has something to do, which may be for another event. Each look after it
/// waits for twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// The same for what has answered already: a body, or a connection. There may be many, for long.
const FIRST_OF_ANSWERED: Duration = Duration::from_millis(100);

/// The longest of these.
const LAST: Duration = Duration::from_mins(2);

/// What may be abandoned, with what only its handling keeps.
pub(super) enum Handling {
    /// An event's request.
    Request(EventId, v8::Weak<v8::Value>),
    /// A connection that somebody has asked an event for, until its end.
    Connection(EventId, v8::Weak<v8::Value>),
    /// A call that an event works for, by its number.
    Call(EventId, u32, v8::Weak<v8::Value>),
    /// A body.
    Body(BeingWritten),
    /// The `waitUntil` promises of an event.
    Promises(EventId),
}

struct Watched {
    handling: Handling,
    /// When it is looked at though the isolate has something to do, and how long after that again.
    due: Instant,
    step: Duration,
}

impl Watched {
    fn is_over(&self, events: &Events) -> bool {
        match &self.handling {
            Handling::Request(event, _) => !events.is_unanswered(*event),
            Handling::Connection(event, _) => !events.is_open(*event),
            Handling::Call(event, running, _) => !events.is_running(*event, *running),
            Handling::Body(written) => !written.is_open(),
            Handling::Promises(event) => !events.is_unsettled(*event),
        }
    }

    /// Whether somebody waits for it who would have an answer, or its event for its own end.
    fn is_waited_for(&self, events: &Events) -> bool {
        match &self.handling {
            Handling::Request(event, _) | Handling::Call(event, ..) | Handling::Promises(event) => {
                !events.waits_for_calls(*event)
            }
            Handling::Connection(event, _) => events.is_unanswered(*event),
            Handling::Body(_) => false,
        }
    }

    fn is_collected(&self) -> bool {
        match &self.handling {
            Handling::Request(_, weak) | Handling::Connection(_, weak) | Handling::Call(_, _, weak) => weak.is_empty(),
            Handling::Body(_) | Handling::Promises(_) => false,
        }
    }
}

/// What one isolate has not finished, as far as is known.
#[derive(Default)]
pub(super) struct Abandoned {
    waiting: Vec<Watched>,
    /// How many there may be until those are forgotten that are over.
    room: usize,
    /// Wakes the isolate for a look once it has had nothing to do for a while.
    wakes: Option<Pin<Box<Sleep>>>,
    /// Nothing has happened since the last look.
    looked: bool,
    /// The next look is not before, and not before the second where there is something else to do.
    not_before: Option<(Instant, Instant)>,
    /// When the first of them is due, and what wakes the isolate then or earlier.
    due: Option<Instant>,
    wakes_when_due: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Abandoned {
    /// Something begins.
    pub(super) fn watch(&mut self, handling: Handling) {
        let step = match handling {
            Handling::Request(..) | Handling::Call(..) | Handling::Promises(_) => FIRST,
            Handling::Connection(..) | Handling::Body(_) => FIRST_OF_ANSWERED,
        };
        let due = Instant::now() + step;
        self.due = Some(self.due.map_or(due, |first| first.min(due)));
        self.waiting.push(Watched { handling, due, step });
    }

    /// Something has happened that may leave another in the lurch.
    pub(super) fn something_happens(&mut self) {
        self.looked = false;
    }

    /// The end of a turn. `idle` says whether no op and no timer is left to wait for. Where that is so for a while, or something has
    /// waited for long, what is abandoned fails.
    pub(super) fn turn_ends(
        &mut self,
        idle: bool,
        runtime: &mut Guarded,
        (state, inbox): (&RefCell<OpState>, &Inbox),
        cx: &mut Context<'_>,
    ) {
        let (written, waiting) = {
            let state = state.borrow();
            let events = state.borrow::<Events>();
            (events.take_written(), events.take_waiting())
        };
        let begun = written.into_iter().map(Handling::Body);
        for handling in begun.chain(waiting.into_iter().map(Handling::Promises)) {
            self.watch(handling);
        }
        let wanted = {
            let state = state.borrow();
            let events = state.borrow::<Events>();
            self.wants_look(idle, events, cx) | self.is_due(events, cx)
        };
        if !wanted {
            return;
        }
        // Where it has collected some by itself, that is enough for now.
        let took = if self.waiting.iter().any(Watched::is_collected) {
            None
        } else {
            // By the clock it takes longer where others compute, which is no reason to look less often.
            let before = thread_cpu().unwrap_or_default();
            runtime.with(|runtime| {
                let isolate = runtime.v8_isolate();
                // One collection of all, where a notification of low memory is several.
                isolate.memory_pressure_notification(v8::MemoryPressureLevel::Critical);
                isolate.memory_pressure_notification(v8::MemoryPressureLevel::None);
            });
            Some(thread_cpu().unwrap_or_default().saturating_sub(before))
        };
        let mut state = state.borrow_mut();
        let events = state.borrow_mut::<Events>();
        for watched in self.over(events, took) {
            match watched.handling {
                Handling::Call(event, running, _) => inbox.push(Message::Abandoned { event, running }),
                Handling::Connection(event, _) if !events.is_unanswered(event) => {
                    inbox.push(Message::Abandoned { event, running: 0 });
                }
                Handling::Request(event, _) | Handling::Connection(event, _) => {
                    events.abandon(event);
                    inbox.push(Message::Cancel(event));
                }
                Handling::Body(_) | Handling::Promises(_) => {}
            }
        }
        // What tells of collected bodies runs in a turn.
        cx.waker().wake_by_ref();
    }

    /// Whether the isolate is to collect its garbage now because it has nothing to do.
    fn wants_look(&mut self, idle: bool, events: &Events, cx: &mut Context<'_>) -> bool {
        if self.waiting.len() > self.room {
            self.forget(events);
            self.room = (self.waiting.len() * 2).max(16);
        }
        if !idle || self.waiting.is_empty() {
            self.wakes = None;
            self.looked &= idle;
            return false;
        }
        if let Some(wakes) = &mut self.wakes {
            let woken = wakes.as_mut().poll(cx).is_ready();
            if woken {
                self.wakes = None;
            }
            return woken;
        }
        if self.looked {
            return false;
        }
        self.forget(events);
        if !self.waiting.iter().any(|watched| watched.is_waited_for(events)) {
            return false;
        }
        let settled = Instant::now() + SETTLED;
        let at = self.not_before.map_or(settled, |(before, _)| before.max(settled));
        let mut wakes = Box::pin(sleep_until(at));
        let woken = wakes.as_mut().poll(cx).is_ready();
        self.wakes = Some(wakes);
        woken
    }

    /// Whether it is to do so though it has, because something has waited for long.
    fn is_due(&mut self, events: &Events, cx: &mut Context<'_>) -> bool {
        // A time that jumps is no time in which something could have gone on.
        if is_stopped() {
            return false;
        }
        while let Some(due) = self.due {
            let due = self.not_before.map_or(due, |(_, before)| before.max(due));
            let (_, wakes) = match &mut self.wakes_when_due {
                Some(set) if set.0 <= due => set,
                set => set.insert((due, Box::pin(sleep_until(due)))),
            };
            if wakes.as_mut().poll(cx).is_pending() {
                return false;
            }
            self.wakes_when_due = None;
            self.forget(events);
            self.due = self.waiting.iter().map(|watched| watched.due).min();
            let now = Instant::now();
            if self.due.is_some_and(|due| due <= now) && self.not_before.is_none_or(|(_, before)| before <= now) {
                return true;
            }
        }
        self.wakes_when_due = None;
        false
    }

    fn forget(&mut self, events: &Events) {
        self.waiting.retain(|watched| !watched.is_over(events));
    }

    /// Those whose handling was collected, in a look that took so long, or before one.
    fn over(&mut self, events: &Events, took: Option<Duration>) -> Vec<Watched> {
        let now = Instant::now();
        self.forget(events);
        let over = self.waiting.extract_if(.., |watched| watched.is_collected()).collect();
        if let Some(took) = took {
            self.looked = true;
            self.not_before = Some((now + took * SELDOM, now + took * SELDOM_WHILE_BUSY));
            for watched in self.waiting.iter_mut().filter(|watched| watched.due <= now) {
                watched.step = (watched.step * 2).min(LAST);
                watched.due = now + watched.step;
            }
        }
        self.due = self.waiting.iter().map(|watched| watched.due).min();
        over
    }
}
