//! From `[limits]` to the limits of a worker.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::tables::Limits;
use crate::limits::Limits as Values;

/// Puts what a table says over `to`.
pub(super) fn apply(table: &Limits, to: &mut Values) {
    let milliseconds = |value: NonZeroU32| Duration::from_millis(value.get().into());
    to.cpu = table.cpu_ms.map_or(to.cpu, milliseconds);
    to.startup = table.startup_cpu_ms.map_or(to.startup, milliseconds);
    to.wall = table.wall.unwrap_or(to.wall);
    to.wait_until = table.wait_until.unwrap_or(to.wait_until);
    to.heap = table.memory_mb.map_or(to.heap, |mebibytes| (mebibytes as usize) << 20);
    to.buffers = table
        .buffers_mb
        .map_or(to.buffers, |mebibytes| (mebibytes.get() as usize) << 20);
    to.subrequests = table.subrequests.map_or(to.subrequests, NonZeroU32::get);
    let count = |value: NonZeroU32| value.get() as usize;
    to.subrequests_at_once = table.subrequests_at_once.map_or(to.subrequests_at_once, count);
    to.events = table.events.map_or(to.events, count);
    to.clients = table.clients.map_or(to.clients, count);
    to.connections = table.connections.map_or(to.connections, count);
    to.headers = table.headers_kb.map_or(to.headers, |kibibytes| count(kibibytes) << 10);
    let body = |value: NonZeroU32| u64::from(value.get()) << 20;
    to.request_body = table.request_body_mb.map(body).or(to.request_body);
    to.response_body = table.response_body_mb.map(body).or(to.response_body);
    let sockets = &mut to.sockets;
    sockets.at_once = table.websockets.map_or(sockets.at_once, count);
    sockets.tcp_at_once = table.sockets.map_or(sockets.tcp_at_once, count);
    sockets.compression = table.websocket_compression.unwrap_or(sockets.compression);
    sockets.message = table
        .websocket_message_kb
        .map_or(sockets.message, |kibibytes| count(kibibytes) << 10);
    sockets.per_second = table.websocket_messages.map(NonZeroU32::get).or(sockets.per_second);
    sockets.idle = table.websocket_idle.unwrap_or(sockets.idle);
    let tcp_idle = table.socket_idle.or(table.websocket_idle);
    sockets.tcp_idle = tcp_idle.unwrap_or(sockets.tcp_idle);
    to.log_lines = table.log_lines.map_or(to.log_lines, NonZeroU32::get);
}
