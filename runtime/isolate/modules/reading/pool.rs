//! The processes that read modules: a few at once, one of which is kept for the next question.

use std::sync::{Condvar, Mutex, PoisonError};

use super::process::{Lost, Process};
use super::wire::{Answer, Question};

/// How many read at once.
const AT_ONCE: usize = 4;

static POOL: Mutex<Pool> = Mutex::new(Pool { idle: None, busy: 0 });
static CHANGED: Condvar = Condvar::new();

struct Pool {
    idle: Option<Process>,
    busy: usize,
}

/// A turn, which is given back however it ends.
struct Turn;

impl Drop for Turn {
    fn drop(&mut self) {
        POOL.lock().unwrap_or_else(PoisonError::into_inner).busy -= 1;
        CHANGED.notify_one();
    }
}

fn turn() -> (Turn, Option<Process>) {
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let mut pool = CHANGED
        .wait_while(pool, |pool| pool.busy >= AT_ONCE)
        .unwrap_or_else(PoisonError::into_inner);
    pool.busy += 1;
    (Turn, pool.idle.take())
}

/// Ends the process that is kept.
pub(super) fn rest() {
    let idle = POOL.lock().unwrap_or_else(PoisonError::into_inner).idle.take();
    // It is waited for without the lock.
    drop(idle);
}

/// Asks one. It waits for the answer, for a process before that, and for a turn before that.
pub(super) fn ask(question: &Question) -> Result<Answer, Lost> {
    let (turn, idle) = turn();
    let mut process = match idle {
        Some(process) => process,
        None => Process::start()?,
    };
    let answer = process.ask(question)?;
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let before = pool.idle.replace(process);
    drop(pool);
    drop(turn);
    // It is waited for without the lock.
    drop(before);
    Ok(answer)
}
