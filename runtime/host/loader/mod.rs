//! Workers that a script loads at run time: one table for each script that may, on each thread. What they use is put down to the
//! event that loads or calls them, and all of them together have no more than their loader.

mod code;
mod entrypoint;
mod failure;
mod running;
mod table;
mod way;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Instant;

use deno_core::unsync::spawn;
use futures_util::future::LocalBoxFuture;
use sha2::{Digest as _, Sha256};
use workerd_lite_ops::egress::EgressHandle;
use workerd_lite_ops::inbox::Inbox;
use workerd_lite_ops::loading::{Call, Given, Loader, LoaderEvent, LoaderHandle, Order};
use workerd_lite_ops::rpc::Capability;
use workerd_lite_ops::shares::Shares;
use workerd_lite_ops::worker_log::cut;
use workerd_lite_ops::{EventError, EventId, FetchError, Message, Request, Response, Termination};

use super::blanks::Blanks;
use super::isolates::{IsolateLimits, Isolates};
use crate::identity::{Attested, is_plain};
use crate::isolate::{CellHandle, Essential, Loaded, Together, Worker};
use code::Code;
use entrypoint::Entrypoint;
use failure::{GONE, failed};
use running::{End, Running};
use table::Table;
use way::Things;

/// How many workers of one loader live at once, on one thread.
const MOST: usize = 16;

/// What the modules and the `env` of one may have together, in bytes.
const LARGEST: usize = 16 << 20;

/// Whose loader it is, and what leads out of it.
pub(super) struct Parent {
    pub(super) worker: Worker,
    /// What the host attests of it.
    pub(super) attested: Attested,
    /// The way out of a worker that is attested so.
    pub(super) way: Box<dyn Fn(Attested) -> EgressHandle>,
}

/// The workers of one loader.
pub(super) struct Loaders {
    parent: Parent,
    workers: RefCell<HashMap<u32, Rc<Running>>>,
    /// Those that have an id, by their binding and that.
    named: RefCell<HashMap<(u32, String), u32>>,
    /// Why those did not start that were loaded last, by their numbers.
    failures: RefCell<VecDeque<(u32, String)>>,
    last: Cell<u32>,
    together: Arc<Together>,
    blanks: Rc<Blanks>,
    /// Whether their loops may end before they are done.
    released: Rc<Cell<bool>>,
    this: Weak<Self>,
}

impl Loaders {
    fn new(parent: Parent, blanks: Rc<Blanks>) -> Rc<Self> {
        let limits = parent.worker.effective_limits();
        Rc::new_cyclic(|this| Self {
            parent,
            workers: RefCell::default(),
            named: RefCell::default(),
            failures: RefCell::default(),
            last: Cell::new(0),
            together: Together::new(limits.heap.saturating_add(limits.buffers)),
            blanks,
            released: Rc::default(),
            this: Weak::clone(this),
        })
    }

    /// Puts the one away that was not called for the longest time, where there are as many as may be. Gives whether there is room.
    fn make_room(&self) -> bool {
        if self.workers.borrow().len() < MOST {
            return true;
        }
        let idle = {
            let workers = self.workers.borrow();
            let idle = workers.values().filter(|running| running.may_go());
            idle.min_by_key(|running| running.used.get())
                .map(|running| running.number)
        };
        idle.is_some_and(|number| {
            self.put_away(number);
            true
        })
    }

    /// A worker did not start: who calls it later than that is told why.
    fn failed_to_start(&self, number: u32, why: &str) {
        let mut failures = self.failures.borrow_mut();
        if failures.len() >= MOST {
            failures.pop_front();
        }
        failures.push_back((number, cut(why).into_owned()));
    }

    /// The worker of this number, or why there is none.
    fn find_running(&self, number: u32) -> Result<Rc<Running>, String> {
        if let Some(running) = self.workers.borrow().get(&number) {
            return Ok(Rc::clone(running));
        }
        let failures = self.failures.borrow();
        let why = failures.iter().find(|(failed, _)| *failed == number);
        Err(why.map_or_else(|| GONE.to_owned(), |(_, why)| why.clone()))
    }

