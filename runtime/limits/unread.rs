//! What somebody has to read, and may never: a body holds a connection for as long as it is there.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use deno_core::unsync::{JoinHandle, spawn};
use tokio::time::Instant;

/// A value that is dropped once it gave something and nobody has asked for more within a time.
pub(crate) struct Unread<T> {
    kept: Rc<Kept<T>>,
    watch: JoinHandle<()>,
}

struct Kept<T> {
    value: RefCell<Option<T>>,
    /// Since when nobody asks. Nothing while somebody waits.
    since: Cell<Option<Instant>>,
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
        });
        let watched = Rc::clone(&kept);
        let watch = spawn(async move {
            loop {
                let waited = watched.since.get().map_or(Duration::ZERO, |since| since.elapsed());
                if waited >= limit {
                    break;
                }
                tokio::time::sleep(limit.saturating_sub(waited)).await;
            }
            let value = watched.value.borrow_mut().take();
            drop(value);
            dropped();
        });
        Self { kept, watch }
    }

    /// Asks the value for more. Gives nothing where it was dropped.
    pub(crate) fn poll_with<R>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<Option<R>> {
        let mut value = self.kept.value.borrow_mut();
        let Some(value) = &mut *value else {
            return Poll::Ready(None);
        };
        let polled = poll(value, cx);
        self.kept.since.set(polled.is_ready().then(Instant::now));
        polled.map(Some)
    }
}

impl<T> Drop for Unread<T> {
    fn drop(&mut self) {
        self.watch.abort();
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
