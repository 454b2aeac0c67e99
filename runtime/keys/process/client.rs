//! The process that holds keys, as this one knows it: a few links, over each of which one question is asked at a time.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

use super::keeper;
use super::wire::{self, Answer, Question};
use crate::boundary::sandbox::Layer;

/// How long an answer is waited for, and a link for the question.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is said while it is not there.
const GONE: &str = "the process that holds keys has ended, and is being started again";

/// The process, for as long as this is kept.
pub struct KeyProcess(Arc<Shared>);

/// What its keeper shares.
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// How many there have been: what an earlier one had, this one does not have.
    generation: u64,
    process: Option<Running>,
    /// Links that nobody asks by.
    idle: Vec<UnixStream>,
    /// Why there is none.
    why: String,
    /// Nobody needs it any longer.
    over: bool,
}

/// What ends with this process's end of it.
pub(super) struct Running {
    pub(super) pidfd: OwnedFd,
    /// Where this is closed, the process ends.
    pub(super) _control: UnixStream,
}

impl std::fmt::Debug for KeyProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyProcess")
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

impl KeyProcess {
    /// Starts it, without these layers of its sandbox where the kernel refuses them. Fails with a sentence.
    pub fn start(allow_missing: &[Layer]) -> Result<Arc<Self>, String> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                generation: 0,
                process: None,
                idle: Vec::new(),
                why: GONE.to_owned(),
                over: false,
            }),
            changed: Condvar::new(),
        });
        keeper::start(Arc::clone(&shared), allow_missing.to_vec())?;
        Ok(Arc::new(Self(shared)))
    }

    /// How many such processes there have been.
    pub(super) fn generation(&self) -> u64 {
        self.0.state().generation
    }

    /// Asks it something that any of these processes may answer. Gives the answer, and which one it was. Fails with a sentence.
    pub(super) fn ask(&self, question: &Question, file: Option<BorrowedFd<'_>>) -> Result<(Answer, u64), String> {
        let (answer, _, generation) = self.ask_one(question, (&[], file), None)?;
        Ok((answer, generation))
    }

    /// Asks one of them something about a key that it has: by its number another one knows another key. Gives the bytes behind the answer.
    pub(super) fn ask_about(&self, generation: u64, question: &Question, body: &[u8]) -> Result<Vec<u8>, String> {
        let (_, body, _) = self.ask_one(question, (body, None), Some(generation))?;
        Ok(body)
    }

    fn ask_one(
        &self,
        question: &Question,
        (body, file): (&[u8], Option<BorrowedFd<'_>>),
        whose: Option<u64>,
    ) -> Result<(Answer, Vec<u8>, u64), String> {
        let (link, generation) = self.0.take(whose)?;
        match wire::ask(&link, question, body, file).and_then(|()| wire::answered(&link)) {
            Ok((answer, body)) => {
                self.0.put(link, generation);
                match answer {
                    Answer::Failed(why) => Err(why),
                    answer => Ok((answer, body, generation)),
                }
            }
            Err(error) => {
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
                    tracing::error!("the process that holds keys does not answer, and is ended");
                }
                // Whatever it was, what is on this link is not to be relied on.
                self.0.end(generation);
                Err(GONE.to_owned())
            }
        }
    }
}

impl Drop for KeyProcess {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.over = true;
        state.idle.clear();
        // Its end of the control socket ends, and it with that.
        state.process = None;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A link, and whose it is: of this process, where it matters.
    fn take(&self, whose: Option<u64>) -> Result<(UnixStream, u64), String> {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state();
        loop {
            if state.process.is_none() {
                return Err(state.why.clone());
            }
            if whose.is_some_and(|whose| whose != state.generation) {
                return Err(GONE.to_owned());
            }
            if let Some(link) = state.idle.pop() {
                return Ok((link, state.generation));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("the process that holds keys has too much to do".to_owned());
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn put(&self, link: UnixStream, generation: u64) {
        let mut state = self.state();
        if state.generation == generation && state.process.is_some() {
            state.idle.push(link);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Ends a process that can not be relied on. Its keeper hears of the end.
    fn end(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation
            && let Some(running) = state.process.take()
        {
            // It may have ended by itself: its number is another's then, and this is not.
            let _ = pidfd_send_signal(&running.pidfd, Signal::KILL);
            state.idle.clear();
            GONE.clone_into(&mut state.why);
            drop(state);
            self.changed.notify_all();
        }
    }

    /// One is there. False where nobody needs it.
    pub(super) fn begins(&self, running: Running, links: Vec<UnixStream>) -> bool {
        let mut state = self.state();
        if state.over {
            return false;
        }
        state.generation += 1;
        state.process = Some(running);
        state.idle = links;
        drop(state);
        self.changed.notify_all();
        true
    }

    /// It is there no longer, or did not come, and why. False where nobody needs another one.
    pub(super) fn ended(&self, why: Option<String>) -> bool {
        let mut state = self.state();
        state.process = None;
        state.idle.clear();
        state.why = why.map_or_else(
            || GONE.to_owned(),
            |why| format!("the process that holds keys does not start: {why}"),
        );
        let over = state.over;
        drop(state);
        self.changed.notify_all();
        !over
    }

    /// How long an answer is waited for.
    pub(super) const fn patience() -> Duration {
        PATIENCE
    }
}
