//! One thread's share of a server: an agent's cell, its outbound worker's cell, and the way between them.

mod gate;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::{JoinHandle, spawn};
use serde_json::json;
use workerd_lite_ops::{EventError, Request, Response};

use crate::egress::{Network, NetworkGate};
use crate::isolate::{CellHandle, StartupError, Worker};
use gate::OutboundGate;

/// What one server runs, ready to be started on any number of threads.
#[derive(Debug, Clone)]
pub struct Project {
    /// The untrusted script.
    pub agent: Worker,
    /// The owner's policy. Without one every request of the agent is denied.
    pub outbound: Option<Worker>,
    /// What the outbound worker reads as `ctx.props`.
    pub props: serde_json::Value,
    /// How long the outbound worker may take until it gives a response's head.
    pub policy_timeout: Duration,
    /// The network, for the outbound worker alone.
    pub network: Arc<Network>,
}

/// A project's isolates on one thread. It must stay on the thread, inside a current-thread tokio runtime.
#[derive(Clone)]
pub struct Instance {
    agent: CellHandle,
    outbound: Option<CellHandle>,
    running: Rc<RefCell<Vec<JoinHandle<()>>>>,
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
        Ok(Self {
            agent,
            outbound,
            running: Rc::new(RefCell::new(running)),
        })
    }

    /// Hands one request to the agent. Dropping the future cancels it, and all that it caused.
    pub async fn handle(&self, request: Request) -> Result<Response, EventError> {
        self.agent.dispatch(request, None).await
    }

    /// Takes no more requests, and waits until the events under way have ended.
    pub async fn drained(&self) {
        let running = std::mem::take(&mut *self.running.borrow_mut());
        for (index, cell) in running.into_iter().enumerate() {
            if index == 0 {
                self.agent.close();
            } else if let Some(outbound) = &self.outbound {
                outbound.close();
            }
            let _ = cell.await;
        }
    }
}
