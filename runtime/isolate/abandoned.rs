//! Events whose handler can never go on: what it waits for is a promise that nobody holds who could resolve it. V8 knows: the promise of the
//! handling is kept by what waits in it alone, and collected with that. What can still be resolved is reachable from an op, a timer, a
//! global of the script or another event, and so is the handling.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::Context;
use std::time::{Duration, Instant};

use deno_core::{OpState, v8};
use tokio::time::Sleep;
use workerd_lite_ops::{EventId, Events, Inbox, Message};

use super::guard::Guarded;

/// For how long an isolate has nothing to do until its events are looked at: messages from others are on their way for less.
const SETTLED: Duration = Duration::from_millis(20);

/// How many times the duration of a look is waited until the next.
const SELDOM: u32 = 50;

/// The events of one isolate that have not answered, as far as is known.
#[derive(Default)]
pub(super) struct Abandoned {
    waiting: Vec<(EventId, v8::Weak<v8::Value>)>,
    /// How many there may be until those are forgotten that have answered.
    room: usize,
    /// Wakes the isolate for a look.
    wakes: Option<Pin<Box<Sleep>>>,
    /// Nothing has happened since the last look.
    looked: bool,
    /// The next look is not before.
    not_before: Option<Instant>,
}

impl Abandoned {
    /// An event begins, whose handling is this promise.
    pub(super) fn watch(&mut self, id: EventId, handling: v8::Weak<v8::Value>) {
        self.waiting.push((id, handling));
    }

    /// Something has happened that may leave another in the lurch.
    pub(super) fn something_happens(&mut self) {
        self.looked = false;
    }

    /// The end of a turn. `idle` says whether no op and no timer is left to wait for. Where that is so for a while, the events that are
    /// abandoned fail.
    pub(super) fn turn_ends(
        &mut self,
        idle: bool,
        runtime: &mut Guarded,
        (state, inbox): (&RefCell<OpState>, &Inbox),
        cx: &mut Context<'_>,
    ) {
        if !self.wants_look(idle, state.borrow().borrow::<Events>(), cx) {
            return;
        }
        let began = Instant::now();
        runtime.with(|runtime| {
            let isolate = runtime.v8_isolate();
            // One collection of all, where a notification of low memory is several.
            isolate.memory_pressure_notification(v8::MemoryPressureLevel::Critical);
            isolate.memory_pressure_notification(v8::MemoryPressureLevel::None);
        });
        let mut state = state.borrow_mut();
        let events = state.borrow_mut::<Events>();
        for id in self.over(events, began.elapsed()) {
            events.abandon(id);
            inbox.push(Message::Cancel(id));
        }
    }

    /// Whether the isolate is to collect its garbage now.
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
        self.forget(events);
        let may_be = self.waiting.iter().any(|(id, _)| !events.waits_for_calls(*id));
        if self.looked || !may_be {
            return false;
        }
        let settled = Instant::now() + SETTLED;
        let at = self.not_before.map_or(settled, |before| before.max(settled));
        let mut wakes = Box::pin(tokio::time::sleep_until(at.into()));
        let woken = wakes.as_mut().poll(cx).is_ready();
        self.wakes = Some(wakes);
        woken
    }

    fn forget(&mut self, events: &Events) {
        self.waiting.retain(|(id, _)| events.is_unanswered(*id));
    }

    /// Those whose handling was collected. `took` is how long that took.
    fn over(&mut self, events: &Events, took: Duration) -> Vec<EventId> {
        self.looked = true;
        self.not_before = Some(Instant::now() + took * SELDOM);
        self.forget(events);
        let over = self.waiting.extract_if(.., |(_, handling)| handling.is_empty());
        over.map(|(id, _)| id).collect()
    }
}
