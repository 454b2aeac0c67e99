//! `[limits]`, and the limits of a wrangler file.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::config::values::optional_duration;

/// What a worker may use. What is not said is as it was.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Milliseconds of CPU time for an event.
    pub(crate) cpu_ms: Option<NonZeroU32>,
    /// Milliseconds of CPU time until a script stands.
    pub(crate) startup_cpu_ms: Option<NonZeroU32>,
    /// Until a handler gives a response's head, such as `30s`.
    #[serde(default, deserialize_with = "optional_duration")]
    #[schemars(with = "Option<String>")]
    pub(crate) wall: Option<Duration>,
    /// How long `waitUntil` promises may take after the response, such as `30s`.
    #[serde(default, deserialize_with = "optional_duration")]
    #[schemars(with = "Option<String>")]
    pub(crate) wait_until: Option<Duration>,
    /// Mebibytes of the JavaScript heap.
    #[serde(default, deserialize_with = "mebibytes")]
    #[schemars(with = "Option<u32>", range(min = 16, max = 4096))]
    pub(crate) memory_mb: Option<u32>,
    /// Mebibytes outside of the heap: `ArrayBuffer`s, bodies that Rust holds, and the state of compression.
    pub(crate) buffers_mb: Option<NonZeroU32>,
    /// Requests of one event.
    pub(crate) subrequests: Option<NonZeroU32>,
    /// Requests of one event that are under way at once; the rest wait.
    pub(crate) subrequests_at_once: Option<NonZeroU32>,
    /// Events at once, queued ones too.
    pub(crate) events: Option<NonZeroU32>,
    /// Clients' connections at once.
    pub(crate) clients: Option<NonZeroU32>,
    /// Connections to upstreams at once, kept ones too.
    pub(crate) connections: Option<NonZeroU32>,
    /// Kibibytes of the headers of a request or a response.
    pub(crate) headers_kb: Option<NonZeroU32>,
    /// Mebibytes of a request's body; any size without.
    pub(crate) request_body_mb: Option<NonZeroU32>,
    /// Mebibytes of a response's body; any size without.
    pub(crate) response_body_mb: Option<NonZeroU32>,
    /// Lines of the console in a second.
    pub(crate) log_lines: Option<NonZeroU32>,
    /// WebSockets at once: each end that a script has.
    pub(crate) websockets: Option<NonZeroU32>,
    /// Sockets of `connect()` at once: each end that a script has.
    pub(crate) sockets: Option<NonZeroU32>,
    /// Whether messages of WebSockets may be compressed, with clients and upstreams that agree to it; they are not without.
    pub(crate) websocket_compression: Option<bool>,
    /// Kibibytes of a message that comes over a WebSocket.
    pub(crate) websocket_message_kb: Option<NonZeroU32>,
    /// Messages of a WebSocket in a second, each way; the rest waits. Any number without.
    pub(crate) websocket_messages: Option<NonZeroU32>,
    /// How long nothing may pass over a WebSocket, such as `5m`.
    #[serde(default, deserialize_with = "optional_duration")]
    #[schemars(with = "Option<String>")]
    pub(crate) websocket_idle: Option<Duration>,
    /// How long nothing may pass over a connection of `connect()`, such as `5m`; `websocket_idle` without.
    #[serde(default, deserialize_with = "optional_duration")]
    #[schemars(with = "Option<String>")]
    pub(crate) socket_idle: Option<Duration>,
}

/// What wrangler's file may say of them.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WranglerLimits {
    pub(crate) cpu_ms: Option<NonZeroU32>,
    pub(crate) subrequests: Option<NonZeroU32>,
}

impl From<&WranglerLimits> for Limits {
    fn from(limits: &WranglerLimits) -> Self {
        Self {
            cpu_ms: limits.cpu_ms,
            subrequests: limits.subrequests,
            ..Self::default()
        }
    }
}

/// V8 itself wants some of it, and takes no more than it can address.
fn mebibytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let value = u32::deserialize(deserializer)?;
    if (16..=4096).contains(&value) {
        return Ok(Some(value));
    }
    Err(serde::de::Error::custom(format!(
        "expected 16 to 4096 mebibytes, found {value}"
    )))
}
