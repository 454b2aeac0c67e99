//! The pool of worker threads: each with its own isolates, connections and client. One that is late is relieved by a fresh one, and
//! leaves when it has finished what it has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{broadcast, oneshot, watch};

use workerd_lite_ops::Termination;

use super::ServeError;
use super::load_shedding::Clients;
use super::stopping::Stop;
use super::worker_thread::{Command, WorkerThread};
use crate::host::Project;
use crate::isolate::{StartupError, essential_thread};
use crate::limits::{Culprit, Hang, hangs};
use crate::listen::Stream;
use crate::metrics;

/// How many threads may be leaving at once: behind that, the process is replaced.
const MOST_LEAVING: usize = 4;

struct Thread {
    id: ThreadId,
    commands: async_channel::Sender<Command>,
    /// What it has not taken up yet.
    queue: async_channel::Receiver<Command>,
    open: Arc<AtomicUsize>,
    clients: Clients,
    stop: watch::Sender<Stop>,
    done: oneshot::Receiver<()>,
}

/// Tells how a thread's start went.
type Booted = oneshot::Receiver<Result<(), StartupError>>;

impl Thread {
    fn start(project: &Project, index: usize) -> std::io::Result<(Self, Booted)> {
        let (commands, queue) = async_channel::unbounded();
        let (booted, boot) = oneshot::channel();
        let (finished, done) = oneshot::channel();
        let (stop, stopping) = watch::channel(Stop::No);
        let open = Arc::new(AtomicUsize::new(0));
        let job = WorkerThread {
            project: project.clone(),
            incoming: queue.clone(),
            open: Arc::clone(&open),
            stopping,
            booted,
            finished,
        };
        let running = std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || essential_thread(|| job.run()))?;
        let thread = Self {
            id: running.thread().id(),
            commands,
            queue,
            open,
            clients: Clients::default(),
            stop,
            done,
        };
        Ok((thread, boot))
    }

    fn command(&self, command: Command) {
        // Where it has ended, whoever waits for an answer hears of that.
        let _ = self.commands.try_send(command);
    }

    fn has_ended(&self) -> bool {
        !self.done.is_empty() || self.done.is_terminated()
    }
}

/// What a thread's start came to.
fn booted(told: Result<Result<(), StartupError>, oneshot::error::RecvError>) -> Result<(), StartupError> {
    told.unwrap_or_else(|_| Err(StartupError::new("a worker thread ended while it booted")))
}

/// Waits until this thread is lost, and gives the worker. Keeps what it hears of others.
async fn loses(hung: &mut broadcast::Receiver<Hang>, lost: &mut HashMap<ThreadId, Culprit>, id: ThreadId) -> Culprit {
    loop {
        if let Some(worker) = lost.remove(&id) {
            return worker;
        }
        match hung.recv().await {
            Ok(Hang::Lost(thread, worker)) => {
                lost.insert(thread, worker);
            }
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            _ => {}
        }
    }
}

/// All worker threads.
pub(super) struct ThreadPool {
    serving: Vec<Thread>,
    leaving: Vec<Thread>,
    /// Of those that relieve others.
    booting: FuturesUnordered<Booted>,
}

impl ThreadPool {
    /// Starts the threads and waits until every isolate has booted.
    pub(super) async fn start(project: &Project, count: usize) -> Result<Self, ServeError> {
        let started: Vec<_> = (0..count)
            .map(|index| Thread::start(project, index))
            .collect::<Result<_, _>>()?;
        let (serving, booting): (Vec<_>, Vec<_>) = started.into_iter().unzip();
        for boot in booting {
            booted(boot.await)?;
        }
        Ok(Self {
            serving,
            leaving: Vec::new(),
            booting: FuturesUnordered::new(),
        })
    }

    /// Starts a new project beside the old one on every thread, and then hands new requests to it; the old one finishes
    /// what it has. Where the new one does not start on some thread the old one stays on all.
    pub(super) async fn replace(&self, project: &Project) -> Result<(), ServeError> {
        let (mut hung, mut lost) = (hangs(), HashMap::new());
        let mut prepared = Vec::new();
        for thread in &self.serving {
            let (reply, ready) = oneshot::channel();
            thread.command(Command::Prepare(Box::new(project.clone()), reply));
            prepared.push((thread.id, ready));
        }
        let mut result = Ok(());
        for (id, ready) in prepared {
            let ready = tokio::select! {
                biased;
                ready = ready => ready.unwrap_or_else(|_| Err(StartupError::new("a worker thread has ended"))),
                worker = loses(&mut hung, &mut lost, id) => Err(StartupError::new(format!(
                    "{worker} does not come back from what it does at its top level"
                ))),
            };
            result = result.and(ready);
        }
        for thread in &self.serving {
            thread.command(if result.is_ok() {
                Command::Commit
            } else {
                Command::Abandon
            });
        }
        Ok(result?)
    }

