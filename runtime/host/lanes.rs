//! Where agents work apart from their neighbours: threads of their own, each with a fresh isolate of the agent and one of
//! its policy, that the operating system schedules below the others. What such an agent does holds nobody up but itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use workerd_lite_ops::{EventError, Request, Response, Termination};

use super::crossing::{Crossed, Crossing};
use super::lane;
use super::project::Project;
use crate::limits::Lost;

/// How many threads one thread's agents may have for this. Further agents share them.
const MOST: usize = 8;

/// A request for a lane, and where its response goes.
pub(super) struct Order {
    /// Whose it is, by its place in the project.
    pub(super) agent: usize,
    pub(super) request: Crossing,
    pub(super) reply: oneshot::Sender<Result<Crossed, EventError>>,
}

/// One thread.
struct Lane {
    orders: mpsc::UnboundedSender<Order>,
    lost: Arc<Lost>,
}

/// The lanes of one thread's agents, begun when they are first needed. A lane with nothing to do ends.
pub(super) struct Lanes {
    project: Project,
    lanes: RefCell<HashMap<usize, Rc<Lane>>>,
}

impl Lanes {
    pub(super) fn new(project: Project) -> Self {
        Self {
            project,
            lanes: RefCell::default(),
        }
    }

    /// The lane of an agent: one that hangs is left alone, and another takes its place.
    fn lane(&self, agent: usize) -> Option<Rc<Lane>> {
        let mut lanes = self.lanes.borrow_mut();
        let number = agent % MOST;
        if let Some(lane) = lanes.get(&number) {
            if !lane.orders.is_closed() && lane.lost.borrow().is_none() {
                return Some(Rc::clone(lane));
            }
        }
        let (orders, incoming) = mpsc::unbounded_channel();
        let lost = Arc::new(Lost::new(None));
        let project = self.project.clone();
        let told = Arc::clone(&lost);
        std::thread::Builder::new()
            .name(format!("lane-{number}"))
            .spawn(move || lane::run(&project, incoming, told))
            .ok()?;
        let lane = Rc::new(Lane { orders, lost });
        lanes.insert(number, Rc::clone(&lane));
        Some(lane)
    }

    /// Hands a request to an agent's lane. Dropping the future cancels it.
    pub(super) async fn dispatch(&self, agent: usize, request: Request) -> Result<Response, EventError> {
        let Some(lane) = self.lane(agent) else {
            // The system has no thread left for it.
            return Err(EventError::Terminated(Termination::Busy));
        };
        let (reply, response) = oneshot::channel();
        let order = Order {
            agent,
            request: request.into(),
            reply,
        };
        if lane.orders.send(order).is_err() {
            return Err(EventError::Shutdown);
        }
        let mut lost = lane.lost.subscribe();
        drop(lane);
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
