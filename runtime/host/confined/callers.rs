//! Agents for whom a policy judges in this process, as its parent has told of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use workerd_lite_ops::account::{Account, AgentId};

use crate::boundary::{Joins, LinkError};
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
#[derive(Default)]
pub(super) struct KnownCallers(RefCell<HashMap<u32, Rc<Known>>>);

impl KnownCallers {
    /// One more, of a policy that may hold so many bytes.
    pub(super) fn join(&self, head: &[u8], memory: usize) -> Result<(), LinkError> {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let (number, joins) = Joins::read(head)?;
        let id = AgentId::new(joins.tenant.as_deref(), &joins.name);
        let known = Known {
            number: LAST.fetch_add(1, Ordering::Relaxed),
            caller: joins.caller,
            account: Account::new(id, memory, None),
        };
        self.0.borrow_mut().insert(number, Rc::new(known));
        Ok(())
    }

    /// The one that has this number.
    pub(super) fn get(&self, number: u32) -> Option<Rc<Known>> {
        self.0.borrow().get(&number).cloned()
    }
}
