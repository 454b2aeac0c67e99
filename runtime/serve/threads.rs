//! Worker threads: each with its own isolates, connections and client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;

use tokio::sync::{mpsc, oneshot, watch};

use super::ServeError;
use super::excuse::Clients;
use super::job::{Job, Order};
use crate::host::Project;
use crate::isolate::StartupError;

struct Thread {
    id: ThreadId,
    orders: mpsc::UnboundedSender<Order>,
    open: Arc<AtomicUsize>,
    clients: Clients,
    done: Option<oneshot::Receiver<()>>,
}

/// All worker threads.
pub(super) struct Threads {
    threads: Vec<Thread>,
    stop: watch::Sender<bool>,
}

impl Threads {
    /// Starts the threads and waits until every isolate has booted.
    pub(super) async fn start(project: &Project, count: usize) -> Result<Self, ServeError> {
        let (stop, stopping) = watch::channel(false);
        let mut threads = Vec::with_capacity(count);
        let mut booting = Vec::with_capacity(count);
        for index in 0..count {
            let (orders, incoming) = mpsc::unbounded_channel();
            let (booted, boot) = oneshot::channel();
            let (finished, done) = oneshot::channel();
            let open = Arc::new(AtomicUsize::new(0));
            let job = Job {
                project: project.clone(),
                incoming,
                open: Arc::clone(&open),
                stopping: stopping.clone(),
                booted,
                finished,
            };
            let running = std::thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(move || job.run())?;
            threads.push(Thread {
                id: running.thread().id(),
                orders,
                open,
                clients: Clients::default(),
                done: Some(done),
            });
            booting.push(boot);
        }
        for boot in booting {
            boot.await
                .map_err(|_| StartupError::new("a worker thread ended while it booted"))??;
        }
        Ok(Self { threads, stop })
    }

    /// Starts a new project beside the old one on every thread, and then hands new requests to it; the old one finishes
    /// what it has. Where the new one does not start on some thread the old one stays on all.
    pub(super) async fn replace(&self, project: &Project) -> Result<(), ServeError> {
        let mut prepared = Vec::new();
        for thread in &self.threads {
            let (reply, ready) = oneshot::channel();
            let _ = thread.orders.send(Order::Prepare(Box::new(project.clone()), reply));
            prepared.push(ready);
        }
        let mut result = Ok(());
        for ready in prepared {
            let ready = ready
                .await
                .unwrap_or_else(|_| Err(StartupError::new("a worker thread has ended")));
            result = result.and(ready);
        }
        for thread in &self.threads {
            let order = if result.is_ok() { Order::Commit } else { Order::Abandon };
            let _ = thread.orders.send(order);
        }
        Ok(result?)
    }

    /// Tells the clients of a thread that is lost.
    pub(super) fn excuse(&self, lost: ThreadId) {
        for thread in self.threads.iter().filter(|thread| thread.id == lost) {
            thread.clients.excuse();
        }
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.threads
            .iter()
            .map(|thread| thread.open.load(Ordering::Relaxed))
            .sum()
    }

    /// Gives a connection to the thread with the fewest.
    #[expect(clippy::disallowed_types, reason = "connections come in through this room")]
    pub(super) fn assign(&self, stream: tokio::net::TcpStream) {
        let least = self
            .threads
            .iter()
            .min_by_key(|thread| thread.open.load(Ordering::Relaxed));
        if let (Some(thread), Ok(stream)) = (least, stream.into_std()) {
            thread.open.fetch_add(1, Ordering::Relaxed);
            let client = thread.clients.add(&stream);
            let _ = thread.orders.send(Order::Connection(stream, client));
        }
    }

    /// Ends connections after their current request, and the isolates after their events. A thread that is lost is not
    /// waited for.
    pub(super) async fn drain(mut self, lost: Option<ThreadId>) {
        self.stop.send_replace(true);
        let living = self.threads.iter_mut().filter(|thread| Some(thread.id) != lost);
        for thread in living {
            if let Some(done) = thread.done.take() {
                let _ = done.await;
            }
        }
    }
}
