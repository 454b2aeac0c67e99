//! Slots: a thread each, on which one call of `crypto.subtle` computes at a time. deno_crypto hands its work to the blocking threads
//! of the tokio runtime that it is called in; here that runtime is the slot's own, which has one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::turns::{Turns, Whose};
use crate::work_pool::begin_thread;

/// How long a slot's thread waits for work before it ends: it does not. Where no other could be had, tokio would panic in whoever asks.
const IDLE: Duration = Duration::from_secs(u32::MAX as u64);

/// How many calls of the process compute at once.
const SLOTS: usize = 16;

/// How many of them may be one agent's.
const SHARE: usize = 2;

pub(super) static SLOTS_OF_PROCESS: Slots = Slots::new(SLOTS, SHARE);

/// All slots. They live as long as the process.
pub(super) struct Slots {
    most: usize,
    share: usize,
    state: Mutex<State>,
}

struct State {
    turns: Turns<oneshot::Sender<Slot>>,
    free: Vec<Arc<Runtime>>,
    made: usize,
}

/// One slot, for as long as this lives.
pub(super) struct Slot(Option<Taken>);

struct Taken {
    slots: &'static Slots,
    runtime: Arc<Runtime>,
    whose: Whose,
}

impl Slots {
    const fn new(most: usize, share: usize) -> Self {
        Self {
            most,
            share,
            state: Mutex::new(State {
                turns: Turns::new(),
                free: Vec::new(),
                made: 0,
            }),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing of others' runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot, where one is free and its share has a place.
    pub(super) fn try_take(&'static self, whose: &Whose) -> Option<Slot> {
        let mut state = self.lock();
        let runtime = state.free_runtime(self.most)?;
        if !state.turns.begin(whose, self.share) {
            state.free.push(runtime);
            return None;
        }
        Some(self.slot(runtime, whose.clone()))
    }

    /// The next slot that is free, in its agent's turn. Nothing where none can be made.
    pub(super) async fn take(&'static self, whose: Whose) -> Option<Slot> {
        let (sender, receiver) = oneshot::channel();
        self.lock().turns.queue(whose, sender);
        self.hand_out(None);
        receiver.await.ok()
    }

    fn slot(&'static self, runtime: Arc<Runtime>, whose: Whose) -> Slot {
        Slot(Some(Taken {
            slots: self,
            runtime,
            whose,
        }))
    }

    /// Gives what is free to who waits. What nobody wants any longer is given to the next.
    fn hand_out(&'static self, mut back: Option<Taken>) {
        loop {
            let mut state = self.lock();
            if let Some(taken) = back.take() {
                state.turns.has_ended(&taken.whose);
                state.free.push(taken.runtime);
            }
            let Some(runtime) = state.free_runtime(self.most) else {
                return;
            };
            let Some((whose, sender)) = state.turns.next(self.share) else {
                state.free.push(runtime);
                return;
            };
            drop(state);
            if let Err(mut slot) = sender.send(self.slot(runtime, whose)) {
                back = slot.0.take();
            }
        }
    }
}

impl State {
    fn free_runtime(&mut self, most: usize) -> Option<Arc<Runtime>> {
        if let Some(runtime) = self.free.pop() {
            return Some(runtime);
        }
        if self.made == most {
            return None;
        }
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .thread_keep_alive(IDLE)
            .thread_name("crypto")
            .on_thread_start(begin_thread)
            .build()
            .and_then(with_thread)
            .inspect_err(|error| tracing::error!("no thread can be had for crypto.subtle: {error}"))
            .ok()?;
        self.made += 1;
        Some(Arc::new(runtime))
    }
}

/// The runtime with its thread, which is begun here: tokio panics where it can not be.
fn with_thread(runtime: Runtime) -> std::io::Result<Runtime> {
    std::thread::Builder::new().spawn(|| ())?;
    // Another may have taken the last one meanwhile.
    catch_unwind(AssertUnwindSafe(|| drop(runtime.spawn_blocking(|| ()))))
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::WouldBlock))?;
    Ok(runtime)
}

impl Slot {
    /// The runtime whose one blocking thread is the slot's. One that was taken has it until it is dropped.
    pub(super) fn runtime(&self) -> Option<Arc<Runtime>> {
        self.0.as_ref().map(|taken| Arc::clone(&taken.runtime))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(taken) = self.0.take() {
            let slots = taken.slots;
            slots.hand_out(Some(taken));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AgentId;

    #[test]
    fn one_has_its_share_and_others_theirs() {
        static TESTED: Slots = Slots::new(3, 2);
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let [flood, victim] = ["flood", "victim"].map(|name| Some(AgentId::new(None, name)));
            let held = [TESTED.try_take(&flood).unwrap(), TESTED.try_take(&flood).unwrap()];
            assert!(TESTED.try_take(&flood).is_none());
            let mut waits: Vec<_> = (0..1000).map(|_| Box::pin(TESTED.take(flood.clone()))).collect();
            for waits in &mut waits {
                assert!(futures_util::poll!(waits).is_pending());
            }
            drop(TESTED.try_take(&victim).unwrap());
            let mut last = waits.pop().unwrap();
            // Nobody waits for these any longer.
            drop(waits);
            drop(held);
            assert!(futures_util::poll!(&mut last).is_ready());
            assert!(TESTED.lock().turns.is_empty() && TESTED.lock().free.len() == 3);
        });
    }
}
