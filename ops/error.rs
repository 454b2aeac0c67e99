//! Why an op, an event or a body failed.

use std::sync::Arc;

/// Why a body ended before its end.
#[derive(Debug, Clone, thiserror::Error, deno_error::JsError)]
#[class(type)]
pub enum BodyError {
    /// The peer sent less than it had announced, or closed or reset the connection.
    #[error("the body was cut short")]
    Cut,
    /// Nothing arrived for the configured idle time.
    #[error("no data arrived in time")]
    Idle,
    /// Nobody has read it for the configured time.
    #[error("the body was not read in time")]
    Unread,
    /// The signal that covered its request was aborted.
    #[error("the request was aborted")]
    Aborted,
    /// The body does not decode as its `Content-Encoding` says.
    #[error("the body is not valid {0}")]
    Coding(&'static str),
    /// The script that produced the body failed. The text is the script's own.
    #[error("{0}")]
    Script(Arc<str>),
    /// The worker holds too much.
    #[error(transparent)]
    OutOfMemory(#[from] crate::external_memory::OutOfMemory),
    /// It is longer or shorter than it was said to be.
    #[error("the body does not have the {0} bytes that were promised")]
    Length(u64),
    /// Other events of the same agent have been read of as much as there may be at once.
    #[error("the events of this agent have read as much at once as its share of the worker's memory allows")]
    Share,
    /// There is more of it than may be.
    #[error("the body is larger than the limit of {0} bytes")]
    TooLarge(u64),
    /// The body was already taken or its event has ended.
    #[error("the body is no longer available: its event has ended or it was already used")]
    Gone,
}

/// Why a `fetch` failed. Scripts read the message; it becomes a `TypeError` as the Fetch standard wants.
#[derive(Debug, thiserror::Error, deno_error::JsError)]
#[class(type)]
pub enum FetchError {
    /// The script asked for something that is no valid HTTP request.
    #[error("fetch failed: {0}")]
    Invalid(String),
    /// The event has made as many requests as it may.
    #[error("fetch failed: too many subrequests by one event")]
    TooMany,
    /// The headers of a request or response are too large.
    #[error("fetch failed: the headers of the {0} are larger than the limit of {1} bytes")]
    Headers(&'static str, usize),
    /// Egress is denied: no outbound worker is configured.
    #[error(
        "fetch failed: this worker has no outbound worker, so every request is denied. \
         Configure one with `--outbound FILE` or `[outbound] main = \"FILE\"` in workerd-lite.toml"
    )]
    NoOutboundWorker,
    /// The outbound worker gave no answer: it threw, timed out or returned no `Response`. Agents learn no more.
    #[error("fetch failed: the outbound worker gave no response")]
    OutboundWorker,
    /// It brought none because the request's own body failed.
    #[error("fetch failed: the request's body failed: {0}")]
    Body(BodyError),
    /// The event that this fetch belonged to was cancelled or has ended.
    #[error("fetch failed: the event this request belongs to has ended")]
    EventEnded,
    /// The script aborted the fetch itself.
    #[error("fetch failed: the request was aborted")]
    Aborted,
    /// A loaded worker failed, or could not be loaded. Who loads it is its author.
    #[error(transparent)]
    #[class(inherit)]
    Loaded(#[inherit] deno_error::JsErrorBox),
    /// A worker that was loaded without a way out. The same words as workerd's.
    #[error(
        "This worker is not permitted to access the internet via global functions like fetch(). It must use capabilities \
         (such as bindings in 'env') to talk to the outside world."
    )]
    #[class(generic)]
    NoWayOut,
    /// The network's answer to an outbound worker, in words for its author.
    #[error("fetch failed: {0}")]
    Network(String),
}

/// What ends a worker's event, or its isolate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Termination {
    /// It computed for too long.
    #[error("it exceeded its limit of CPU time")]
    Cpu,
    /// Its heap grew too large.
    #[error("it exceeded its limit of memory")]
    Memory,
    /// It gave no response in time.
    #[error("it exceeded its limit of time for a response")]
    Wall,
    /// It had as many events to do as it may.
    #[error("it has as many requests under way as it may")]
    Busy,
    /// It has ended the process that it ran in, again and again.
    #[error("it has ended its process too often, and is left alone for a while")]
    Ejected,
    /// It could not be started again.
    #[error("it could not be started")]
    Startup,
    /// The agents' process that it ran in is gone.
    #[error("the process that it ran in has ended")]
    Process,
}

impl Termination {
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::Cpu,
        Self::Memory,
        Self::Wall,
        Self::Busy,
        Self::Ejected,
        Self::Startup,
        Self::Process,
    ];

    /// The one that a word is for.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.word() == word)
    }

    /// One word for it, in records and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Wall => "wall",
            Self::Busy => "events",
            Self::Ejected => "ejected",
            Self::Startup => "startup",
            Self::Process => "process",
        }
    }

    /// What a client is told.
    pub const fn status(self) -> http::StatusCode {
        match self {
            Self::Cpu | Self::Memory | Self::Busy | Self::Ejected | Self::Startup | Self::Process => {
                http::StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Wall => http::StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// Why an event brought no response.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The handler threw, rejected, or returned what is no `Response`.
    #[error("{summary}")]
    Exception {
        /// One line: the exception's name and message.
        summary: String,
        /// The stack, with the author's files.
        stack: String,
    },
    /// The worker used more than it may.
    #[error("the worker was stopped: {0}")]
    Terminated(Termination),
    /// The isolate went away before it answered.
    #[error("the worker was shut down before it answered")]
    Shutdown,
}

impl EventError {
    /// All that is known: the stack, or one line where there is none.
    pub fn details(&self) -> String {
        match self {
            Self::Exception { stack, .. } if !stack.is_empty() => stack.clone(),
            other => other.to_string(),
        }
    }
}
