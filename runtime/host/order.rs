//! What a bulkhead is told.

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Termination};

use super::far_job::FarJob;
use super::job::Job;
use super::project::Project;
use crate::limits::Lost;

/// What a bulkhead is to do.
pub(super) enum Order {
    /// A request.
    Request(Box<Job>),
    /// A call of another agent's.
    Call(Box<FarJob>),
}

/// Where a bulkhead's agent calls others.
pub(super) type Others = mpsc::UnboundedSender<FarJob>;

/// What a bulkhead's thread does.
pub(super) type Run = fn(&Project, mpsc::UnboundedReceiver<Order>, Arc<Lost>, Others);

impl Order {
    /// The request that it is a part of.
    pub(super) fn request_id(&self) -> Rc<str> {
        let trace = match self {
            Self::Request(job) => job.trace.clone(),
            Self::Call(job) => job.trace(),
        };
        Trace::moved(trace).request_id()
    }

    /// Its agent can not be started.
    pub(super) fn refuse(self) {
        match self {
            Self::Request(job) => {
                let _ = job.reply.send(Err(EventError::Terminated(Termination::Startup)));
            }
            Self::Call(job) => job.refuse(),
        }
    }
}
