//! For which agent the policy's isolate works: to that one it is owed where the isolate hangs, wants too much or ends the process.
//! An agent's own isolate works for the agent.

use std::cell::RefCell;
use std::sync::Arc;

use workerd_lite_ops::account::Account;

use super::crash_marker::CrashMarker;
use crate::limits::{Culprit, Turns};

/// What others are told of it.
pub(super) struct WorkingFor {
    culprit: Culprit,
    turns: Arc<Turns>,
    now: RefCell<Option<Arc<Account>>>,
}

impl WorkingFor {
    /// For nobody yet.
    pub(super) fn new(culprit: Culprit, turns: Arc<Turns>) -> Self {
        Self {
            culprit,
            turns,
            now: RefCell::default(),
        }
    }

    /// Whether it is the owner's script, which works for several.
    pub(super) fn is_owners(&self) -> bool {
        matches!(self.culprit, Culprit::Owner(..))
    }

    /// For whom it works now, where that is known.
    pub(super) fn now(&self) -> Option<Arc<Account>> {
        self.now.borrow().clone()
    }

    /// It works for this one from now on. Gives whom to blame, where that has changed.
    pub(super) fn turn_to(&self, account: Option<&Arc<Account>>) -> Option<Culprit> {
        if !self.is_owners() || self.now.borrow().as_ref().map(Arc::as_ptr) == account.map(Arc::as_ptr) {
            return None;
        }
        let culprit = self.culprit.works_for(account.map(|account| account.id()));
        self.turns.works_for(culprit.clone());
        *self.now.borrow_mut() = account.cloned();
        Some(culprit)
    }

    /// The same within a turn.
    pub(super) fn within_turn(&self, account: Option<&Arc<Account>>) {
        if let Some(culprit) = self.turn_to(account) {
            CrashMarker::new(&culprit).mark();
        }
    }
}
