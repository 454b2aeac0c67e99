//! Console lines of agents and policy as the live page shows them, each under its request.

use std::sync::Arc;

use serde_json::json;
use workerd_lite_ops::console_tap::{ConsoleLine, ConsoleTap};

use crate::audit::Feed;

/// What tells a worker's lines to who looks on.
pub(super) fn console(feed: &Arc<Feed>) -> ConsoleTap {
    let feed = Arc::clone(feed);
    ConsoleTap::new(move |line: &ConsoleLine<'_>| {
        let level = match line.level {
            0 => "debug",
            2 => "warn",
            3 => "error",
            _ => "log",
        };
        feed.note(json!({
            "kind": "console",
            "request": line.trace.map(workerd_lite_ops::trace::Trace::number),
            "call": line.trace.map(|trace| trace.call.get()).filter(|call| *call > 0),
            "worker": line.worker,
            "level": level,
            "text": line.text,
        }));
    })
}
