//! Agents for whom a policy judges in this process, as its parent has told of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use workerd_lite_ops::account::{Account, AgentId, Observer};

use crate::boundary::{Joins, LinkError, Reports, Told};
use crate::host::agent::Agent;
use crate::isolate::Caller;

/// One of them.
pub(super) struct Known {
    /// A number that no other has in this process: each link has its own.
    pub(super) number: usize,
    /// What the policy sees of it.
    pub(super) caller: Caller,
    /// To what it is put down here what the policy does for it.
    pub(super) account: Arc<Account>,
}

/// Those of one link, by their numbers on it.
pub(super) struct KnownCallers {
    known: RefCell<HashMap<u32, Rc<Known>>>,
    reports: Reports,
}

impl KnownCallers {
    /// None yet. Where other agents wait for what is done for one, that is told.
    pub(super) fn new(reports: &Reports) -> Self {
        Self {
            known: RefCell::default(),
            reports: reports.clone(),
        }
    }

    /// One more, for whom this policy judges.
    pub(super) fn join(&self, head: &[u8], policy: &Agent) -> Result<(), LinkError> {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let (number, joins) = Joins::read(head)?;
        let id = AgentId::new(joins.tenant.as_deref(), &joins.name);
        let (reports, whose) = (self.reports.clone(), (joins.tenant, joins.name));
        let memory = policy.worker.limits.buffers;
        let held_up = move |time: Duration| {
            let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            reports.tell(Told::HeldUp(whose.clone(), micros));
        };
        let known = Known {
            number: LAST.fetch_add(1, Ordering::Relaxed),
            caller: joins.caller,
            account: Account::new(id, memory, policy.is_called.then(|| Box::new(held_up) as Observer)),
        };
        self.known.borrow_mut().insert(number, Rc::new(known));
        Ok(())
    }

    /// The one that has this number.
    pub(super) fn get(&self, number: u32) -> Option<Rc<Known>> {
        self.known.borrow().get(&number).cloned()
    }
}
