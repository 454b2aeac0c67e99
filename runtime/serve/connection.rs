//! One client's connection: HTTP/1.1 or HTTP/2, by what its first bytes are.

use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::spawn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use workerd_lite_ops::account::Later;

use super::client_io::ClientIo;
use super::client_stream::ClientStream;
use super::connection_service::ConnectionService;
use super::opening::{Opened, Opening};
use super::stopping::{Stop, cut};

use crate::limits::HeadLimits;
use crate::listen::{Incoming, Stream};

/// How long a client has that is told that its connection ends.
const ENDS: Duration = Duration::from_millis(500);

pub(super) struct Connection {
    pub(super) service: ConnectionService,
    pub(super) stopping: watch::Receiver<Stop>,
}

/// hyper's tasks stay on the thread, and work for whom their connection works for.
#[derive(Clone)]
struct Local(Later);

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn(self.0.meter(future));
    }
}

impl Connection {
    /// What comes before HTTP. Nothing where the connection is over with it.
    async fn open(&mut self, stream: Stream) -> Option<ClientStream> {
        let (opening, head) = {
            let current = self.service.current.0.borrow();
            let front = current.front();
            let opening = Opening {
                proxies: Arc::clone(&front.proxies),
                tls: front.tls.clone(),
            };
            (opening, current.client_timeouts().head)
        };
        if opening.is_plain(&stream) {
            self.service.remote = stream.remote();
            return Some(ClientStream::Plain(stream));
        }
        if opening.tls_of(&stream).is_some() {
            self.service.client.is_encrypted();
        }
        let mut stop = self.stopping.clone();
        let ends = async move {
            let _ = stop.wait_for(|stop| *stop >= Stop::Drain).await;
            tokio::time::sleep(ENDS).await;
        };
        // Most of what is open is past this, and has no room for it.
        let opening = Box::pin(tokio::time::timeout(head, opening.open(stream)));
        let opened = tokio::select! {
            biased;
            () = ends => return None,
            opened = opening => opened,
        };
        match opened {
            Ok(Ok(Some(Opened { stream, remote, tls }))) => {
                (self.service.remote, self.service.tls) = (remote, tls);
                return Some(stream);
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!("a connection was not opened: {error}"),
            Err(_) => tracing::debug!("a connection was not opened in time: see [timeouts] head"),
        }
        None
    }

    pub(super) async fn run(mut self, stream: Incoming) {
        let Ok(stream) = stream.into_stream() else {
            return;
        };
        let Some(stream) = self.open(stream).await else {
            return;
        };
        let mut builder = auto::Builder::new(Local(self.service.works_for.clone()));
        let (head, timeouts) = {
            let current = self.service.current.0.borrow();
            (HeadLimits::of(current.largest_head()), current.client_timeouts())
        };
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(timeouts.head)
            .max_headers(head.fields)
            .max_buf_size(head.buffer);
        builder.http2().timer(TokioTimer::new()).max_header_list_size(head.list);
        // RFC 8441.
        builder.http2().enable_connect_protocol();
        let client = self.service.client();
        let sockets = self.service.sockets.clone();
        let works_for = self.service.works_for.clone();
        let idle = Arc::clone(&client);
        let mut cut = std::pin::pin!(cut(self.stopping.clone()));
        let mut stop = self.stopping;
        let stopping = async move {
            // An error says that whoever could stop us is gone.
            let _ = stop.wait_for(|stop| *stop >= Stop::Drain).await;
            client.settled().await;
        };
        let service = TowerToHyperService::new(self.service);
        let stream = TokioIo::new(ClientIo::new(stream, timeouts.unread, sockets.switch()));
        let connection = builder.serve_connection_with_upgrades(stream, service);
        let mut connection = Box::pin(works_for.meter(connection));
        let serving = async {
            tokio::select! {
              result = connection.as_mut() => result,
              () = stopping => {
                  connection.as_mut().inner().graceful_shutdown();
                  connection.as_mut().await
              }
              // Whether it has sent nothing, half a preface, half a head, or nothing more.
              () = idle.is_idle_for(timeouts.head) => {
                  connection.as_mut().inner().graceful_shutdown();
                  tokio::select! {
                      result = connection.as_mut() => result,
                      () = idle.is_quiet_for(ENDS) => Ok(()),
                  }
              }
            }
        };
        let result = tokio::select! {
            biased;
            () = &mut cut => return,
            result = serving => result,
        };
        // WebSockets go on without it, and are many.
        drop(connection);
        tokio::select! {
            () = &mut cut => return,
            () = sockets.closed() => {}
        }
        if let Err(error) = result {
            tracing::debug!("a connection ended early: {error}");
        }
    }
}
