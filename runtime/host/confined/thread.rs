//! One thread of a confined process: it runs its agents' isolates, for the events of its links.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::spawn;
use tokio::sync::mpsc;
use workerd_lite_ops::rpc::Failure;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Origin, Target};

use super::event::{Bridges, LinkEvent};
use super::way::WayBack;
use super::{begun, requests};
use crate::boundary::{Aim, Call, Came, Connection, End, Handler, LinkError, Opened, refuse};
use crate::host::Instance;
use crate::host::agent::Agent;
use crate::host::project::Project;
use crate::isolate::CellHandle;
use crate::limits;

/// Serves links until there can be no more of them.
pub(super) fn run(project: &Project, links: mpsc::UnboundedReceiver<End>) {
    match limits::runtime() {
        Ok(runtime) => runtime.block_on(serve(project, links)),
        Err(error) => tracing::error!("a thread for agents could not be set up: {error}"),
    }
}

async fn serve(project: &Project, mut links: mpsc::UnboundedReceiver<End>) {
    let instance = Instance::confined(project, WayBack::of);
    while let Some(end) = links.recv().await {
        let instance = instance.clone();
        spawn(async move {
            if let Err(error) = link(instance, end).await {
                tracing::debug!("a link has ended: {error}");
            }
        });
    }
}

async fn link(instance: Instance, end: End) -> Result<(), LinkError> {
    let headers = instance.largest_head();
    let connection = Connection::of_process(headers);
    let serves = Serves {
        instance,
        connection: connection.clone(),
        headers,
        bridges: Bridges::default(),
        early: RefCell::default(),
    };
    connection.run(end, serves).await
}

/// Runs the events of one link.
pub(super) struct Serves {
    pub(super) instance: Instance,
    pub(super) connection: Connection,
    pub(super) headers: usize,
    pub(super) bridges: Bridges,
    /// Streams of events that are about to begin, by the numbers of those.
    pub(super) early: RefCell<HashMap<u32, Vec<(Vec<u8>, Call)>>>,
}

impl Handler for Serves {
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError> {
        if Opened::is(head) {
            return begun::called(self, head, call);
        }
        if let Some((came, event)) = Came::of(head) {
            if came == Came::Early {
                let mut early = self.early.borrow_mut();
                early.entry(event).or_default().push((head.to_vec(), call));
                return Ok(());
            }
            let bridge = self.bridges.borrow().get(&event).cloned();
            return match bridge {
                Some(bridge) => bridge.came_over(head, call),
                None => {
                    refuse(&call, &Failure::canceled());
                    Ok(())
                }
            };
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

impl Serves {
    /// An agent of this process.
    pub(super) fn agent(&self, place: u32) -> Option<(usize, Arc<Agent>)> {
        let place = usize::try_from(place).ok()?;
        Some((place, Arc::clone(self.instance.0.project.agents.get(place)?)))
    }

    /// An event of an agent's, by its number. Gives its place in a client's request, and what it uses of the processor.
    pub(super) fn event(&self, number: u32, request_id: Option<&str>, agent: &Agent) -> (Trace, Rc<Cell<Duration>>) {
        let account = agent.worker.account.clone();
        let trace = Trace::known_as(request_id);
        if let Some(account) = &account {
            trace.is_for(account);
        }
        let known = (&self.bridges, account);
        let (event, cpu) = LinkEvent::new(number, &self.connection, self.headers, known);
        trace.charge_to(event);
        (trace, cpu)
    }
}

/// The cell of an agent, and where an event of it comes from that is aimed so.
pub(super) fn aimed(
    instance: &Instance,
    (place, agent): (usize, &Arc<Agent>),
    trace: Trace,
    aim: Option<Aim<'_>>,
) -> Result<(CellHandle, Origin, Option<Target>), EventError> {
    let cell = instance.cell(place, agent)?;
    let Some(aim) = aim else {
        let trace = Rc::new(trace);
        return Ok((cell, Origin { caller: 0, trace }, None));
    };
    trace.tails.set(aim.untold);
    let caller = aim.caller.and_then(|(caller, json)| {
        let caller = usize::try_from(caller).ok()?;
        instance.0.agents.joins(place, caller, || json.to_owned())
    });
    let origin = Origin {
        caller: caller.unwrap_or_default(),
        trace: Rc::new(trace),
    };
    let target = Target::Entrypoint {
        entrypoint: aim.entrypoint.map(ToOwned::to_owned),
        props: aim.props.to_owned(),
    };
    Ok((cell, origin, Some(target)))
}
