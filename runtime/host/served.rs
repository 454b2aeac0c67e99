//! What is known of a client's request once it has been served, for whoever counts and lists them.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::HeaderMap;
use workerd_lite_ops::Termination;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::trace::Trace;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its agent answered.
    Ok,
    /// The agent's handler failed, or its answer could not be given.
    Error(&'static str),
    /// A limit ended it, or let it not begin.
    Limit(&'static str),
    /// No agent saw it.
    Refused(&'static str),
    /// Its client, or the server, went away before it was answered.
    Cancelled,
}

impl Outcome {
    /// One word for it, and one for why where there is one.
    pub(crate) const fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Ok => ("ok", None),
            Self::Error(why) => ("error", Some(why)),
            Self::Limit(why) => ("limit", Some(why)),
            Self::Refused(why) => ("refused", Some(why)),
            Self::Cancelled => ("cancelled", None),
        }
    }
}

impl From<Termination> for Outcome {
    fn from(why: Termination) -> Self {
        Self::Limit(why.word())
    }
}

/// One request.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) trace: Rc<Trace>,
    /// The agent that it is for, once that is known.
    pub(crate) account: OnceCell<Arc<Account>>,
    pub(crate) outcome: Cell<Outcome>,
}

impl Served {
    /// A request that has just come.
    pub(crate) fn new(headers: &HeaderMap) -> Rc<Self> {
        Rc::new(Self {
            trace: Rc::new(Trace::of(headers)),
            account: OnceCell::new(),
            outcome: Cell::new(Outcome::Cancelled),
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(account) = self.account.get() {
            account.statistics().in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
