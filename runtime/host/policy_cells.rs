//! The policy's cells on one thread. Each group of agents has one of its own, so that no group's work delays, stops or
//! changes another's policy. A cell is made when an agent of its group first asks, and put away when none has for a while.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deno_core::unsync::{JoinHandle, spawn};
use workerd_lite_ops::CallerId;
use workerd_lite_ops::egress::EgressHandle;

use super::agent::Agent;
use super::isolate_per::{IsolatePer, Key, key};
use super::isolates::{Place, Used};
use super::known::KnownAgents;
use super::loader::{AllLoaders, Parent};
use super::project::Project;
use super::renumbered::Renumbered;
use super::respawn::{Patience, Surroundings, respawn};
use crate::identity::Attested;
use crate::isolate::modules::Graph;
use crate::isolate::{Caller, Callers, Cell as Isolate, CellHandle, Door, Essential, StartupError, Worker, trim_soon};

/// How long a cell without events is kept.
const IDLE: Duration = Duration::from_mins(1);

/// How many cells there may be before those without events are put away at once.
const MOST: usize = 64;

/// Agents that share a cell.
#[derive(Default)]
struct Group {
    /// Its members, by their places in the project, in the order in which they came: the cell's callers.
    members: Rc<RefCell<Vec<usize>>>,
    /// The same, as the cell sees them.
    callers: Callers,
    running: RefCell<Option<Running>>,
}

/// A group's cell, and those that come after it where it is stopped.
struct Running {
    handle: CellHandle,
    used: Rc<Cell<Instant>>,
    kept: Option<Used>,
    task: JoinHandle<()>,
}

/// The cells of one thread.
pub(super) struct PolicyCells {
    project: Project,
    worker: Worker,
    egress: EgressHandle,
    known: KnownAgents,
    per: IsolatePer,
    groups: RefCell<HashMap<Key, Rc<Group>>>,
    /// The group of each agent that has asked, and its place there.
    places: RefCell<HashMap<usize, (Rc<Group>, CallerId)>>,
    /// How many agents each tenant has that are listed.
    tenants: HashMap<String, usize>,
    /// Whether cells are put away.
    ends: bool,
    /// What they have loaded.
    loaders: AllLoaders,
    /// Whether their loops may end before they are done.
    aborted: Rc<Cell<bool>>,
}

impl PolicyCells {
    /// The policy's modules.
    pub(super) fn graph(&self) -> &Arc<Graph> {
        &self.worker.graph
    }

    /// Boots the policy once, with each entrypoint that an agent has: what is wrong with it is found before it is needed. Where all
    /// agents share a cell it is that one. `ends` tells whether others are put away after a while.
    pub(super) async fn start(
        project: &Project,
        worker: &Worker,
        egress: EgressHandle,
        known: KnownAgents,
        ends: bool,
    ) -> Result<Rc<Self>, StartupError> {
        // A debugger wants to find all of it in one place.
        let per = if worker.inspection.is_some() {
            IsolatePer::Server
        } else {
            project.isolate_per
        };
        let mut keys = project
            .agents
            .iter()
            .enumerate()
            .map(|(place, agent)| key(per, place, agent));
        let first = keys.next();
        let is_one = first.is_some()
            && (per == IsolatePer::Server || project.found.is_none())
            && keys.all(|key| Some(&key) == first.as_ref());
        let nobody = nobody(project);
        // They hold the places of nobody.
        let group = Rc::new(Group {
            members: Rc::new(RefCell::new(vec![usize::MAX; nobody.len()])),
            callers: Callers::from(nobody),
            running: RefCell::default(),
        });
        let mut tenants: HashMap<String, usize> = HashMap::new();
        for tenant in project.agents.iter().filter_map(|agent| agent.tenant.as_ref()) {
            *tenants.entry(tenant.clone()).or_default() += 1;
        }
        let handle = worker.handle(first.as_ref().map_or(1, |first| sharing(project, &tenants, first)));
        let loaders = AllLoaders::new(&project.isolates);
        let own = way(worker, &egress, &group.members, &loaders);
        let cell = worker.boot_again(handle.inbox(), own, &group.callers).await?;
        let cells = Rc::new(Self {
            project: project.clone(),
            worker: worker.clone(),
            egress,
            known,
            per,
            tenants,
            ends: ends && !is_one && per != IsolatePer::Server,
            groups: RefCell::default(),
            places: RefCell::default(),
            loaders,
            aborted: Rc::default(),
        });
        if let Some(key) = first.filter(|_| is_one) {
            let running = cells.run(key.clone(), &group, Some(cell));
            *group.running.borrow_mut() = Some(running);
            cells.groups.borrow_mut().insert(key, group);
        }
        Ok(cells)
    }

