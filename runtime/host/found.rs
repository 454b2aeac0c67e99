//! Agents of a folder: each is found when it is first asked for, read anew when it has changed, and gone when its folder is. What is
//! asked for and is not there costs a look at the file system, and none for a while after that.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use deno_core::url::Url;
use workerd_lite_ops::Termination;
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::console_tap::ConsoleTap;

use super::agent::Agent;
use super::isolates::Isolates;
use super::isolation::Isolation;
use crate::isolate::modules::reading::aside;
use crate::reloadable::Stamp;

/// How long what was seen of an agent's files holds.
const HOLDS: Duration = Duration::from_millis(500);

/// How many names are remembered that no agent has.
const UNKNOWN: usize = 4096;

/// Looks for agents.
pub(crate) trait Finder: Send + Sync + fmt::Debug {
    /// Whether there is such an agent, and what its first files are. Names are checked here.
    fn look(&self, id: &AgentId) -> Option<Stamp>;

    /// The agent. Where its own configuration is wrong its code says so when it is read.
    fn make(&self, id: &AgentId) -> Option<Agent>;

    /// All that are there now.
    fn list(&self) -> Vec<AgentId>;

    /// What stands behind an agent's name, and its tenant's, in the hosts that it answers for.
    fn domain(&self) -> &str;

    /// Bytes of headers that agents take.
    fn headers(&self) -> usize;

    /// Where their isolates are.
    fn isolation(&self) -> Isolation;

    /// How long a request waits for one to be read.
    fn patience(&self) -> Duration;
}

/// What is known of an agent without reading its files.
enum AtHand {
    There(usize, Arc<Agent>),
    Absent,
    /// They are to be read, as they are now.
    Unread(Stamp),
}

/// An agent that was found.
struct Entry {
    place: usize,
    agent: Arc<Agent>,
    stamp: Stamp,
    /// When it was last looked at, in milliseconds since the beginning.
    looked: AtomicU64,
}

#[derive(Default)]
struct State {
    names: HashMap<AgentId, Arc<Entry>>,
    places: HashMap<usize, Arc<Agent>>,
    /// The place of the next one: none is used twice.
    next: usize,
}

/// The agents of a folder, on all threads.
pub(super) struct Found {
    finder: Box<dyn Finder>,
    began: Instant,
    state: RwLock<State>,
    /// Names that no agent has, and since when.
    unknown: Mutex<HashMap<AgentId, Instant>>,
    /// Agents that may not work, or only apart, and have not been asked for: until when.
    past: Mutex<HashMap<AgentId, Option<Instant>>>,
    console_tap: Mutex<Option<ConsoleTap>>,
    metrics_agents: usize,
    isolates: Arc<Isolates>,
    /// Those that are started before anything is served, once they have been listed.
    listed: Mutex<Option<std::vec::IntoIter<AgentId>>>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("finder", &self.finder)
            .finish_non_exhaustive()
    }
}

/// `name`, or `tenant/name`.
fn id_of(name: &str) -> AgentId {
    match name.split_once('/') {
        Some((tenant, name)) => AgentId::new(Some(tenant), name),
        None => AgentId::new(None, name),
    }
}

impl Found {
    /// Those that a finder finds. Their places begin with `first`.
    pub(super) fn new(finder: Box<dyn Finder>, first: usize, metrics_agents: usize, isolates: &Arc<Isolates>) -> Self {
        Self {
            finder,
            began: Instant::now(),
            state: RwLock::new(State {
                next: first,
                ..State::default()
            }),
            unknown: Mutex::default(),
            past: Mutex::default(),
            console_tap: Mutex::default(),
            metrics_agents,
            isolates: Arc::clone(isolates),
            listed: Mutex::default(),
        }
    }

    /// The next of all that are there now.
    pub(super) fn next(&self) -> Option<(usize, Arc<Agent>)> {
        loop {
            let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
            let id = listed.get_or_insert_with(|| self.finder.list().into_iter()).next()?;
            drop(listed);
            if let Some(found) = self.find(&id) {
                return Some(found);
            }
        }
    }

