//! Links: pairs of sockets, each with one connection of HTTP/2 in each direction. What the other end may make us hold is bounded by what
//! HTTP/2 counts: streams, windows, lists of headers and resets.

use std::time::Duration;

use deno_core::unsync::spawn;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixStream;

use super::body::Sent;

/// Bytes of one stream that may be on their way, and of all together.
const WINDOW: u32 = 128 << 10;
const WINDOWS: u32 = 2 << 20;

/// Streams at once. How many events an agent has at once, and how many requests an event, is counted by who knows them.
const STREAMS: u32 = 4096;

/// How many streams may be reset before anybody has looked at them.
const RESETS: usize = 4096;

/// Bytes of fields of ours beside a message's own: a URL above all.
const OWN: usize = 192 << 10;

/// How often the other end is asked whether it is there, while anything is under way.
const PING: Duration = Duration::from_secs(2);

/// Why a message on a link is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// Its head breaks a rule.
    #[error("a message on the link is not valid: {0}")]
    Head(&'static str),
}

/// The pair of connections to one process, one for each direction.
#[derive(Debug)]
pub(crate) struct Links {
    /// Its requests are the parent's.
    pub(crate) events: UnixStream,
    /// Its requests are the agents'.
    pub(crate) egress: UnixStream,
}

/// hyper's tasks stay on the thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn(future);
    }
}

/// The end that asks. What it gives beside the sender is the connection, which ends with the other end. With `patience` that is asked now
/// and then whether it is there, and may take so long.
pub(crate) async fn client(
    stream: UnixStream,
    headers: usize,
    patience: Option<Duration>,
) -> hyper::Result<(SendRequest<Sent>, impl Future<Output = hyper::Result<()>>)> {
    let mut builder = hyper::client::conn::http2::Builder::new(Local);
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOWS)
        .initial_max_send_streams(STREAMS as usize)
        .max_concurrent_streams(0)
        .max_header_list_size(list(headers))
        .max_pending_accept_reset_streams(RESETS);
    if let Some(patience) = patience {
        builder.keep_alive_interval(PING).keep_alive_timeout(patience);
    }
    builder.handshake(TokioIo::new(stream)).await
}

/// The end that answers.
pub(crate) async fn server<S>(stream: UnixStream, headers: usize, service: S) -> hyper::Result<()>
where
    S: Service<http::Request<Incoming>, Response = http::Response<Sent>, Error = std::convert::Infallible> + 'static,
    S::Future: 'static,
{
    hyper::server::conn::http2::Builder::new(Local)
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOWS)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(list(headers))
        .max_pending_accept_reset_streams(RESETS)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

/// HTTP/2 counts 32 bytes for each field beside its name and value (RFC 9113, section 6.5.2).
fn list(headers: usize) -> u32 {
    const FIELD: usize = 32;
    let list = headers + OWN + workerd_lite_ops::head::MAX_FIELDS * FIELD;
    u32::try_from(list).unwrap_or(u32::MAX)
}
