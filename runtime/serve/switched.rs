//! Clients' WebSockets: connections of HTTP/1.1 that have become one, and streams of HTTP/2.

use std::cell::Cell;
use std::rc::Rc;

use deno_core::unsync::spawn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::{Parts, downcast};
use tokio::sync::{Notify, watch};
use workerd_lite_ops::account::Later;
use workerd_lite_ops::websocket::{SocketEnd, SocketLimits};

use super::access::Access;
use super::client_io::{ClientIo, Switch};
use super::load_shedding::Exchange;
use super::stopping::{Stop, cut};
use crate::websocket;

/// The WebSockets of one connection.
#[derive(Clone)]
pub(super) struct Sockets(Rc<Inner>);

struct Inner {
    open: Cell<usize>,
    closed: Notify,
    switch: Switch,
    stopping: watch::Receiver<Stop>,
}

/// One of them.
struct Opened(Rc<Inner>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.closed.notify_waiters();
    }
}

impl Sockets {
    /// None yet.
    pub(super) fn new(stopping: watch::Receiver<Stop>) -> Self {
        Self(Rc::new(Inner {
            open: Cell::new(0),
            closed: Notify::new(),
            switch: Switch::default(),
            stopping,
        }))
    }

    /// Turned once the connection is one.
    pub(super) fn switch(&self) -> Switch {
        self.0.switch.clone()
    }

    /// Waits until none is open.
    pub(super) async fn closed(&self) {
        loop {
            let closed = self.0.closed.notified();
            if self.0.open.get() == 0 {
                return;
            }
            closed.await;
        }
    }

    /// One more, once its head was sent. What is `kept` ends with it.
    pub(super) fn open(
        &self,
        upgrading: OnUpgrade,
        is_http1: bool,
        (limits, end): (SocketLimits, SocketEnd),
        (mut access, exchange): (Access, Exchange),
        works_for: &Later,
    ) {
        if is_http1 {
            self.0.switch.turn();
        }
        self.0.open.set(self.0.open.get() + 1);
        let opened = Opened(Rc::clone(&self.0));
        let cut = cut(self.0.stopping.clone());
        let running = async move {
            let traffic = end.traffic();
            tokio::select! {
                () = cut => {}
                () = run(upgrading, limits, end) => access.is_whole(),
            }
            let (received, sent) = traffic.passed();
            access.passed(received.bytes, sent.bytes);
            drop((access, exchange, opened));
        };
        spawn(works_for.meter(running));
    }
}

async fn run(upgrading: OnUpgrade, limits: SocketLimits, end: SocketEnd) {
    let Ok(upgraded) = upgrading.await else { return };
    match downcast::<TokioIo<ClientIo>>(upgraded) {
        Ok(Parts { io, read_buf, .. }) => {
            // RFC 6455, section 4.1: a client sends nothing before it has our answer. What has come by then was meant for somebody who
            // reads it otherwise.
            if !read_buf.is_empty() {
                return;
            }
            // The head's buffer is empty, and as large as it was.
            drop(read_buf);
            Box::pin(websocket::run_client(io.into_inner(), limits, end)).await;
        }
        // HTTP/2 has frames of its own.
        Err(upgraded) => Box::pin(websocket::run_client(TokioIo::new(upgraded), limits, end)).await,
    }
}
