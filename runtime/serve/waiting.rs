//! A project that can not be served yet, as its author has just broken it: clients read why with 503, until it is mended.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::signal::unix::{SignalKind, signal};

use super::{Listeners, Parent, ServeError};
use crate::host::broken_page;
use crate::listen::{Listener, Stream, accept};
use crate::watch::Watch;

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What ended the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// A file has changed.
    Changed,
    /// The server is to end.
    Stopped,
}

/// What may mend a project: each file of its folder, and those that were read.
#[derive(Debug)]
pub struct Mending(Watch);

impl Mending {
    /// As the files are now, before they are read.
    pub fn new(folder: &std::path::Path, without: Vec<PathBuf>) -> Self {
        Self(Watch::below(folder, without, Vec::new()))
    }

    /// These are looked at too, wherever they are.
    #[must_use]
    pub fn also(self, files: Vec<PathBuf>) -> Self {
        Self(self.0.also(files))
    }
}

/// Answers all requests with 503 until a file changes, with this report if there is one.
pub async fn wait(
    mut listeners: Listeners,
    report: Option<String>,
    mending: Mending,
    parent: &mut impl Parent,
) -> Result<Waited, ServeError> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    parent.ready(listeners.listening()?, 0);
    let (report, mut watch) = (report.map(Arc::<str>::from), mending.0);
    let mut look = tokio::time::interval(LOOK);
    let (mut turn, mut owners) = (0, 0);
    loop {
        let stream = tokio::select! {
            accepted = accept(&listeners.clients, &mut turn) => accepted,
            accepted = accept(&listeners.owner, &mut owners), if !listeners.owner.is_empty() => accepted,
            _ = look.tick() => {
                if parent.alive_every().is_some() {
                    parent.alive();
                }
                if watch.changed() {
                    return Ok(Waited::Changed);
                }
                continue;
            }
            _ = hangup.recv() => return Ok(Waited::Changed),
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        };
        match stream {
            Ok(stream) => answer(stream, report.as_ref()),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
    listeners
        .clients
        .iter()
        .chain(&listeners.owner)
        .for_each(Listener::remove);
    Ok(Waited::Stopped)
}

fn answer(stream: Stream, report: Option<&Arc<str>>) {
    let report = report.cloned();
    tokio::spawn(async move {
        let service = service_fn(move |request: Request<Incoming>| {
            let page: Response<Full<Bytes>> = broken_page(report.as_deref(), request.headers());
            async move { Ok::<_, Infallible>(page) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).keep_alive(false);
        builder.http2().timer(TokioTimer::new());
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    });
}
