//! Workers that are loaded from code which a script has at run time: what a script asks the host for, and to whom it is charged.
//! <https://developers.cloudflare.com/workers/runtime-apis/bindings/worker-loader/>

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::error::FetchError;
use crate::events::{Elsewhere, Scope};
use crate::external_memory::ExternalMemory;
use crate::inbox::Inbox;
use crate::message::{Request, Response};
use crate::origin::{EventId, Target};
use crate::rpc::Capability;
use crate::trace::{Charged, Trace};
use crate::worker_log::Lines;

/// Makes workers, and hands events to them. The host puts one into each isolate that may load.
pub trait Loader {
    /// Begins to load a worker. Gives its number, or what is wrong with the order. One without an id lives for as long as its event.
    fn load(&self, caller: &Rc<LoaderEvent>, order: Order) -> Result<u32, String>;

    /// The worker that a binding has of this id, where it lives; 0 where it does not.
    fn find(&self, binding: u32, id: &str) -> u32;

    /// Gives a worker more of its loader's, and says at which place the first of it is, or why it may not.
    /// It has it for as long as the event lives.
    fn give(&self, caller: &Rc<LoaderEvent>, worker: u32, given: Vec<Given>) -> Result<u32, String>;

    /// Hands a request to a worker. Dropping the future cancels it.
    fn fetch(
        &self,
        caller: &Rc<LoaderEvent>,
        worker: u32,
        call: Call,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>>;

    /// An entrypoint of a worker, for calls of its methods.
    fn entrypoint(&self, caller: &Rc<LoaderEvent>, worker: u32, call: Call) -> Capability;
}

/// The [`Loader`] of an isolate.
pub type LoaderHandle = Rc<dyn Loader>;

/// A worker that is to be loaded.
pub struct Order {
    /// The binding, by its place among the script's.
    pub binding: u32,
    /// Its id among the binding's.
    pub id: Option<String>,
    /// All that is text of it, as JSON: `js/loader/code.js` says what.
    pub settings: String,
    /// The contents of its modules, in the order in which the settings name them.
    pub contents: Vec<Vec<u8>>,
    /// Its `env`, as V8 writes it. Its host objects are numbers of what it is given.
    pub env: Vec<u8>,
    /// What it is given of its loader's.
    pub given: Vec<Given>,
    /// Where its requests go, where that is neither nowhere nor its loader's way out.
    pub outbound: Option<Given>,
    /// Who is told of its events.
    pub tails: Vec<Given>,
    /// The queue of the loading isolate.
    pub own: Rc<Inbox>,
    /// What the loading isolate holds outside of its heap: what the worker holds counts there.
    pub external: ExternalMemory,
    /// The loading isolate's lines of the log, likewise.
    pub lines: Lines,
}

/// What a loaded worker is given of its loader's: in its `env`, in the props of an entrypoint, or as its way out.
#[derive(Clone)]
pub enum Given {
    /// What the loading event holds, or has made.
    Capability(Capability),
    /// One of the loader's services, by its place.
    Service(u32),
    /// One of a policy's bindings, by its place.
    Binding(u32),
    /// An entrypoint of the loader's own script.
    Own(Target),
    /// One of another worker that it has loaded.
    Loaded(u32, Call),
}

/// One call of a loaded worker.
#[derive(Clone)]
pub struct Call {
    /// Which of its entrypoints, and with which props.
    pub target: Target,
    /// CPU time that the event may take, where the stub says.
    pub cpu: Option<Duration>,
    /// Requests that it may make, likewise.
    pub subrequests: Option<u32>,
}

/// The event that loads and calls a worker. What is done for it counts as its own.
pub struct LoaderEvent {
    /// What belongs to it.
    pub scope: Rc<Scope>,
    event: EventId,
    subrequests: u32,
    elsewhere: Rc<Elsewhere>,
}

impl LoaderEvent {
    /// Counts a worker that it loads. Gives whether it may.
    pub(crate) fn may_load(&self) -> bool {
        self.scope.count_fetch(self.subrequests)
    }

    /// Something was done for it that takes CPU time.
    pub fn charge(&self, time: Duration) {
        self.elsewhere.add(self.event, time);
    }

    /// One that may make so many requests.
    pub(crate) fn new(scope: Rc<Scope>, event: EventId, subrequests: u32, elsewhere: Rc<Elsewhere>) -> Rc<Self> {
        Rc::new(Self {
            scope,
            event,
            subrequests,
            elsewhere,
        })
    }
}

/// One event of a loaded worker, as it is charged to the one that called it.
pub struct LoadedEvent {
    caller: Rc<LoaderEvent>,
    cpu: Option<Duration>,
    subrequests: Option<u32>,
    made: Cell<u32>,
}

impl LoadedEvent {
    /// With the bounds that its stub was given.
    pub fn new(caller: &Rc<LoaderEvent>, call: &Call) -> Rc<Self> {
        Rc::new(Self {
            caller: Rc::clone(caller),
            cpu: call.cpu,
            subrequests: call.subrequests,
            made: Cell::new(0),
        })
    }

    /// What an event is charged to, where a loaded worker's is.
    pub fn of(trace: &Trace) -> Option<Rc<Self>> {
        Rc::clone(trace.charged()?).any().downcast().ok()
    }

    /// The event that has called it.
    pub fn caller(&self) -> &Rc<LoaderEvent> {
        &self.caller
    }

    /// What its loader's own script does for it: charged to the same event, and not bound by what the stub says.
    pub fn within_loader(&self) -> Rc<Self> {
        Rc::new(Self {
            caller: Rc::clone(&self.caller),
            cpu: None,
            subrequests: None,
            made: Cell::new(0),
        })
    }
}

impl Charged for LoadedEvent {
    fn computed(&self, time: Duration) {
        self.caller.elsewhere.add(self.caller.event, time);
    }

    fn may_fetch(&self) -> bool {
        self.made.set(self.made.get().saturating_add(1));
        self.subrequests.is_none_or(|most| self.made.get() <= most)
            && self.caller.scope.count_fetch(self.caller.subrequests)
    }

    fn cpu(&self) -> Option<Duration> {
        self.cpu
    }

    fn any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}