    /// The group of an agent, and its place there.
    fn place(&self, place: usize, agent: &Agent) -> Option<(Key, Rc<Group>, CallerId)> {
        let key = key(self.per, place, agent);
        if let Some((group, caller)) = self.places.borrow().get(&place) {
            return Some((key, Rc::clone(group), *caller));
        }
        let caller = self.known.caller(place, agent)?;
        let group = Rc::clone(self.groups.borrow_mut().entry(key.clone()).or_default());
        group.members.borrow_mut().push(place);
        let caller = group.callers.add(caller);
        self.places.borrow_mut().insert(place, (Rc::clone(&group), caller));
        Some((key, group, caller))
    }

    /// The cell that an agent's requests pass, and who the agent is there. Its code has run on this thread.
    pub(super) fn of(self: &Rc<Self>, place: usize) -> Option<(CellHandle, CallerId)> {
        let agent = self.project.agent(place)?;
        let (key, group, caller) = self.place(place, &agent)?;
        if let Some(running) = &*group.running.borrow() {
            running.used.set(Instant::now());
            running.kept.iter().for_each(Used::now);
            return Some((running.handle.clone(), caller));
        }
        self.make_room();
        let running = self.run(key, &group, None);
        let handle = running.handle.clone();
        *group.running.borrow_mut() = Some(running);
        Some((handle, caller))
    }