    /// The names of all that are there now.
    pub(super) fn all(&self) -> Vec<String> {
        self.finder.list().iter().map(ToString::to_string).collect()
    }

    /// Those that have been asked for, in the order of their names.
    pub(super) fn asked_for(&self) -> Vec<Arc<Agent>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut agents: Vec<_> = state.names.iter().collect();
        agents.sort_unstable_by_key(|(id, _)| id.to_string());
        agents.into_iter().map(|(_, entry)| Arc::clone(&entry.agent)).collect()
    }

    /// The host by which one of the folder is asked for.
    pub(super) fn host(&self, id: &AgentId) -> Option<String> {
        self.known(id)?;
        let tenant = id
            .tenant
            .as_ref()
            .map_or_else(String::new, |tenant| format!("{tenant}."));
        Some(format!("{}.{tenant}{}", id.name, self.finder.domain()))
    }

    /// The names of those that have been asked for.
    pub(super) fn names(&self) -> Vec<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = state.names.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    }

    /// Bytes of headers that they take.
    pub(super) fn headers(&self) -> usize {
        self.finder.headers()
    }

    /// The agent in a place, where it is not gone.
    pub(super) fn agent(&self, place: usize) -> Option<Arc<Agent>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.places.get(&place).cloned()
    }

    /// One that was asked for before.
    pub(super) fn known(&self, id: &AgentId) -> Option<Arc<Agent>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.names.get(id).map(|entry| Arc::clone(&entry.agent))
    }

    /// The agent of a name, or of `tenant/name`. Its files are read here.
    pub(super) fn named(&self, name: &str) -> Option<(usize, Arc<Agent>)> {
        self.find(&id_of(name))
    }

    /// The same for a request, whose thread serves others meanwhile.
    pub(super) async fn asked_by_name(
        self: &Arc<Self>,
        name: &str,
    ) -> Result<Option<(usize, Arc<Agent>)>, Termination> {
        self.asked(id_of(name)).await
    }

    /// The agent of a request's host: its name, its tenant's if it has one, and the domain.
    pub(super) async fn asked_by_host(self: &Arc<Self>, url: &Url) -> Result<Option<(usize, Arc<Agent>)>, Termination> {
        match self.id_of_host(url) {
            Some(id) => self.asked(id).await,
            None => Ok(None),
        }
    }

    fn id_of_host(&self, url: &Url) -> Option<AgentId> {
        let host = url.host_str()?;
        let host = host.strip_suffix('.').unwrap_or(host);
        let names = host.strip_suffix(self.finder.domain())?.strip_suffix('.')?;
        match names.split_once('.') {
            Some((name, tenant)) if !tenant.contains('.') => Some(AgentId::new(Some(tenant), name)),
            Some(_) => None,
            None => Some(AgentId::new(None, names)),
        }
    }

    /// An agent for a request: what its files say is read on another thread, in its turn.
    async fn asked(self: &Arc<Self>, id: AgentId) -> Result<Option<(usize, Arc<Agent>)>, Termination> {
        match self.at_hand(&id) {
            AtHand::There(place, agent) => return Ok(Some((place, agent))),
            AtHand::Absent => return Ok(None),
            AtHand::Unread(_) => {}
        }
        let (found, whose) = (Arc::clone(self), id.clone());
        let read = tokio::time::timeout(self.finder.patience(), aside(&whose, move || found.find(&id)));
        let read = read.await.map_err(|_| Termination::Wall)?;
        read.ok_or(Termination::Startup)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn find(&self, id: &AgentId) -> Option<(usize, Arc<Agent>)> {
        match self.at_hand(id) {
            AtHand::There(place, agent) => Some((place, agent)),
            AtHand::Absent => None,
            AtHand::Unread(stamp) => self.discover(id, stamp),
        }
    }

    fn at_hand(&self, id: &AgentId) -> AtHand {
        let known = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            // One that has changed has no place until it was read anew.
            let entry = state.names.get(id);
            entry.filter(|entry| state.places.contains_key(&entry.place)).cloned()
        };
        let Some(entry) = known else {
            return self.unless_absent(id);
        };
        let now = self.now();
        let looked = entry.looked.load(Ordering::Relaxed);
        if u128::from(now.saturating_sub(looked)) >= HOLDS.as_millis() {
            entry.looked.store(now, Ordering::Relaxed);
            let stamp = self.finder.look(id);
            if stamp.as_ref() != Some(&entry.stamp) || !entry.agent.code.is_whole() {
                self.leaves(id, &entry, stamp.is_none());
                return self.unread(id, stamp);
            }
        }
        AtHand::There(entry.place, Arc::clone(&entry.agent))
    }

    /// Looks whether there are files of one that is not known.
    fn unless_absent(&self, id: &AgentId) -> AtHand {
        {
            let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            if unknown.get(id).is_some_and(|since| since.elapsed() < HOLDS) {
                return AtHand::Absent;
            }
        }
        self.unread(id, self.finder.look(id))
    }

    /// What is known by the look of its files, or by there being none.
    fn unread(&self, id: &AgentId, stamp: Option<Stamp>) -> AtHand {
        if let Some(stamp) = stamp {
            return AtHand::Unread(stamp);
        }
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.len() >= UNKNOWN {
            unknown.clear();
        }
        unknown.insert(id.clone(), Instant::now());
        AtHand::Absent
    }

    /// An agent has changed, or is gone.
    fn leaves(&self, id: &AgentId, entry: &Arc<Entry>, is_gone: bool) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.names.get(id).is_some_and(|known| Arc::ptr_eq(known, entry)) {
            state.places.remove(&entry.place);
            // How it stands is kept for whoever comes in its place.
            if is_gone {
                state.names.remove(id);
            }
            drop(state);
            self.isolates.dismiss(entry.place);
        }
    }

    /// Reads an agent that is not known, or not as it is now.
    fn discover(&self, id: &AgentId, stamp: Stamp) -> Option<(usize, Arc<Agent>)> {
        let made = self.finder.make(id)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = state.names.get(id).cloned();
        if let Some(entry) = before.as_ref().filter(|entry| state.places.contains_key(&entry.place)) {
            // Another thread was faster.
            return Some((entry.place, Arc::clone(&entry.agent)));
        }
        let agent = Arc::new(self.prepared(id, made, before.as_deref()));
        let place = state.next;
        state.next += 1;
        state.places.insert(place, Arc::clone(&agent));
        let entry = Entry {
            place,
            agent: Arc::clone(&agent),
            stamp,
            looked: AtomicU64::new(self.now()),
        };
        state.names.insert(id.clone(), Arc::new(entry));
        Some((place, agent))
    }

    /// An agent that may work. One that was changed stands as it did before: what it has done is not undone by that.
    fn prepared(&self, id: &AgentId, mut agent: Agent, before: Option<&Entry>) -> Agent {
        match before {
            Some(entry) => {
                agent.worker.quarantine.clone_from(&entry.agent.worker.quarantine);
                agent.worker.account.clone_from(&entry.agent.worker.account);
            }
            None => agent.prepare(true, self.metrics_agents),
        }
        let tap = self.console_tap.lock().unwrap_or_else(PoisonError::into_inner);
        agent.worker.console_tap.clone_from(&tap);
        drop(tap);
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let (Some(until), Some(quarantine)) = (past, &agent.worker.quarantine) {
            match until {
                Some(until) => quarantine.eject(until.saturating_duration_since(Instant::now())),
                None => quarantine.record_stop(),
            }
        }
        agent
    }

    /// Their console lines are shown.
    pub(super) fn shown(&self, tap: &ConsoleTap) {
        *self.console_tap.lock().unwrap_or_else(PoisonError::into_inner) = Some(tap.clone());
    }

    /// One works apart from the others, or not at all for a while, if it is there.
    pub(super) fn quarantine(&self, id: &AgentId, ejected: Option<Duration>) {
        let known = self.known(id);
        let Some(quarantine) = known.as_ref().and_then(|agent| agent.worker.quarantine.as_ref()) else {
            let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
            past.insert(id.clone(), ejected.map(|time| Instant::now() + time));
            return;
        };
        match ejected {
            Some(time) => quarantine.eject(time),
            None => quarantine.record_stop(),
        }
    }
}

#[cfg(test)]
mod tests;
