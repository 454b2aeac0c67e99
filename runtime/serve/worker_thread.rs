//! One worker thread: it boots a project's isolates, serves connections by them, and exchanges the project for
//! a newer one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deno_core::unsync::spawn;
use tokio::sync::{oneshot, watch};
use workerd_lite_ops::account::Later;

use super::connection::Connection;
use super::connection_service::{ConnectionService, CurrentProject};
use super::load_shedding::Client;
use super::stopping::{Stop, cut};
use super::switched::Sockets;
use crate::host::{Instance, Project};
use crate::isolate::StartupError;
use crate::limits;
use crate::listen::{Incoming, Remote};
use crate::metrics;

/// What a thread is told to do.
pub(super) enum Command {
    /// Serve a connection.
    Connection(Incoming, Arc<Client>),
    /// Boot a project beside the one that serves, and say whether it started.
    Prepare(Box<Project>, oneshot::Sender<Result<(), StartupError>>),
    /// Hand new requests to the prepared project.
    Commit,
    /// Drop the prepared project.
    Abandon,
}

pub(super) struct WorkerThread {
    pub(super) project: Project,
    pub(super) incoming: async_channel::Receiver<Command>,
    pub(super) open: Arc<AtomicUsize>,
    pub(super) stopping: watch::Receiver<Stop>,
    pub(super) booted: oneshot::Sender<Result<(), StartupError>>,
    pub(super) finished: oneshot::Sender<()>,
}

impl WorkerThread {
    pub(super) fn run(self) {
        let runtime = match limits::runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = self.booted.send(Err(StartupError::new(error.to_string())));
                return;
            }
        };
        let finished = runtime.block_on(self.serve());
        // Whoever waits for the end finds what was under way taken apart, and recorded.
        drop(runtime);
        if let Some(finished) = finished {
            let _ = finished.send(());
        }
        limits::found();
    }

    async fn serve(self) -> Option<oneshot::Sender<()>> {
        let Self {
            project,
            incoming,
            open,
            mut stopping,
            booted,
            finished,
        } = self;
        if !project.is_debugged() {
            spawn(limits::heartbeat::beats());
        }
        let instance = match Instance::with_bulkheads(&project).await {
            Ok(instance) => instance,
            Err(error) => {
                let _ = booted.send(Err(error));
                return None;
            }
        };
        // What the project has goes with its instance, when another one is served.
        drop(project);
        let _ = booted.send(Ok(()));
        let current = CurrentProject(Rc::new(RefCell::new(instance)));
        let (counted, stopped, service) = (Arc::clone(&open), stopping.clone(), current.clone());
        let connect = move |stream: Incoming, client| {
            let service = ConnectionService {
                current: service.clone(),
                client,
                works_for: Later::default(),
                places: Rc::default(),
                remote: Remote::Gone,
                tls: None,
                sockets: Sockets::new(stopped.clone()),
            };
            let (open, stopping) = (Arc::clone(&counted), stopped.clone());
            // In a box: a task that awaits what it owns has room for it twice.
            let running = Box::pin(Connection { service, stopping }.run(stream));
            spawn(async move {
                let counted = metrics::Connection::open();
                running.await;
                drop(counted);
                open.fetch_sub(1, Ordering::Relaxed);
            });
        };
        let mut prepared = None;
        let draining = Rc::new(Cell::new(0_usize));
        loop {
            let command = tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop >= Stop::Drain) => break,
                command = incoming.recv() => command.ok(),
            };
            match command {
                None => break,
                Some(Command::Connection(stream, client)) => connect(stream, client),
                Some(Command::Prepare(project, reply)) => {
                    let (result, instance) = match Instance::with_bulkheads(&project).await {
                        Ok(instance) => (Ok(()), Some(instance)),
                        Err(error) => (Err(error), None),
                    };
                    prepared = instance;
                    let _ = reply.send(result);
                }
                Some(Command::Commit) => {
                    if let Some(next) = prepared.take() {
                        let old = current.0.replace(next);
                        draining.set(draining.get() + 1);
                        let done = Rc::clone(&draining);
                        spawn(async move {
                            old.drained().await;
                            done.set(done.get() - 1);
                        });
                    }
                }
                Some(Command::Abandon) => {
                    if let Some(instance) = prepared.take() {
                        instance.drained().await;
                    }
                }
            }
        }
        // What was accepted before the stop is served.
        while let Ok(command) = incoming.try_recv() {
            if let Command::Connection(stream, client) = command {
                connect(stream, client);
            }
        }
        while open.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let last = current.0.borrow().clone();
        let drained = async {
            last.drained().await;
            while draining.get() > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = drained => {}
            () = cut(stopping.clone()) => {}
        }
        Some(finished)
    }
}
