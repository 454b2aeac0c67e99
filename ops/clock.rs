//! Time as scripts and tests see it. A script's clocks stand still while it computes, as on Workers: they advance when
//! its isolate gets its next turn, in whole milliseconds, so that none measures what its neighbours do.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deno_core::{OpState, op2};
use deno_error::JsErrorBox;
use tokio::time::Instant;

thread_local! {
    /// Where the wall clock follows tokio's, which tests may advance: when that began, in both.
    static FOLLOWED: Cell<Option<(SystemTime, Instant)>> = const { Cell::new(None) };
    static STOPPED: Cell<bool> = const { Cell::new(false) };
}

/// Lets this thread's wall clock follow tokio's from now on.
pub fn follow_tokio() {
    FOLLOWED.set(Some((SystemTime::now(), Instant::now())));
}

/// The wall clock of this thread.
pub fn wall() -> SystemTime {
    match FOLLOWED.get() {
        Some((then, began)) => then.checked_add(began.elapsed()).unwrap_or(then),
        None => SystemTime::now(),
    }
}

/// The wall clock of this thread since the Unix epoch.
pub fn since_epoch() -> Duration {
    wall().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// One isolate's clock.
pub struct Clock {
    now: Cell<Duration>,
    origin: Duration,
    stands_still: bool,
}

impl Clock {
    /// A clock that reads the present time; one that stands still does so until its next [`Clock::turn`].
    pub fn new(stands_still: bool) -> Self {
        let now = milliseconds(since_epoch());
        Self {
            now: Cell::new(now),
            origin: now,
            stands_still,
        }
    }

    /// The isolate gets a turn.
    pub fn turn(&self) {
        // The wall clock may be set back; a script's never runs backwards.
        self.now.set(self.now.get().max(milliseconds(since_epoch())));
    }

    fn read(&self) -> Duration {
        if !self.stands_still {
            self.turn();
        }
        self.now.get()
    }
}

fn milliseconds(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// `Date.now()`: milliseconds since the Unix epoch.
#[op2(fast)]
pub(crate) fn op_clock_now(state: &mut OpState) -> f64 {
    state.borrow::<Clock>().read().as_secs_f64() * 1000.0
}

/// Takes `op_now`'s place: the time since the isolate's origin.
#[op2(fast)]
pub(crate) fn op_clock_elapsed(state: &mut OpState, #[buffer] out: &mut [u8]) {
    let clock = state.borrow::<Clock>();
    write(clock.read().saturating_sub(clock.origin), out);
}

/// Takes `op_time_origin`'s place.
#[op2(fast)]
pub(crate) fn op_clock_origin(state: &mut OpState, #[buffer] out: &mut [u8]) {
    write(state.borrow::<Clock>().origin, out);
}

/// As deno_web's scripts read a time: seconds and nanoseconds.
fn write(time: Duration, out: &mut [u8]) {
    if let Some(out) = out.get_mut(..8) {
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        out[..4].copy_from_slice(&seconds.to_ne_bytes());
        out[4..].copy_from_slice(&time.subsec_nanos().to_ne_bytes());
    }
}

/// tokio's clock, stopped until this is dropped.
struct Stopped;

impl Stopped {
    fn new() -> Result<Self, JsErrorBox> {
        if STOPPED.replace(true) {
            return Err(JsErrorBox::type_error("the clock is already being advanced"));
        }
        tokio::time::pause();
        Ok(Self)
    }
}

/// Whether a test advances this thread's time: it jumps from timer to timer.
pub fn is_stopped() -> bool {
    STOPPED.get()
}

impl Drop for Stopped {
    fn drop(&mut self) {
        tokio::time::resume();
        STOPPED.set(false);
    }
}

/// Advances the time of this thread by some milliseconds. What is due meanwhile happens in its order and at its time:
/// a stopped clock of tokio's jumps to the next timer whenever nothing else is left to do.
#[op2]
pub(crate) async fn op_test_advance(milliseconds: f64) -> Result<(), JsErrorBox> {
    let time = Duration::try_from_secs_f64(milliseconds / 1000.0)
        .map_err(|_| JsErrorBox::type_error("t.clock.advance() takes a time that is not negative"))?;
    let _stopped = Stopped::new()?;
    tokio::time::sleep(time).await;
    Ok(())
}