    /// Lets a worker end once its events have.
    fn put_away(&self, number: u32) {
        let running = self.workers.borrow_mut().remove(&number);
        if let Some(running) = running {
            if let Some(id) = &running.id {
                let mut named = self.named.borrow_mut();
                if named.get(id) == Some(&number) {
                    named.remove(id);
                }
            }
            running.handle.close();
        }
    }

    /// Ends everything at once.
    fn abort(&self) {
        self.released.set(true);
        for running in self.workers.take().into_values() {
            running.abort();
        }
    }

    /// Waits until every worker has ended.
    async fn drained(&self) {
        let workers = self.workers.take();
        for running in workers.values() {
            running.handle.close();
        }
        for running in workers.into_values() {
            running.ended().await;
        }
    }
}

impl Drop for Loaders {
    fn drop(&mut self) {
        for running in self.workers.take().into_values() {
            running.handle.close();
        }
    }
}

/// The name of a worker beside others of its loader. Ids that are no plain names have their hash.
fn plain(id: Option<&str>) -> String {
    match id {
        None => format!("load-{}", uuid::Uuid::new_v4().simple()),
        Some(id) if is_plain(id) => id.to_owned(),
        Some(id) => format!("sha256-{}", &hex::encode(Sha256::digest(id))[..32]),
    }
}

impl Loader for Loaders {
    fn load(&self, caller: &Rc<LoaderEvent>, order: Order) -> Result<u32, String> {
        let limits = self.parent.worker.effective_limits();
        let size = order.contents.iter().map(Vec::len).sum::<usize>() + order.env.len() + order.settings.len();
        if size > LARGEST {
            return Err(format!(
                "modules: the modules and `env` are together larger than {} MiB",
                LARGEST >> 20
            ));
        }
        let reservation = order.external.reserve(size).map_err(|error| error.to_string())?;
        let code = Code::read(&order.settings, order.contents, &limits)?;
        if !self.make_room() {
            return Err(format!(
                "as many loaded workers are at work as one worker may have at once: {MOST}"
            ));
        }
        let number = self.last.get().wrapping_add(1).max(1);
        self.last.set(number);
        let parent = &self.parent.worker;
        let name = format!("{}/{}", parent.name, plain(order.id.as_deref()));
        let account = parent.account.as_ref().map(|account| account.child(&name));
        let inbox = Rc::new(Inbox::new(Shares::new(code.limits.events, usize::MAX, 1)));
        let id = order.id.map(|id| (order.binding, id));
        let running = Rc::new(Running {
            number,
            name,
            id: id.clone(),
            handle: CellHandle::new(inbox),
            limits: code.limits,
            account,
            used: Cell::new(Instant::now()),
            given: Table::new(order.given),
            tailed: !order.tails.is_empty(),
            called: Cell::new(false),
            end: RefCell::default(),
            task: RefCell::default(),
            _reservation: reservation,
        });
        let loaded = Loaded {
            env: order.env,
            external: order.external,
            lines: order.lines,
            together: Arc::clone(&self.together),
            number,
        };
        self.workers.borrow_mut().insert(number, Rc::clone(&running));
        match id {
            Some(id) => {
                self.named.borrow_mut().insert(id, number);
            }
            None => caller.scope.keep(Box::new(Owned {
                loaders: Weak::clone(&self.this),
                number,
            })),
        }
        let things = Things {
            given: running.given.clone(),
            outbound: order.outbound,
            tails: order.tails,
            own: CellHandle::new(order.own),
        };
        let life = running::life(
            Weak::clone(&self.this),
            Rc::clone(&running),
            Rc::clone(caller),
            (code, things),
            loaded,
        );
        let task = spawn(Essential::new(Some(parent.culprit()), &self.released, life));
        running.task.replace(Some(task));
        Ok(number)
    }

    fn find(&self, binding: u32, id: &str) -> u32 {
        let number = self.named.borrow().get(&(binding, id.to_owned())).copied();
        number.unwrap_or(0)
    }

