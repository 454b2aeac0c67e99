//! `[limits]`, and the limits of a wrangler file.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::project_file::duration;
use crate::limits::Limits as Values;

/// What a worker may use. What is not said is as it was.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    /// Milliseconds of CPU time for an event.
    cpu_ms: Option<NonZeroU32>,
    /// Milliseconds of CPU time until a script stands.
    startup_cpu_ms: Option<NonZeroU32>,
    /// Until a handler gives a response's head, such as `30s`.
    #[serde(default, deserialize_with = "optional_duration")]
    #[schemars(with = "Option<String>")]
    wall: Option<Duration>,
    /// How long `waitUntil` promises may take after the response, such as `30s`.
    #[serde(default, deserialize_with = "optional_duration")]
    #[schemars(with = "Option<String>")]
    wait_until: Option<Duration>,
    /// Mebibytes of the JavaScript heap.
    #[serde(default, deserialize_with = "mebibytes")]
    #[schemars(with = "Option<u32>", range(min = 16, max = 4096))]
    memory_mb: Option<u32>,
    /// Mebibytes outside of the heap: `ArrayBuffer`s, bodies that Rust holds, and the state of compression.
    buffers_mb: Option<NonZeroU32>,
    /// Requests of one event.
    subrequests: Option<NonZeroU32>,
    /// Requests of one event that are under way at once; the rest wait.
    subrequests_at_once: Option<NonZeroU32>,
    /// Events at once, queued ones too.
    events: Option<NonZeroU32>,
    /// Kibibytes of the headers of a request or a response.
    headers_kb: Option<NonZeroU32>,
    /// Mebibytes of a request's body; any size without.
    request_body_mb: Option<NonZeroU32>,
    /// Mebibytes of a response's body; any size without.
    response_body_mb: Option<NonZeroU32>,
    /// Lines of the console in a second.
    log_lines: Option<NonZeroU32>,
}

/// What wrangler's file may say of them.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WranglerLimits {
    cpu_ms: Option<NonZeroU32>,
    subrequests: Option<NonZeroU32>,
}

impl Limits {
    pub(super) fn apply(&self, to: &mut Values) {
        let milliseconds = |value: NonZeroU32| Duration::from_millis(value.get().into());
        to.cpu = self.cpu_ms.map_or(to.cpu, milliseconds);
        to.startup = self.startup_cpu_ms.map_or(to.startup, milliseconds);
        to.wall = self.wall.unwrap_or(to.wall);
        to.wait_until = self.wait_until.unwrap_or(to.wait_until);
        to.heap = self.memory_mb.map_or(to.heap, |mebibytes| (mebibytes as usize) << 20);
        to.buffers = self
            .buffers_mb
            .map_or(to.buffers, |mebibytes| (mebibytes.get() as usize) << 20);
        to.subrequests = self.subrequests.map_or(to.subrequests, NonZeroU32::get);
        let count = |value: NonZeroU32| value.get() as usize;
        to.subrequests_at_once = self.subrequests_at_once.map_or(to.subrequests_at_once, count);
        to.events = self.events.map_or(to.events, count);
        to.headers = self.headers_kb.map_or(to.headers, |kibibytes| count(kibibytes) << 10);
        let body = |value: NonZeroU32| u64::from(value.get()) << 20;
        to.request_body = self.request_body_mb.map(body).or(to.request_body);
        to.response_body = self.response_body_mb.map(body).or(to.response_body);
        to.log_lines = self.log_lines.map_or(to.log_lines, NonZeroU32::get);
    }
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

fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
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
