//! Worker threads: each with its own isolates, connections and client.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deno_core::unsync::spawn;
use tokio::sync::{mpsc, oneshot, watch};

use super::ServeError;
use super::connection::Connection;
use crate::host::{Instance, Project};
use crate::isolate::StartupError;

struct Thread {
    connections: mpsc::UnboundedSender<TcpStream>,
    open: Arc<AtomicUsize>,
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
            let (connections, incoming) = mpsc::unbounded_channel();
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
            std::thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(move || job.run())?;
            threads.push(Thread {
                connections,
                open,
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

    /// Gives a connection to the thread with the fewest.
    #[expect(clippy::disallowed_types, reason = "connections come in through this room")]
    pub(super) fn assign(&self, stream: tokio::net::TcpStream) {
        let least = self
            .threads
            .iter()
            .min_by_key(|thread| thread.open.load(Ordering::Relaxed));
        if let (Some(thread), Ok(stream)) = (least, stream.into_std()) {
            thread.open.fetch_add(1, Ordering::Relaxed);
            let _ = thread.connections.send(stream);
        }
    }

    /// Ends connections after their current request, and the isolates after their events.
    pub(super) async fn drain(mut self) {
        self.stop.send_replace(true);
        for thread in &mut self.threads {
            if let Some(done) = thread.done.take() {
                let _ = done.await;
            }
        }
    }
}

struct Job {
    project: Project,
    incoming: mpsc::UnboundedReceiver<TcpStream>,
    open: Arc<AtomicUsize>,
    stopping: watch::Receiver<bool>,
    booted: oneshot::Sender<Result<(), StartupError>>,
    finished: oneshot::Sender<()>,
}

impl Job {
    fn run(self) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = self.booted.send(Err(StartupError::new(error.to_string())));
                return;
            }
        };
        runtime.block_on(self.serve());
    }

    async fn serve(mut self) {
        let instance = match Instance::start(&self.project).await {
            Ok(instance) => instance,
            Err(error) => {
                let _ = self.booted.send(Err(error));
                return;
            }
        };
        let _ = self.booted.send(Ok(()));
        let mut stopping = self.stopping.clone();
        loop {
            let stream = tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => break,
                stream = self.incoming.recv() => stream,
            };
            let Some(stream) = stream else { break };
            let connection = Connection {
                instance: instance.clone(),
                stopping: self.stopping.clone(),
            };
            let open = Arc::clone(&self.open);
            spawn(async move {
                connection.run(stream).await;
                open.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while self.open.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        instance.drained().await;
        let _ = self.finished.send(());
    }
}
