//! The policy's cells on one thread. Each group of agents has one of its own, so that no group's work delays, stops or
//! changes another's policy. A cell is made when an agent of its group first asks, and put away when none has for a while.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deno_core::unsync::{JoinHandle, spawn};
use workerd_lite_ops::CallerId;
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::fetch::EgressHandle;

use super::agent::Agent;
use super::renumbered::Renumbered;
use super::respawn::{Surroundings, respawn};
use crate::isolate::modules::Graph;
use crate::isolate::{Caller, Cell as Isolate, CellHandle, Essential, StartupError, Worker};
use crate::limits::Quarantine;

/// How long a cell without events is kept, and how often it is looked at.
const IDLE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_secs(15);

/// How many cells there may be before those without events are put away at once.
const MOST: usize = 64;

/// Who shares an isolate of the policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IsolatePer {
    /// The agents of a tenant. One that has no tenant shares with nobody.
    #[default]
    Tenant,
    /// Nobody.
    Agent,
    /// All agents.
    Server,
}

/// Agents that share a cell, by their places in the project.
struct Group {
    members: Vec<usize>,
    running: RefCell<Option<Running>>,
}

/// A group's cell, and those that come after it where it is stopped.
struct Running {
    handle: CellHandle,
    used: Rc<Cell<Instant>>,
    task: JoinHandle<()>,
}

/// The cells of one thread.
pub(super) struct PolicyCells {
    worker: Worker,
    egress: EgressHandle,
    /// The agents as the policy sees them, by their places in the project.
    callers: Vec<Caller>,
    groups: Vec<Group>,
    /// The group of each agent, and its place there.
    places: Vec<(usize, CallerId)>,
    /// Whether cells are put away.
    ends: bool,
    quarantines: Rc<HashMap<AgentId, Arc<Quarantine>>>,
    /// Whether their loops may end before they are done.
    aborted: Rc<Cell<bool>>,
}

impl PolicyCells {
    /// The policy's modules.
    pub(super) fn graph(&self) -> &Arc<Graph> {
        &self.worker.graph
    }

    /// Boots the policy once, with all of its callers: what is wrong with it is found before it is needed. A single group keeps
    /// that cell. `ends` tells whether others are put away after a while.
    pub(super) async fn start(
        worker: &Worker,
        (egress, callers): (EgressHandle, Vec<Caller>),
        agents: &[Agent],
        per: IsolatePer,
        ends: bool,
    ) -> Result<Rc<Self>, StartupError> {
        // A debugger wants to find all of it in one place.
        let per = if worker.inspection.is_some() {
            IsolatePer::Server
        } else {
            per
        };
        let (groups, places) = group(agents, per);
        let quarantines = agents
            .iter()
            .filter_map(|agent| Some((agent.id(), Arc::clone(agent.worker.quarantine.as_ref()?))));
        let cell = worker.boot(Rc::clone(&egress), &callers).await?;
        let cells = Rc::new(Self {
            worker: worker.clone(),
            egress,
            callers,
            ends: ends && groups.len() > 1,
            groups,
            places,
            quarantines: Rc::new(quarantines.collect()),
            aborted: Rc::default(),
        });
        if let [only] = &*cells.groups {
            let running = cells.run(0, only, Some(cell));
            *only.running.borrow_mut() = Some(running);
        }
        Ok(cells)
    }

    /// The cell that an agent's requests pass, and who the agent is there.
    pub(super) fn of(self: &Rc<Self>, agent: usize) -> Option<(CellHandle, CallerId)> {
        let (number, caller) = *self.places.get(agent)?;
        let group = self.groups.get(number)?;
        if let Some(running) = &*group.running.borrow() {
            running.used.set(Instant::now());
            return Some((running.handle.clone(), caller));
        }
        self.make_room();
        let running = self.run(number, group, None);
        let handle = running.handle.clone();
        *group.running.borrow_mut() = Some(running);
        Some((handle, caller))
    }

