//! What the events of one link are run with, in a confined process.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{EventError, Origin, Role, Target};

use super::callers::KnownCallers;
use super::event::LinkEvent;
use crate::boundary::{Aim, Connection};
use crate::host::Instance;
use crate::host::agent::Agent;
use crate::host::link_events::{Bridges, EarlyStreams};
use crate::isolate::{Caller, CellHandle};

/// Runs the events of one link.
pub(super) struct Serves {
    pub(super) instance: Instance,
    pub(super) connection: Connection,
    pub(super) headers: usize,
    pub(super) bridges: Bridges,
    pub(super) early: EarlyStreams,
    /// Agents for whom its policy judges.
    pub(super) callers: KnownCallers,
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
