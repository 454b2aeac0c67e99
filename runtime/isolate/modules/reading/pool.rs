//! The processes that read modules, one of which is kept for the next question. How many there are is for who takes turns.

use std::sync::{Mutex, PoisonError};

use super::process::{Lost, Process};
use super::room::room;
use super::wire::{Answer, Question};

static IDLE: Mutex<Option<Process>> = Mutex::new(None);

fn keep(process: Option<Process>) -> Option<Process> {
    std::mem::replace(&mut *IDLE.lock().unwrap_or_else(PoisonError::into_inner), process)
}

/// Ends the process that is kept.
pub(super) fn rest() {
    drop(keep(None));
}

/// Asks one. It waits for the answer, and before that until there is memory for it, and for a process.
pub(super) fn ask(question: &Question) -> Result<Answer, Lost> {
    let _room = room(question.most_memory()).ok_or_else(Lost::unwanted)?;
    let mut process = match keep(None) {
        Some(process) => process,
        None => Process::start()?,
    };
    let answer = process.ask(question)?;
    // The one that was kept is waited for without the lock.
    drop(keep(Some(process)));
    Ok(answer)
}
