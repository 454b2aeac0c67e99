//! One loaded worker's life: its modules are read, its isolate is made, and its events run until it is put away or stopped.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deno_core::unsync::JoinHandle;
use workerd_lite_ops::account::{Account, AgentId, metered};
use workerd_lite_ops::egress::EgressHandle;
use workerd_lite_ops::external_memory::Reservation;
use workerd_lite_ops::loading::{Call, LoadedEvent, LoaderEvent};
use workerd_lite_ops::{Origin, Role, Termination, thread_cpu};

use super::Loaders;
use super::code::Code;
use super::failure::GONE;
use super::table::Table;
use super::way::{Things, Way};
use crate::identity::Attested;
use crate::isolate::modules::reading::{aside, given};
use crate::isolate::{Blank, Caller, Callers, Cell as Isolate, CellHandle, Ended, Loaded, StartupError, Worker};
use crate::limits::{Culprit, Limits};
use crate::metrics;

/// How long a worker without events is kept, and how often it is looked at.
const IDLE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_secs(15);

/// How a worker has ended.
#[derive(Debug)]
pub(super) enum End {
    /// It did not start.
    Failed(String),
    /// It was stopped.
    Stopped,
}

/// One worker that is loaded.
pub(super) struct Running {
    pub(super) number: u32,
    /// Its name, which begins with its loader's.
    pub(super) name: String,
    /// Its binding and its id there.
    pub(super) id: Option<(u32, String)>,
    pub(super) handle: CellHandle,
    pub(super) limits: Limits,
    pub(super) account: Option<Arc<Account>>,
    pub(super) used: Cell<Instant>,
    /// What it has of its loader's, by the places that its script knows.
    pub(super) given: Table,
    /// Whether somebody is told of its events.
    pub(super) tailed: bool,
    /// Whether it was called yet.
    pub(super) called: Cell<bool>,
    pub(super) end: RefCell<Option<End>>,
    pub(super) task: RefCell<Option<JoinHandle<()>>>,
    pub(super) _reservation: Reservation,
}

impl Running {
    /// It is called by this event. Gives where its own comes from.
    pub(super) fn called_by(&self, caller: &Rc<LoaderEvent>, call: &Call) -> Origin {
        self.used.set(Instant::now());
        self.called.set(true);
        let trace = caller.scope.origin.trace.child_for(self.account.as_ref());
        trace.charge_to(LoadedEvent::new(caller, call));
        Origin {
            caller: caller.scope.origin.caller,
            trace: Rc::new(trace),
        }
    }

    /// Whether nobody waits for it, and it could be loaded anew.
    fn is_idle(&self) -> bool {
        self.id.is_some() && self.handle.live() == 0
    }

    /// Whether it may make room for another: one without an id once it was called.
    pub(super) fn may_go(&self) -> bool {
        self.handle.live() == 0 && (self.id.is_some() || self.called.get())
    }

