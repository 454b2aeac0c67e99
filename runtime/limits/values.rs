//! What a worker may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use workerd_lite_ops::Termination;
use workerd_lite_ops::websocket::SocketLimits;

/// What a client may take its time for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// Until a request's head has come, and between two requests.
    pub head: Duration,
    /// Until it reads the next piece of its response.
    pub unread: Duration,
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            unread: Duration::from_mins(1),
        }
    }
}

/// The limits of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// CPU time of one event.
    pub cpu: Duration,
    /// CPU time until a script stands.
    pub startup: Duration,
    /// Until a handler gives a response's head.
    pub wall: Duration,
    /// How long `waitUntil` promises may take after the response.
    pub wait_until: Duration,
    /// Bytes of V8's heap.
    pub heap: usize,
    /// Bytes outside of the heap: `ArrayBuffer`s, bodies that Rust holds, and the state of compression.
    pub buffers: usize,
    /// Requests of one event.
    pub subrequests: u32,
    /// Requests of one event that are under way at once; the rest wait.
    pub subrequests_at_once: usize,
    /// Events at once, queued ones too.
    pub events: usize,
    /// Clients' connections at once.
    pub clients: usize,
    /// Connections to upstreams at once, kept ones too.
    pub connections: usize,
    /// Bytes of the headers of a request or a response.
    pub headers: usize,
    /// Bytes of a request's body.
    pub request_body: Option<u64>,
    /// Bytes of a response's body.
    pub response_body: Option<u64>,
    /// Lines of the console in a second.
    pub log_lines: u32,
    /// Its WebSockets.
    pub sockets: SocketLimits,
}

impl Limits {
    /// The limit that ended something, as it is set, in words that follow why it ended. Nothing where none did.
    pub(crate) fn told(&self, why: Termination) -> String {
        match why {
            Termination::Cpu => format!(" ({} ms: limits.cpu_ms)", self.cpu.as_millis()),
            Termination::Memory => format!(
                " ({} MB of heap: limits.memory_mb; {} MB of buffers: limits.buffers_mb)",
                self.heap >> 20,
                self.buffers >> 20
            ),
            Termination::Wall => format!(" ({}: limits.wall)", humantime::format_duration(self.wall)),
            Termination::Busy => format!(" ({}: limits.events)", self.events),
            Termination::Ejected | Termination::Startup | Termination::Process => String::new(),
        }
    }

    /// An agent's, by default.
    pub const AGENT: Self = Self {
        cpu: Duration::from_millis(50),
        startup: Duration::from_millis(400),
        wall: Duration::from_secs(30),
        wait_until: Duration::from_secs(30),
        heap: 128 << 20,
        buffers: 64 << 20,
        subrequests: 50,
        subrequests_at_once: 6,
        events: 1000,
        clients: 10_000,
        connections: 1000,
        headers: 128 << 10,
        request_body: None,
        response_body: None,
        log_lines: 200,
        sockets: SocketLimits {
            at_once: 1000,
            tcp_at_once: 1000,
            message: 1 << 20,
            per_second: None,
            idle: Duration::from_mins(5),
            tcp_idle: Duration::from_mins(5),
            compression: false,
        },
    };

    /// Bytes that the process may grow by for the worker: its heap, its buffers, and as much for what V8 and its libraries
    /// keep outside of both.
    pub(crate) fn process(&self) -> usize {
        const OVERHEAD: usize = 64 << 20;
        self.heap
            .saturating_add(self.heap / 4)
            .saturating_add(self.buffers.saturating_mul(2))
            .saturating_add(OVERHEAD)
    }

    /// Bytes of a request's body that a policy reads. What it passes on unread has no limit.
    pub(crate) fn read(&self) -> u64 {
        self.request_body.unwrap_or(self.heap as u64 / 64)
    }

    /// Bytes that may be held for all of a policy's events at once: three quarters of its heap. Each byte that is read counts
    /// sixteenfold, as what JSON may become of it; the longest body that may be read fits twice.
    pub(crate) fn held(&self) -> usize {
        let longest = usize::try_from(self.read()).unwrap_or(usize::MAX);
        (self.heap / 4 * 3).max(longest.saturating_mul(2 * 16))
    }

    /// The outbound worker's, by default: its owner trusts it, and it works for every agent.
    pub const OUTBOUND: Self = Self {
        cpu: Duration::from_millis(500),
        startup: Duration::from_secs(4),
        heap: 512 << 20,
        buffers: 256 << 20,
        subrequests: 1000,
        subrequests_at_once: 1000,
        events: 10_000,
        log_lines: 2000,
        sockets: SocketLimits {
            at_once: 20_000,
            tcp_at_once: 20_000,
            ..Self::AGENT.sockets
        },
        ..Self::AGENT
    };
}