    /// Another thread takes the place of one that is late, with all that it has not begun. What waits there for a worker
    /// that `hangs` is told so; the rest is finished when the thread comes back. Fails where too many are late.
    pub(super) fn relieve(
        &mut self,
        late: ThreadId,
        project: &Project,
        (hangs, why): (impl Fn(usize) -> bool, Termination),
    ) -> std::io::Result<()> {
        let Some(index) = self.serving.iter().position(|thread| thread.id == late) else {
            return Ok(());
        };
        self.leaving.retain(|thread| !thread.has_ended());
        if self.leaving.len() >= MOST_LEAVING {
            return Err(std::io::Error::other("too many threads are late"));
        }
        let (fresh, boot) = Thread::start(project, index)?;
        let late = std::mem::replace(&mut self.serving[index], fresh);
        let fresh = &self.serving[index];
        while let Ok(command) = late.queue.try_recv() {
            match command {
                Command::Connection(stream, _) => {
                    late.open.fetch_sub(1, Ordering::Relaxed);
                    fresh.open.fetch_add(1, Ordering::Relaxed);
                    let client = fresh.clients.add(&stream);
                    fresh.command(Command::Connection(stream, client));
                }
                other => fresh.command(other),
            }
        }
        late.stop.send_replace(Stop::Drain);
        late.clients.shed(hangs, why);
        self.leaving.push(late);
        self.booting.push(boot);
        Ok(())
    }

    /// A thread that relieves another has started, or has not. Waits where there is none.
    pub(super) async fn relieved(&mut self) -> Result<(), StartupError> {
        match self.booting.next().await {
            Some(told) => booted(told),
            None => std::future::pending().await,
        }
    }

    /// Tells the clients of a thread that is lost.
    pub(super) fn give_up(&self, lost: ThreadId) {
        for thread in self.serving.iter().chain(&self.leaving) {
            if thread.id == lost {
                thread.clients.give_up();
            }
        }
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        let all = self.serving.iter().chain(&self.leaving);
        all.map(|thread| thread.open.load(Ordering::Relaxed)).sum()
    }

    /// Gives a connection to the thread with the fewest.
    pub(super) fn assign(&self, stream: Stream) {
        let least = self
            .serving
            .iter()
            .min_by_key(|thread| thread.open.load(Ordering::Relaxed));
        if let (Some(thread), Ok(stream)) = (least, stream.into_incoming()) {
            thread.open.fetch_add(1, Ordering::Relaxed);
            let client = thread.clients.add(&stream);
            thread.command(Command::Connection(stream, client));
        }
    }

    /// Ends connections after their current request, and the isolates after their events. Threads that are lost are not
    /// waited for.
    pub(super) async fn drain(&mut self, lost: &mut HashSet<ThreadId>) {
        let mut hung = hangs();
        let mut done = FuturesUnordered::new();
        let mut clients = Vec::new();
        for thread in self.serving.iter_mut().chain(&mut self.leaving) {
            thread.stop.send_if_modified(|stop| {
                let serves = *stop == Stop::No;
                *stop = (*stop).max(Stop::Drain);
                serves
            });
            if thread.done.is_terminated() {
                continue;
            }
            clients.push((thread.id, &thread.clients));
            let (id, ended) = (thread.id, &mut thread.done);
            done.push(async move {
                let _ = ended.await;
                id
            });
        }
        while clients.iter().any(|(id, _)| !lost.contains(id)) {
            tokio::select! {
                Some(id) = done.next() => clients.retain(|(thread, _)| *thread != id),
                Ok(hang) = hung.recv() => {
                    if let Hang::Lost(id, _) = hang {
                        lost.insert(id);
                        clients.iter().filter(|(thread, _)| *thread == id).for_each(|(_, clients)| clients.give_up());
                    }
                }
                else => break,
            }
        }
    }

    /// Gives up what is under way: whoever waits for a response is told so.
    pub(super) fn cut(&self) {
        metrics::cuts();
        for thread in self.serving.iter().chain(&self.leaving) {
            thread.clients.stop();
            thread.stop.send_replace(Stop::Cut);
        }
    }
}
