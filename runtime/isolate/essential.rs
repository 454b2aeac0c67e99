//! Essential tasks: loops that others rely on. One that is gone would leave whoever asks it waiting for ever, so that it takes its
//! process along, as V8's end does: another process takes the place, and learns for whom the loop worked.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Once;
use std::task::{Context, Poll};

use workerd_lite_ops::account::Account;

use super::crash_marker;
use super::panic_reports::{self, Told};
use crate::limits::Culprit;

thread_local! {
    /// For which agent this thread worked when it panicked last.
    static PANICKED_FOR: RefCell<Option<Culprit>> = const { RefCell::new(None) };
}

/// Notes for whom a thread works that panics. By the time that a panic is caught nobody knows.
fn notice_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let agent = Account::current().map(|account| Culprit::Agent(account.id().clone()));
            // Not where the thread is about to end.
            let _ = PANICKED_FOR.try_with(|panicked| {
                if let Ok(mut panicked) = panicked.try_borrow_mut() {
                    *panicked = agent;
                }
            });
            match panic_reports::told() {
                Told::Whole => before(info),
                Told::Last => tracing::error!("a library panics again and again: no more is told of it for a minute"),
                Told::Nothing => {}
            }
        }));
    });
}

/// The process ends for what a loop did that worked for `worker`, or for whom its thread worked.
fn end(worker: Option<&Culprit>) -> ! {
    let noted = PANICKED_FOR.try_with(RefCell::take).ok().flatten();
    let blamed = worker.cloned().or(noted);
    let (agent, tenant) = blamed.as_ref().map(Culprit::whose).unwrap_or_default();
    tracing::error!(
        target: "worker",
        agent,
        tenant,
        worker = blamed.as_ref().map(ToString::to_string).unwrap_or_default(),
        "a loop that others rely on has ended: this process ends, and another takes its place"
    );
    if let Some(culprit) = &blamed {
        crash_marker::blame(culprit);
    }
    std::process::abort()
}

/// A future that must come to its end by itself. The process ends with it where it panics, and where it is dropped before, unless
/// it was released or its runtime ends.
pub(crate) struct Essential<F> {
    future: Pin<Box<F>>,
    /// The agent that is to blame, where that is known.
    worker: Option<Culprit>,
    /// Whether it may be dropped.
    released: Rc<Cell<bool>>,
    ended: bool,
}

impl<F: Future> Essential<F> {
    /// Makes a future essential, until it is `released`.
    pub(crate) fn new(worker: Option<Culprit>, released: &Rc<Cell<bool>>, future: F) -> Self {
        notice_panics();
        Self {
            future: Box::pin(future),
            worker,
            released: Rc::clone(released),
            ended: false,
        }
    }
}

impl<F: Future> Future for Essential<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.future.as_mut();
        match panic::catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(polled) => {
                self.ended = polled.is_ready();
                polled
            }
            Err(_) => end(self.worker.as_ref()),
        }
    }
}

impl<F> Drop for Essential<F> {
    fn drop(&mut self) {
        if self.ended || self.released.get() {
            return;
        }
        let worker = self.worker.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // A runtime that ends polls nothing any more: this comes to be only where the thread goes on.
            runtime.spawn(async move { end(worker.as_ref()) });
        }
    }
}

/// Runs what a thread is there for. The process ends where it panics.
pub(crate) fn essential_thread(work: impl FnOnce()) {
    notice_panics();
    if panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
        end(None);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use deno_core::unsync::spawn;

    use super::*;

    const SIGABRT: i32 = 6;
    const WHAT: &str = "WORKERD_LITE_TEST_OF_ESSENTIAL_TASKS";

    fn run(what: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let released = Rc::new(Cell::new(what == "released"));
        runtime.block_on(async {
            let task = spawn(Essential::new(
                Some(Culprit::Owner("bad".into(), None)),
                &released,
                async move {
                    match std::env::var(WHAT).as_deref() {
                        Ok("panics") => panic!("as a test wants it"),
                        Ok("ends") => {}
                        _ => std::future::pending().await,
                    }
                },
            ));
            tokio::task::yield_now().await;
            if matches!(what, "dropped" | "released") {
                task.abort();
            }
            if what != "runtime" {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
    }

    #[test]
    fn a_loop_that_is_gone_takes_its_process_along() {
        if let Ok(what) = std::env::var(WHAT) {
            return run(&what);
        }
        for (what, signal) in [
            ("panics", Some(SIGABRT)),
            ("dropped", Some(SIGABRT)),
            ("released", None),
            ("ends", None),
            ("runtime", None),
        ] {
            let output = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "isolate::essential::tests::a_loop_that_is_gone_takes_its_process_along",
                ])
                .env(WHAT, what)
                .output()
                .unwrap();
            assert_eq!(output.status.signal(), signal, "{what}: {output:?}");
            assert_eq!(output.status.success(), signal.is_none(), "{what}: {output:?}");
        }
    }
}
