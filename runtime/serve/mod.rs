//! The server: a listener, worker threads with their isolates, and a graceful stop.

mod connection;
mod threads;

use std::net::SocketAddr;

use tokio::signal::unix::{SignalKind, signal};

use crate::host::Project;
use crate::isolate::StartupError;
use threads::Threads;

/// How a server is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How many worker threads, at least one.
    pub threads: usize,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {why}")]
    #[diagnostic(help("Choose another with --listen, for example --listen 127.0.0.1:0 for a free port"))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's word.
        why: std::io::Error,
    },
    /// A worker did not start.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Startup(#[from] StartupError),
    /// The system refused a thread or a signal handler.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

/// Serves a project until SIGINT or SIGTERM. `ready` is told the address once requests are answered.
pub async fn serve(project: Project, options: Options, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    #[expect(clippy::disallowed_types, reason = "listeners live in this room")]
    let listener = tokio::net::TcpListener::bind(options.listen)
        .await
        .map_err(|why| ServeError::Listen {
            address: options.listen,
            why,
        })?;
    let address = listener.local_addr()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let threads = Threads::start(&project, options.threads.max(1)).await?;
    ready(address);

    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => threads.assign(stream),
                Err(error) => {
                    // Out of file descriptors, most likely: the connections under way will free some.
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    drop(listener);
    tracing::info!("stopping: requests under way are finished; signal again to stop at once");
    tokio::select! {
        () = threads.drain() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
