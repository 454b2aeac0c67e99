//! One thread of a confined process: it runs its agents' isolates, for the events of its links.

use std::time::Duration;

use deno_core::unsync::spawn;
use tokio::sync::mpsc;

use super::callers::KnownCallers;
use super::serves::Serves;
use super::way::WayBack;
use super::{begun, requests};
use crate::boundary::{Call, Came, Connection, End, Handler, Joins, LinkError, Opened, Reports};
use crate::host::Instance;
use crate::host::link_events::{self, Bridges, EarlyStreams};
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
        early: EarlyStreams::default(),
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
                self.early.keep(event, head, call);
                return Ok(());
            }
            return link_events::came_over(&self.bridges, event, head, call);
        }
        requests::called(self, head, call)
    }

    fn noted(&self, event: u32, what: u8, number: u32) -> Result<(), LinkError> {
        link_events::noted(&self.bridges, event, what, number);
        Ok(())
    }

    fn over(&self, _: u32, _: Duration) -> Result<(), LinkError> {
        Err(LinkError::Frame("the parent has no events here"))
    }
}
