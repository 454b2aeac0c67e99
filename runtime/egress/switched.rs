//! A connection to an upstream that has become a WebSocket.

use std::sync::Arc;

use deno_core::unsync::spawn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::websocket::{SocketEnd, SocketLimits, socket_pair};

use super::observed::Traffic;
use super::places::Busy;
use crate::websocket;

/// Gives the end for whoever asked. What the connection does is put down to for whom it was opened, and its place is taken until it
/// ends.
pub(super) async fn switched(
    upgrading: OnUpgrade,
    traffic: Option<Arc<Traffic>>,
    busy: Option<Arc<Busy>>,
    limits: SocketLimits,
) -> Result<SocketEnd, hyper::Error> {
    if let Some(traffic) = traffic {
        traffic.is_switched();
    }
    let stream = TokioIo::new(upgrading.await?);
    let (end, own) = socket_pair();
    let running = async move {
        websocket::run_upstream(stream, limits, own).await;
        drop(busy);
    };
    match Account::current() {
        Some(account) => spawn(account.meter(running)),
        None => spawn(running),
    };
    Ok(end)
}
