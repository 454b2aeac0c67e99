//! One thread's share of a server: an agent's cell, its outbound worker's cell, and the way between them.

mod body;
mod gate;
mod project;
mod service;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::unsync::{JoinHandle, spawn};
use serde_json::json;
use workerd_lite_ops::{EventError, Request, Response};

use crate::egress::NetworkGate;
use crate::isolate::{CellHandle, StartupError};
pub use body::ResponseBody;
use gate::OutboundGate;
pub use project::{Project, ProjectBuilder};

/// A project's isolates on one thread, as a `tower` service. It must stay on the thread, inside a current-thread tokio runtime.
#[derive(Clone)]
pub struct Instance(Rc<Inner>);

struct Inner {
    agent: CellHandle,
    outbound: Option<CellHandle>,
    name: String,
    show_errors: bool,
    running: RefCell<Vec<JoinHandle<()>>>,
}

impl Instance {
    /// Boots the isolates of a project on this thread.
    pub async fn start(project: &Project) -> Result<Self, StartupError> {
        let mut running = Vec::new();
        let outbound = match &project.outbound {
            Some(worker) => {
                let cell = worker
                    .boot(Rc::new(NetworkGate::new(Arc::clone(&project.network))))
                    .await?;
                let handle = cell.handle();
                running.push(spawn(cell.run()));
                Some(handle)
            }
            None => None,
        };
        let caller = json!({ "agent": { "name": project.agent.name }, "props": project.props });
        let gate = OutboundGate::new(outbound.clone(), caller.to_string().into(), project.policy_timeout);
        let cell = project.agent.boot(Rc::new(gate)).await?;
        let agent = cell.handle();
        running.push(spawn(cell.run()));
        // The agent ends first: its last requests still pass the outbound worker.
        running.reverse();
        Ok(Self(Rc::new(Inner {
            agent,
            outbound,
            name: project.agent.name.clone(),
            show_errors: project.show_errors,
            running: RefCell::new(running),
        })))
    }

    /// Hands one request to the agent. Dropping the future cancels it, and all that it caused.
    pub async fn handle(&self, request: Request) -> Result<Response, EventError> {
        self.0.agent.dispatch(request, None).await
    }

    /// The agent's name in logs.
    pub(crate) fn agent_name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn shows_errors(&self) -> bool {
        self.0.show_errors
    }

    /// Takes no more requests, and waits until the events under way have ended.
    pub async fn drained(&self) {
        let running = std::mem::take(&mut *self.0.running.borrow_mut());
        for (index, cell) in running.into_iter().enumerate() {
            if index == 0 {
                self.0.agent.close();
            } else if let Some(outbound) = &self.0.outbound {
                outbound.close();
            }
            let _ = cell.await;
        }
    }
}