    pub(super) fn abort(&self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    pub(super) async fn ended(&self) {
        let task = self.task.take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

/// Runs a worker from its code to its end.
pub(super) async fn life(
    loaders: Weak<Loaders>,
    running: Rc<Running>,
    caller: Rc<LoaderEvent>,
    (code, things): (Code, Things),
    loaded: Loaded,
) {
    let (together, number) = (Arc::clone(&loaded.together), loaded.number);
    let made = match loaders.upgrade() {
        Some(loaders) => {
            metered(
                running.account.clone(),
                make(&loaders, &running, &caller, (code, things), loaded),
            )
            .await
        }
        None => return,
    };
    drop(caller);
    match made {
        Ok(cell) => serve(&loaders, &running, cell).await,
        Err(error) => {
            let why = match miette::Diagnostic::help(&error) {
                Some(help) => format!("{}\n{help}", error.sentence()),
                None => error.sentence(),
            };
            let why = format!("the worker {:?} could not be loaded: {why}", running.name);
            if let Some(loaders) = loaders.upgrade() {
                loaders.failed_to_start(running.number, &why);
            }
            running.end.replace(Some(End::Failed(why)));
            end(&loaders, &running, Termination::Startup);
        }
    }
    together.forget(number);
}

/// Nobody finds it any longer, and who waits hears why.
fn end(loaders: &Weak<Loaders>, running: &Running, why: Termination) {
    running.handle.inbox().refuse(why);
    match loaders.upgrade() {
        Some(loaders) => loaders.put_away(running.number),
        None => running.handle.close(),
    }
}

async fn make(
    loaders: &Loaders,
    running: &Running,
    caller: &LoaderEvent,
    (code, things): (Code, Things),
    loaded: Loaded,
) -> Result<Isolate, StartupError> {
    let Code {
        main,
        modules,
        vars,
        fills_environment,
        differences,
        node,
        outbound,
        limits,
    } = code;
    // Others are served meanwhile.
    let known = running.account.as_ref().map(|account| account.root().id().clone());
    let whom = known.clone().map(Culprit::Agent);
    let parent = &loaders.parent.attested;
    let whose = known.unwrap_or_else(|| AgentId::new(parent.tenant.as_deref(), &parent.name));
    let read = aside(&whose, move || given(modules, &main, node, whom));
    // The event that has loaded it may end before its turn comes.
    let inbox = running.handle.inbox();
    let read = tokio::select! {
        read = read => read,
        () = inbox.deserted() => return Err(StartupError::new(GONE)),
    };
    let (graph, took) = read.ok_or_else(|| StartupError::new("its modules could not be read"))?;
    caller.charge(took);
    let graph = graph?;
    let parent = &loaders.parent;
    let attested = Attested {
        name: running.name.clone(),
        tenant: parent.attested.tenant.clone(),
        instance: uuid::Uuid::new_v4().simple().to_string(),
        code_sha256: graph.sha256().to_owned(),
        parent: Some(parent.attested.name.clone()),
    };
    let egress: EgressHandle = Rc::new(Way::new(loaders, (parent.way)(attested), things, outbound));
    let worker = Worker {
        vars,
        fills_environment,
        differences,
        loaded: Some(Arc::new(loaded)),
        console_tap: parent.worker.console_tap.clone(),
        limits,
        quarantine: parent.worker.quarantine.clone(),
        account: running.account.clone(),
        ..Worker::of(running.name.clone(), Role::Agent, Arc::new(graph))
    };
    let kind = worker.blank_kind();
    let blank = loaders.blanks.take(kind);
    if let Some(blank) = &blank {
        caller.charge(blank.cost());
        if let Some(account) = &running.account {
            account.charge_job(blank.cost());
        }
    }
    let before = thread_cpu().unwrap_or_default();
    let blank = blank.unwrap_or_else(|| Blank::make(kind));
    let callers = Callers::from(vec![Caller::anyone()]);
    let booted = worker.boot_in(blank, running.handle.inbox(), egress, &callers).await;
    caller.charge(thread_cpu().unwrap_or_default().saturating_sub(before));
    booted
}

/// Runs its events, until it is closed, stopped, or was idle for long.
async fn serve(loaders: &Weak<Loaders>, running: &Running, cell: Isolate) {
    let mut events = pin!(cell.run());
    let ended = loop {
        tokio::select! {
            ended = &mut events => break ended,
            () = tokio::time::sleep(LOOK) => {}
        }
        if running.is_idle() && running.used.get().elapsed() >= IDLE {
            match loaders.upgrade() {
                Some(loaders) => loaders.put_away(running.number),
                None => running.handle.close(),
            }
        }
    };
    let (Ended::Stopped(why, _) | Ended::Lingered(why, _)) = ended else {
        return;
    };
    if let Some(account) = &running.account {
        metrics::ended(account.root().id(), why);
    }
    let id = running.account.as_ref().map(|account| account.id());
    let (agent, tenant) = (id.map(|id| &*id.name), id.and_then(|id| id.tenant.as_deref()));
    tracing::error!(target: "worker", worker = running.name, agent, tenant, "a loaded worker was stopped: {why}");
    running.end.replace(Some(End::Stopped));
    end(loaders, running, why);
}
