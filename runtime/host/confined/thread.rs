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
use workerd_lite_ops::{EventError, Origin, Role, Target};

use super::callers::KnownCallers;
use super::event::{Bridges, LinkEvent};
use super::way::WayBack;
use super::{begun, requests};
use crate::boundary::{Aim, Call, Came, Connection, End, Handler, Joins, LinkError, Opened, Reports, refuse};
use crate::host::Instance;
use crate::host::agent::Agent;
use crate::host::project::Project;
use crate::isolate::{Caller, CellHandle};
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

/// What has come for an event that is about to begin: a head, and its call.
type Early = (Vec<u8>, Call);

/// Runs the events of one link.
pub(super) struct Serves {
    pub(super) instance: Instance,
    pub(super) connection: Connection,
    pub(super) headers: usize,
    pub(super) bridges: Bridges,
    /// Streams of events that are about to begin, by the numbers of those.
    pub(super) early: RefCell<HashMap<u32, Vec<Early>>>,
    /// Agents for whom its policy judges.
    pub(super) callers: KnownCallers,
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

impl Serves {
    /// An agent of this process.
    pub(super) fn agent(&self, place: u32) -> Option<(usize, Arc<Agent>)> {
        let place = usize::try_from(place).ok()?;
        Some((place, Arc::clone(self.instance.0.project.agents.get(place)?)))
    }

    /// An event of an agent's, by its number, or of a policy's for whoever it is aimed by. Gives its place in a client's request, and what
    /// it uses of the processor.
    pub(super) fn event(
        &self,
        number: u32,
        (request_id, aim): (Option<&str>, Option<Aim<'_>>),
        agent: &Agent,
    ) -> (Trace, Rc<Cell<Duration>>) {
        let own = agent.worker.account.clone();
        let account = own.or_else(|| Some(Arc::clone(&self.callers.get(aim?.caller?.0)?.account)));
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
    serves: &Serves,
    (place, agent): (usize, &Arc<Agent>),
    trace: Trace,
    aim: Option<Aim<'_>>,
) -> Result<(CellHandle, Origin, Option<Target>), EventError> {
    let instance = &serves.instance;
    let cell = instance.cell(place, agent)?;
    let Some(aim) = aim else {
        let trace = Rc::new(trace);
        return Ok((cell, Origin { caller: 0, trace }, None));
    };
    trace.tails.set(aim.tails);
    let agents = &instance.0.agents;
    let caller = if agent.worker.role == Role::Outbound {
        // It judges for those that it was told of, and for nobody else.
        let known = aim.caller.and_then(|(number, _)| serves.callers.get(number));
        let known = known.ok_or(EventError::Shutdown)?;
        let joined = agents.joins(place, known.number, || known.caller.clone());
        Some(joined.ok_or(EventError::Shutdown)?)
    } else {
        aim.caller.and_then(|(caller, json)| {
            let caller = usize::try_from(caller).ok()?;
            agents.joins(place, caller, || Caller::named(json.to_owned()))
        })
    };
    let origin = Origin {
        caller: caller.unwrap_or_default(),
        trace: Rc::new(trace),
    };
    Ok((cell, origin, aim.what.target()))
}
