//! Agents that others may call.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use workerd_lite_ops::CallerId;
use workerd_lite_ops::account::{Account, AgentId};

use super::callable::Callable;
use crate::identity::Attested;
use crate::isolate::CellHandle;

/// Where they are found.
pub(super) trait Callees {
    /// The agent of this name, as the one at a place of the project calls it. Nothing where it can not be called now.
    fn callee(self: Rc<Self>, caller: (usize, &Attested), id: &AgentId) -> Option<Callee>;

    /// What a test has in the place of a service of this agent's.
    fn pretended(&self, agent: &str, service: &str) -> Option<CellHandle>;
}

/// One of them.
pub(super) struct Callee {
    /// Its place in the project.
    pub(super) place: usize,
    pub(super) cell: Callable,
    /// Who calls it, as its cell counts.
    pub(super) caller: CallerId,
    /// To what is put down what it does.
    pub(super) account: Option<Arc<Account>>,
    /// How long its events may take.
    pub(super) wall: Duration,
}