    fn give(&self, caller: &Rc<LoaderEvent>, worker: u32, given: Vec<Given>) -> Result<u32, String> {
        let (first, lease) = self.find_running(worker)?.given.lend(given)?;
        caller.scope.keep(Box::new(lease));
        Ok(first)
    }

    fn fetch(
        &self,
        caller: &Rc<LoaderEvent>,
        worker: u32,
        call: Call,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let running = match self.find_running(worker) {
            Ok(running) => running,
            Err(why) => return Box::pin(std::future::ready(Err(failed("Error", why)))),
        };
        let origin = running.called_by(caller, &call);
        let answer = running.handle.dispatch_to(request, origin, Some(call.target));
        let (inbox, id) = answer.event();
        // It ends with the event that it works for, whatever it still waits for.
        caller.scope.keep(Box::new(Called { inbox, id }));
        Box::pin(async move {
            let wall = running.limits.wall;
            let answered = tokio::time::timeout(wall, answer).await;
            let answered = answered.unwrap_or(Err(EventError::Terminated(Termination::Wall)));
            running.used.set(Instant::now());
            answered.map_err(|error| match (&*running.end.borrow(), error) {
                (Some(End::Failed(why)), _) => failed("Error", why.clone()),
                (_, error) => failure::of(&running.name, error),
            })
        })
    }

    fn entrypoint(&self, caller: &Rc<LoaderEvent>, worker: u32, call: Call) -> Capability {
        Rc::new(Entrypoint {
            running: self.find_running(worker),
            caller: Rc::clone(caller),
            call,
        })
    }
}

/// What makes workers for one that is in no project: a test's own.
pub(crate) fn loader_of(
    worker: &Worker,
    attested: Attested,
    way: Box<dyn Fn(Attested) -> EgressHandle>,
) -> LoaderHandle {
    let parent = Parent {
        worker: worker.clone(),
        attested,
        way,
    };
    Loaders::new(parent, Blanks::new(&Isolates::new(IsolateLimits::default())))
}

/// The loaders of all cells of a kind, on one thread.
pub(super) struct AllLoaders {
    all: RefCell<Vec<Rc<Loaders>>>,
    blanks: Rc<Blanks>,
}

impl AllLoaders {
    /// None yet.
    pub(super) fn new(isolates: &Arc<Isolates>) -> Self {
        Self {
            all: RefCell::default(),
            blanks: Blanks::new(isolates),
        }
    }

    /// Isolates that are ready on this thread.
    pub(super) fn blanks(&self) -> Rc<Blanks> {
        Rc::clone(&self.blanks)
    }

    /// One more. Those of cells that are gone are forgotten.
    pub(super) fn add(&self, parent: Parent) -> Rc<Loaders> {
        let own = Loaders::new(parent, Rc::clone(&self.blanks));
        let mut all = self.all.borrow_mut();
        all.retain(|loaders| Rc::strong_count(loaders) > 1);
        all.push(Rc::clone(&own));
        own
    }

    /// Ends everything at once.
    pub(super) fn abort(&self) {
        self.blanks.clear();
        for loaders in self.all.take() {
            loaders.abort();
        }
    }

    /// Waits until every worker has ended.
    pub(super) async fn drained(&self) {
        self.blanks.clear();
        for loaders in self.all.take() {
            loaders.drained().await;
        }
    }
}

/// A worker without an id, until its event ends.
struct Owned {
    loaders: Weak<Loaders>,
    number: u32,
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(loaders) = self.loaders.upgrade() {
            loaders.put_away(self.number);
        }
    }
}

/// An event of a loaded worker, until that which it works for ends.
pub(super) struct Called {
    pub(super) inbox: Rc<Inbox>,
    pub(super) id: EventId,
}

impl Drop for Called {
    fn drop(&mut self) {
        self.inbox.push(Message::End(self.id));
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn ids_make_plain_names_that_differ() {
        assert_eq!(plain(Some("a-1")), "a-1");
        let hashed = plain(Some("../outbound"));
        assert!(hashed.starts_with("sha256-") && hashed.len() <= 63, "{hashed}");
        assert_ne!(hashed, plain(Some("../outbound ")));
        assert_ne!(plain(None), plain(None));
    }
}
