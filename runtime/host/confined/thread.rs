//! One thread of a confined process: it runs its agents' isolates, for the events of its links.

use std::cell::RefCell;
use std::time::Duration;

use deno_core::unsync::spawn;
use tokio::sync::mpsc;
use workerd_lite_ops::rpc::Failure;

use super::callers::KnownCallers;
use super::event::Bridges;
use super::serves::Serves;
use super::way::WayBack;
use super::{begun, requests};
use crate::boundary::{Call, Came, Connection, End, Handler, Joins, LinkError, Opened, Reports, refuse};
use crate::host::Instance;
use crate::host::project::Project;
use crate::limits;

/// Serves links until there can be no more of them.
pub(super) fn run(project: &Project, reports: &Reports, links: mpsc::UnboundedReceiver<End>) {
    match limits::runtime() {
        Ok(runtime) => runtime.block_on(serve(project, reports, links)),
        Err(error) => tracing::error!("a thread for agents could not be set up: {error}"),
    }
}

async fn serve(project: &Project, reports: &Reports, mut links: mpsc::UnboundedReceiver<End>) {
    let instance = Instance::confined(project, WayBack::of);
    while let Some(end) = links.recv().await {
        let (instance, reports) = (instance.clone(), reports.clone());
        spawn(async move {
            if let Err(error) = link(instance, reports, end).await {
                tracing::debug!("a link has ended: {error}");
            }
        });
    }
}

async fn link(instance: Instance, reports: Reports, end: End) -> Result<(), LinkError> {
    let headers = instance.largest_head();
    let connection = Connection::of_process(headers);
    let serves = Serves {
        instance,
        connection: connection.clone(),
        headers,
        bridges: Bridges::default(),
        early: RefCell::default(),
        callers: KnownCallers::new(&reports),
    };
    connection.run(end, serves).await
}

impl Handler for Serves {
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError> {
        if Opened::is(head) {
            return begun::called(self, head, call);
        }
        if Joins::is(head) {
            let policy = self.instance.0.project.agents.first();
            let policy = policy.ok_or(LinkError::Head("there is no policy"))?;
            return self.callers.join(head, policy);
        }
        if let Some((came, event)) = Came::of(head) {
            if came == Came::Early {
                let mut early = self.early.borrow_mut();
                early.entry(event).or_default().push((head.to_vec(), call));
                return Ok(());
            }
            let bridge = self.bridges.borrow().get(&event).cloned();
            if let Some(bridge) = bridge {
                return bridge.came_over(head, call);
            }
            refuse(&call, &Failure::canceled());
            return Ok(());
        }
        requests::called(self, head, call)
    }

    fn noted(&self, event: u32, what: u8, number: u32) -> Result<(), LinkError> {
        let bridge = self.bridges.borrow().get(&event).cloned();
        if let Some(bridge) = bridge {
            // What has come before it is read first.
            spawn(async move {
                bridge.noted(what, number);
            });
        }
        Ok(())
    }

    fn over(&self, _: u32, _: Duration) -> Result<(), LinkError> {
        Err(LinkError::Frame("the parent has no events here"))
    }
}
