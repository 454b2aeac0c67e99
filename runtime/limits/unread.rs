//! What somebody has to read, and may never: a body holds a connection for as long as it is there.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use deno_core::unsync::spawn;
use tokio::time::Instant;

/// A value that is dropped once it gave something and nobody has asked for more within a time.
pub(crate) struct Unread<T>(Rc<Kept<T>>);

struct Kept<T> {
    value: RefCell<Option<T>>,
    /// Since when nobody asks. Nothing while somebody waits.
    since: Cell<Option<Instant>>,
    limit: Duration,
    dropped: Cell<Option<Box<dyn FnOnce()>>>,
}

/// A value of any type, for whoever looks at all of them.
trait Watched {
    fn limit(&self) -> Duration;
    /// Drops the value where nobody has asked for too long. Gives whether it is there.
    fn look(&self, now: Instant) -> bool;
}

impl<T> Watched for Kept<T> {
    fn limit(&self) -> Duration {
        self.limit
    }

    fn look(&self, now: Instant) -> bool {
        let late = |since| now.saturating_duration_since(since) >= self.limit;
        if !self.since.get().is_some_and(late) {
            return true;
        }
        let value = self.value.borrow_mut().take();
        drop(value);
        if let Some(dropped) = self.dropped.take() {
            dropped();
        }
        false
    }
}

/// The values of one thread. Most are gone before anybody looks.
#[derive(Default)]
struct All {
    watched: Vec<Weak<dyn Watched>>,
    /// How many there may be before those that are gone are taken out.
    most: usize,
    is_looked_at: bool,
}

/// Fewer are not worth the work.
const FEW: usize = 64;

/// How often they are looked at: an eighth of the shortest time, within these.
const OFTEN: Duration = Duration::from_millis(5);
const SELDOM: Duration = Duration::from_secs(1);

thread_local! {
    static ALL: RefCell<All> = RefCell::default();
}

impl All {
    fn add(&mut self, watched: Weak<dyn Watched>) {
        self.watched.push(watched);
        if self.watched.len() > self.most.max(FEW) {
            self.watched.retain(|watched| watched.strong_count() > 0);
            self.most = self.watched.len() * 2;
        }
    }
}

/// Looks at a thread's values until there are none.
async fn look() {
    let _looks = Looks;
    loop {
        let all = ALL.with_borrow_mut(|all| std::mem::take(&mut all.watched));
        let now = Instant::now();
        let mut shortest = SELDOM * 8;
        let mut left: Vec<_> = all
            .into_iter()
            .filter(|watched| {
                let Some(watched) = watched.upgrade() else { return false };
                shortest = shortest.min(watched.limit());
                watched.look(now)
            })
            .collect();
        let none = ALL.with_borrow_mut(|all| {
            left.append(&mut all.watched);
            all.watched = left;
            all.watched.is_empty()
        });
        if none {
            return;
        }
        tokio::time::sleep((shortest / 8).clamp(OFTEN, SELDOM)).await;
    }
}

/// Somebody looks, until this is dropped: with its runtime, too.
struct Looks;

impl Drop for Looks {
    fn drop(&mut self) {
        let _ = ALL.try_with(|all| all.borrow_mut().is_looked_at = false);
    }
}

impl<T: 'static> Unread<T> {
    /// Nobody has asked for anything yet.
    pub(crate) fn new(value: T, limit: Duration) -> Self {
        Self::watched(value, limit, || ())
    }

    /// The same. `dropped` is called where the value was dropped.
    pub(crate) fn watched(value: T, limit: Duration, dropped: impl FnOnce() + 'static) -> Self {
        let kept = Rc::new(Kept {
            value: RefCell::new(Some(value)),
            since: Cell::new(Some(Instant::now())),
            limit,
            dropped: Cell::new(Some(Box::new(dropped) as Box<dyn FnOnce()>)),
        });
        let watched: Rc<dyn Watched> = Rc::<Kept<T>>::clone(&kept);
        let first = ALL.with_borrow_mut(|all| {
            all.add(Rc::downgrade(&watched));
            !std::mem::replace(&mut all.is_looked_at, true)
        });
        if first {
            spawn(look());
        }
        Self(kept)
    }

    /// Asks the value for more. Gives nothing where it was dropped.
    pub(crate) fn poll_with<R>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<Option<R>> {
        let mut value = self.0.value.borrow_mut();
        let Some(value) = &mut *value else {
            return Poll::Ready(None);
        };
        let polled = poll(value, cx);
        self.0.since.set(polled.is_ready().then(Instant::now));
        polled.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that is there at once, and one that never comes.
    fn ask(value: &Unread<Rc<()>>, comes: bool) -> Option<Poll<()>> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let given = if comes { Poll::Ready(()) } else { Poll::Pending };
        match value.poll_with(&mut cx, |_, _| given) {
            Poll::Ready(None) => None,
            Poll::Ready(Some(())) => Some(Poll::Ready(())),
            Poll::Pending => Some(Poll::Pending),
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_nobody_reads_is_dropped_and_what_somebody_waits_for_is_not() {
        let limit = Duration::from_millis(60);
        let alive = Rc::new(());
        let value = Unread::new(Rc::clone(&alive), limit);
        for _ in 0..4 {
            tokio::time::sleep(limit / 2).await;
            assert!(ask(&value, true).is_some());
        }
        // It waits for longer than the limit, and goes on to wait.
        assert!(ask(&value, false).is_some());
        tokio::time::sleep(limit * 3).await;
        assert!(ask(&value, true).is_some());
        tokio::time::sleep(limit * 3).await;
        assert!(ask(&value, true).is_none() && Rc::strong_count(&alive) == 1);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn nothing_is_left_of_what_was_read() {
        let alive = Rc::new(());
        drop(Unread::new(Rc::clone(&alive), Duration::from_mins(1)));
        tokio::task::yield_now().await;
        assert_eq!(Rc::strong_count(&alive), 1);
    }
}