    /// Puts the cell away that was not used for the longest time, where there are many.
    fn make_room(&self) {
        let groups = self.groups.borrow();
        let running = groups.values().filter(|group| group.running.borrow().is_some());
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
    fn run(self: &Rc<Self>, key: Key, group: &Rc<Group>, cell: Option<Isolate>) -> Running {
        let handle = match &cell {
            Some(cell) => cell.handle(),
            None => self.worker.handle(sharing(&self.project, &self.tenants, &key)),
        };
        let project = self.project.clone();
        let surroundings = Surroundings {
            egress: way(&self.worker, &self.egress, &group.members, &self.loaders),
            garbage: None,
            whose: Rc::new(move |id| project.quarantine_of(id)),
            blanks: None,
            isolates: Arc::clone(&self.project.isolates),
            patience: Patience::Endless,
        };
        let serving = respawn(
            self.worker.clone(),
            surroundings,
            group.callers.clone(),
            handle.clone(),
            cell,
        );
        let used = Rc::new(Cell::new(Instant::now()));
        let kept = self.ends.then(|| self.project.isolates.keep(None));
        let (last, closing) = (Rc::clone(&used), handle.clone());
        let (group, cells) = (Rc::downgrade(group), Rc::downgrade(self));
        let place = kept.as_ref().map(Place::used);
        let serving = async move {
            let mut serving = pin!(serving);
            if let Some(kept) = kept {
                tokio::select! {
                    () = &mut serving => return,
                    () = kept.is_to_leave(&closing, IDLE) => {}
                }
                if let Some(group) = group.upgrade() {
                    // Another may have taken its place, if it was closed meanwhile.
                    let running = &group.running;
                    let same = running
                        .borrow()
                        .as_ref()
                        .is_some_and(|running| Rc::ptr_eq(&running.used, &last));
                    if same {
                        running.take();
                        // Its members begin anew, as far as they are there.
                        if let Some(cells) = cells.upgrade() {
                            cells.forget(&key);
                        }
                    }
                }
                closing.close();
                serving.await;
                trim_soon();
                return;
            }
            serving.await;
        };
        // It works for whoever asks.
        let task = spawn(Essential::new(None, &self.aborted, serving));
        Running {
            handle,
            used,
            kept: place,
            task,
        }
    }

    /// A group has no cell any longer, and its members are counted anew.
    fn forget(&self, key: &Key) {
        if let Some(group) = self.groups.borrow_mut().remove(key) {
            let mut places = self.places.borrow_mut();
            for member in &*group.members.borrow() {
                places.remove(member);
            }
        }
    }

    /// An agent's isolate was stopped: what its policy has left of its requests is garbage.
    pub(super) fn collect(&self, agent: usize) {
        let places = self.places.borrow();
        let Some((group, _)) = places.get(&agent) else { return };
        if let Some(running) = &*group.running.borrow() {
            running.handle.collect();
        }
    }

    /// How many events do something yet.
    pub(super) fn at_work(&self) -> usize {
        let groups = self.groups.borrow();
        let at_work = groups.values().filter_map(|group| {
            let running = group.running.borrow();
            running.as_ref().map(|running| running.handle.at_work())
        });
        at_work.sum()
    }

    /// Ends everything at once.
    pub(super) fn abort(&self) {
        self.aborted.set(true);
        self.loaders.abort();
        for group in self.groups.borrow().values() {
            if let Some(running) = group.running.take() {
                running.task.abort();
            }
        }
    }

    /// Takes no more requests, and waits until the events under way have ended.
    pub(super) async fn drained(&self) {
        let groups: Vec<_> = self.groups.borrow().values().cloned().collect();
        let running: Vec<_> = groups.iter().filter_map(|group| group.running.take()).collect();
        for running in &running {
            running.handle.close();
        }
        for running in running {
            let _ = running.task.await;
        }
        self.loaders.drained().await;
    }
}

/// Callers by whom it is seen whether the policy has each entrypoint that an agent wants of it.
pub(super) fn nobody(project: &Project) -> Vec<Caller> {
    let agents = project.agents.iter();
    let entrypoints: BTreeSet<Option<&str>> = agents.map(|agent| agent.entrypoint.as_deref()).collect();
    let nobody = entrypoints.into_iter().map(|entrypoint| Caller {
        entrypoint: entrypoint.map(ToOwned::to_owned),
        ..Caller::anyone()
    });
    let mut nobody: Vec<Caller> = nobody.collect();
    let services = project.agents.iter().flat_map(|agent| &agent.services);
    let services = services.filter(|grant| grant.is_to_policy());
    let services: BTreeSet<Option<&str>> = services.map(|grant| grant.entrypoint.as_deref()).collect();
    if let Some(first) = nobody.first_mut() {
        first.doors = services.into_iter().map(Door::to).collect();
    }
    nobody
}

/// How many callers a cell has to reckon with.
fn sharing(project: &Project, tenants: &HashMap<String, usize>, key: &Key) -> usize {
    match key {
        (None, Some(_)) => 1,
        _ if project.found.is_some() => usize::MAX,
        (Some(tenant), _) => tenants.get(tenant).copied().unwrap_or(1),
        (None, None) => project.agents.len(),
    }
}

/// The way out of a cell that works for these agents, and of what it loads where it may: that goes to the network as the policy's own
/// requests do.
fn way(
    worker: &Worker,
    egress: &EgressHandle,
    members: &Rc<RefCell<Vec<usize>>>,
    loaders: &AllLoaders,
) -> EgressHandle {
    let plain = Renumbered::new(Rc::clone(egress), members);
    if worker.loaders.is_empty() {
        return Rc::new(plain);
    }
    let attested = Attested {
        name: worker.name.clone(),
        tenant: None,
        instance: String::new(),
        code_sha256: worker.graph.sha256().to_owned(),
        parent: None,
    };
    let theirs: EgressHandle = Rc::new(Renumbered::new(Rc::clone(egress), members));
    let own = loaders.add(Parent {
        worker: worker.clone(),
        attested,
        way: Box::new(move |_| Rc::clone(&theirs)),
    });
    Rc::new(plain.with_loader(own))
}
