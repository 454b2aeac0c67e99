//! Bulkheads for agents in quarantine: a thread for each, with a fresh isolate of the agent and one of its policy, that the
//! operating system schedules below the others. What such an agent does delays nobody but itself.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Request, Response, Termination};

use super::far_link::FarLine;
use super::job::{Job, keeping};
use super::order::{Order, Others, Run};
use super::project::Project;
use crate::isolate::essential_thread;
use crate::limits::Lost;

/// How many threads one thread's agents may have for this. An agent that finds none is told that it is busy.
const MOST: usize = 8;

/// How many may be left beside these that finish what they have, so that another agent may have their place.
const MOST_LEAVING: usize = 8;

/// One bulkhead's thread, as others see it.
struct Bulkhead {
    jobs: mpsc::UnboundedSender<Order>,
    lost: Arc<Lost>,
    /// How it is called by other agents.
    line: Rc<FarLine>,
    /// Requests whose response has not ended.
    under_way: Rc<Cell<usize>>,
}

impl Bulkhead {
    /// Whether it takes requests. One that hangs does not.
    fn serves(&self) -> bool {
        !self.jobs.is_closed() && self.lost.borrow().is_none()
    }
}

/// A request that is under way.
struct UnderWay(Rc<Cell<usize>>);

impl UnderWay {
    fn begin(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// The bulkheads of one thread's agents, begun when they are first needed. A bulkhead with nothing to do ends.
pub(super) struct Bulkheads {
    project: Project,
    /// By the agent's place in the project: nobody shares one.
    serving: RefCell<HashMap<usize, Rc<Bulkhead>>>,
    /// Each thread has one of these until it ends.
    threads: Arc<()>,
    /// Where those that work apart call others.
    others: Others,
    /// What each thread does.
    run: Run,
}

impl Bulkheads {
    /// None yet, each of which will do `run`. What their agents call of others goes to `others`.
    pub(super) fn new(project: Project, others: Others, run: Run) -> Self {
        Self {
            project,
            others,
            run,
            serving: RefCell::default(),
            threads: Arc::default(),
        }
    }

    /// The bulkhead of an agent: one that hangs is left alone, and another takes its place. Nothing where all are at work for
    /// others, or where the system has no thread.
    fn bulkhead(&self, agent: usize) -> Option<Rc<Bulkhead>> {
        let mut bulkheads = self.serving.borrow_mut();
        bulkheads.retain(|_, bulkhead| bulkhead.serves());
        if let Some(bulkhead) = bulkheads.get(&agent) {
            return Some(Rc::clone(bulkhead));
        }
        if Arc::strong_count(&self.threads) > MOST + MOST_LEAVING {
            return None;
        }
        if bulkheads.len() >= MOST {
            let idle = bulkheads
                .iter()
                .find_map(|(agent, bulkhead)| (bulkhead.under_way.get() == 0).then_some(*agent))?;
            // It ends when nobody can send it anything.
            bulkheads.remove(&idle);
        }
        let (jobs, incoming) = mpsc::unbounded_channel();
        let lost = Arc::new(Lost::new(None));
        let project = self.project.only(agent)?;
        let (told, thread) = (Arc::clone(&lost), Arc::clone(&self.threads));
        let (others, run) = (self.others.clone(), self.run);
        let account = project.first_account();
        std::thread::Builder::new()
            .name(format!("bulkhead-{agent}"))
            .spawn(move || {
                essential_thread(|| run(&project, incoming, told, others));
                drop(thread);
            })
            .ok()?;
        let calls = jobs.clone();
        let post = Box::new(move |job| calls.send(Order::Call(Box::new(job))).is_ok());
        let bulkhead = Rc::new(Bulkhead {
            jobs,
            lost,
            line: FarLine::new(post, account),
            under_way: Rc::default(),
        });
        bulkheads.insert(agent, Rc::clone(&bulkhead));
        Some(bulkhead)
    }

    /// How calls of other agents reach an agent's bulkhead. Nothing where it can have none.
    pub(super) fn line(&self, agent: usize) -> Option<Rc<FarLine>> {
        Some(Rc::clone(&self.bulkhead(agent)?.line))
    }

    /// Hands a request to an agent's bulkhead. Dropping the future cancels it.
    pub(super) async fn dispatch(&self, agent: usize, request: Request, trace: &Trace) -> Result<Response, EventError> {
        let Some(bulkhead) = self.bulkhead(agent) else {
            return Err(EventError::Terminated(Termination::Busy));
        };
        let under_way = UnderWay::begin(&bulkhead.under_way);
        let (job, response) = Job::new(request, trace);
        if bulkhead.jobs.send(Order::Request(Box::new(job))).is_err() {
            return Err(EventError::Shutdown);
        }
        let mut lost = bulkhead.lost.subscribe();
        drop(bulkhead);
        let response: Response = tokio::select! {
            biased;
            response = response => response.unwrap_or(Err(EventError::Shutdown))?.into(),
            lost = lost.wait_for(Option::is_some) => {
                let why = lost.ok().and_then(|why| *why).unwrap_or(Termination::Cpu);
                return Err(EventError::Terminated(why));
            }
        };
        Ok(keeping(response, under_way))
    }
}
