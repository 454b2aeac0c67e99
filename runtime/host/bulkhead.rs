//! One bulkhead: a thread that runs the isolates of one agent in quarantine.

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::spawn;
use tokio::sync::mpsc;
use workerd_lite_ops::account::metered;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Request};

use super::Instance;
use super::agent_cells::AgentCells;
use super::callee::Callees;
use super::far_called::Called;
use super::far_link::FarLine;
use super::job::Job;
use super::order::{Order, Others};
use super::project::Project;
use crate::limits::priority::set_aside;
use crate::limits::{self, Lost, found, on_this_thread};

/// How long a bulkhead waits for something to do.
const IDLE: Duration = Duration::from_secs(30);

/// Runs the isolates of the project's only agent, until no request has come for a while or nobody can send one.
pub(super) fn run(project: &Project, jobs: mpsc::UnboundedReceiver<Order>, lost: Arc<Lost>, others: Others) {
    set_aside(nix::unistd::gettid());
    on_this_thread(lost);
    match limits::runtime() {
        Ok(runtime) => runtime.block_on(serve(project, jobs, others)),
        Err(error) => tracing::error!("a thread for agents that work apart could not be set up: {error}"),
    }
    found();
}

async fn serve(project: &Project, mut jobs: mpsc::UnboundedReceiver<Order>, others: Others) {
    let (mut started, mut called): (Option<Instance>, Option<Called>) = (None, None);
    let account = project.first_account();
    while let Ok(Some(order)) = tokio::time::timeout(IDLE, jobs.recv()).await {
        let instance = match &started {
            Some(instance) => instance.clone(),
            None => match Instance::start(project).await {
                Ok(instance) => {
                    let others = others.clone();
                    let post = Box::new(move |job| others.send(job).is_ok());
                    instance.0.agents.reach_others(FarLine::new(post, account.clone()));
                    let agents: Weak<dyn Callees> = Rc::<AgentCells>::downgrade(&instance.0.agents);
                    called = Some(Called::new(agents));
                    started.insert(instance).clone()
                }
                Err(error) => {
                    let id = project.agents.first().map(|agent| agent.id());
                    let (agent, tenant) = (
                        id.as_ref().map(|id| &*id.name),
                        id.as_ref().and_then(|id| id.tenant.as_deref()),
                    );
                    let request_id = order.request_id();
                    tracing::error!(target: "worker", agent, tenant, request_id = &*request_id, "an agent could not be started apart: {:?}", miette::Report::new(error));
                    order.refuse();
                    continue;
                }
            },
        };
        let Job { request, trace, reply } = match order {
            Order::Request(job) => *job,
            Order::Call(job) => {
                if let Some(called) = &called {
                    called.take(*job);
                }
                continue;
            }
        };
        let working = async move {
            let mut reply = reply;
            let handled = tokio::select! {
                biased;
                () = reply.closed() => return,
                handled = instance.handle_traced(Request::from(request), Trace::moved(trace)) => handled,
            };
            let handled = handled.unwrap_or(Err(EventError::Shutdown));
            let _ = reply.send(handled.map(Into::into));
        };
        spawn(metered(account.clone(), working));
    }
    // What came meanwhile is refused: whoever sent it hears of it.
    jobs.close();
    if let Some(instance) = started {
        instance.drained().await;
    }
}