    /// Puts the cell away that was not used for the longest time, where there are many.
    fn make_room(&self) {
        let running = self.groups.iter().filter(|group| group.running.borrow().is_some());
        if !self.ends || running.clone().count() < MOST {
            return;
        }
        let idle = running.filter_map(|group| {
            let running = group.running.borrow();
            let running = running.as_ref().filter(|running| running.handle.live() == 0)?;
            Some((running.used.get(), group))
        });
        if let Some((_, group)) = idle.min_by_key(|(used, _)| *used) {
            if let Some(running) = group.running.take() {
                running.handle.close();
            }
        }
    }

    /// Runs a group's cell: this one, or one that is booted now. What comes meanwhile is queued, and refused where it does not
    /// start.
    fn run(self: &Rc<Self>, number: usize, group: &Group, cell: Option<Isolate>) -> Running {
        let members = group.members.iter();
        let callers: Vec<Caller> = members.filter_map(|agent| self.callers.get(*agent).cloned()).collect();
        let handle = match &cell {
            Some(cell) => cell.handle(),
            None => self.worker.handle(callers.len()),
        };
        let surroundings = Surroundings {
            egress: Rc::new(Renumbered::new(Rc::clone(&self.egress), &group.members)),
            garbage: None,
            quarantines: Rc::clone(&self.quarantines),
        };
        let serving = respawn(self.worker.clone(), surroundings, callers, handle.clone(), cell);
        let used = Rc::new(Cell::new(Instant::now()));
        let (cells, ends) = (Rc::downgrade(self), self.ends);
        let (last, closing) = (Rc::clone(&used), handle.clone());
        let serving = async move {
            let mut serving = pin!(serving);
            if ends {
                loop {
                    tokio::select! {
                        () = &mut serving => return,
                        () = tokio::time::sleep(LOOK) => {}
                    }
                    if closing.live() == 0 && last.get().elapsed() >= IDLE {
                        break;
                    }
                }
                if let Some(cells) = cells.upgrade() {
                    // Another may have taken its place, if it was closed meanwhile.
                    let running = &cells.groups[number].running;
                    let same = running
                        .borrow()
                        .as_ref()
                        .is_some_and(|running| Rc::ptr_eq(&running.used, &last));
                    if same {
                        running.take();
                    }
                }
                closing.close();
            }
            serving.await;
        };
        // It works for whoever asks.
        let task = spawn(Essential::new(None, &self.aborted, serving));
        Running { handle, used, task }
    }

    /// An agent's isolate was stopped: what its policy has left of its requests is garbage.
    pub(super) fn collect(&self, agent: usize) {
        let group = self.places.get(agent).and_then(|(group, _)| self.groups.get(*group));
        if let Some(running) =
            group.and_then(|group| group.running.borrow().as_ref().map(|running| running.handle.clone()))
        {
            running.collect();
        }
    }

    /// Ends everything at once.
    pub(super) fn abort(&self) {
        self.aborted.set(true);
        for group in &self.groups {
            if let Some(running) = group.running.take() {
                running.task.abort();
            }
        }
    }

    /// Takes no more requests, and waits until the events under way have ended.
    pub(super) async fn drained(&self) {
        let running: Vec<_> = self.groups.iter().filter_map(|group| group.running.take()).collect();
        for running in &running {
            running.handle.close();
        }
        for running in running {
            let _ = running.task.await;
        }
    }
}

/// The groups, and of each agent its group and its place there.
fn group(agents: &[Agent], per: IsolatePer) -> (Vec<Group>, Vec<(usize, CallerId)>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<(Option<&str>, Option<usize>), usize> = HashMap::new();
    let places = agents.iter().enumerate().map(|(place, agent)| {
        let key = match (per, agent.tenant.as_deref()) {
            (IsolatePer::Server, _) => (None, None),
            (IsolatePer::Tenant, Some(tenant)) => (Some(tenant), None),
            (IsolatePer::Tenant, None) | (IsolatePer::Agent, _) => (None, Some(place)),
        };
        let number = *known.entry(key).or_insert_with(|| {
            groups.push(Group {
                members: Vec::new(),
                running: RefCell::default(),
            });
            groups.len() - 1
        });
        let members = &mut groups[number].members;
        members.push(place);
        (number, CallerId::try_from(members.len() - 1).unwrap_or(CallerId::MAX))
    });
    let places = places.collect();
    (groups, places)
}
