//! Bulkheads for agents in quarantine: threads of their own, each with a fresh isolate of the agent and one of its policy,
//! that the operating system schedules below the others. What such an agent does delays nobody but itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Request, Response, Termination};

use super::bulkhead::{self, Job};
use super::project::Project;
use crate::isolate::essential_thread;
use crate::limits::Lost;

/// How many threads one thread's agents may have for this. Further agents share them.
const MOST: usize = 8;

/// One bulkhead's thread, as others see it.
struct Bulkhead {
    jobs: mpsc::UnboundedSender<Job>,
    lost: Arc<Lost>,
}

/// The bulkheads of one thread's agents, begun when they are first needed. A bulkhead with nothing to do ends.
pub(super) struct Bulkheads {
    project: Project,
    bulkheads: RefCell<HashMap<usize, Rc<Bulkhead>>>,
}

impl Bulkheads {
    pub(super) fn new(project: Project) -> Self {
        Self {
            project,
            bulkheads: RefCell::default(),
        }
    }

    /// The bulkhead of an agent: one that hangs is left alone, and another takes its place.
    fn bulkhead(&self, agent: usize) -> Option<Rc<Bulkhead>> {
        let mut bulkheads = self.bulkheads.borrow_mut();
        let number = agent % MOST;
        if let Some(bulkhead) = bulkheads.get(&number) {
            if !bulkhead.jobs.is_closed() && bulkhead.lost.borrow().is_none() {
                return Some(Rc::clone(bulkhead));
            }
        }
        let (jobs, incoming) = mpsc::unbounded_channel();
        let lost = Arc::new(Lost::new(None));
        let project = self.project.clone();
        let told = Arc::clone(&lost);
        std::thread::Builder::new()
            .name(format!("bulkhead-{number}"))
            .spawn(move || essential_thread(|| bulkhead::run(&project, incoming, told)))
            .ok()?;
        let bulkhead = Rc::new(Bulkhead { jobs, lost });
        bulkheads.insert(number, Rc::clone(&bulkhead));
        Some(bulkhead)
    }

    /// Hands a request to an agent's bulkhead. Dropping the future cancels it.
    pub(super) async fn dispatch(&self, agent: usize, request: Request, trace: &Trace) -> Result<Response, EventError> {
        let Some(bulkhead) = self.bulkhead(agent) else {
            // The system has no thread left for it.
            return Err(EventError::Terminated(Termination::Busy));
        };
        let (reply, response) = oneshot::channel();
        let job = Job {
            agent,
            request: request.into(),
            trace: trace.ids(),
            reply,
        };
        if bulkhead.jobs.send(job).is_err() {
            return Err(EventError::Shutdown);
        }
        let mut lost = bulkhead.lost.subscribe();
        drop(bulkhead);
        tokio::select! {
            biased;
            response = response => response.unwrap_or(Err(EventError::Shutdown)).map(Into::into),
            lost = lost.wait_for(Option::is_some) => {
                let why = lost.ok().and_then(|why| *why).unwrap_or(Termination::Cpu);
                Err(EventError::Terminated(why))
            }
        }
    }
}
