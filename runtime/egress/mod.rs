//! The one way to the network: address rules, TLS identities, and the HTTP client.

pub mod address;
mod body;
mod client;
mod dns;
mod error;
pub mod tls;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::fetch::Egress;
use workerd_lite_ops::{FetchError, Request, Response};

use address::Rules;
use client::Clients;
use tls::Identity;

/// How long each step of an egress may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// From the last byte of the request until the response's head.
    pub first_byte: Duration,
    /// Between two pieces of a response's body.
    pub idle: Duration,
}

/// What an owner configured of the network. Threads share it; each has connections of its own.
#[derive(Debug)]
pub struct Network {
    /// Which addresses may be dialled.
    pub rules: Arc<Rules>,
    /// Further roots, for every upstream.
    pub roots: Vec<rustls_pki_types::CertificateDer<'static>>,
    /// The identities of bindings, in the bindings' order.
    pub bindings: Vec<Identity>,
    /// How long each step may take.
    pub timeouts: Timeouts,
}

/// The outbound worker's way to the network, on one thread.
pub struct NetworkGate {
    clients: Rc<Clients>,
}

impl NetworkGate {
    /// A gate with connections of its own.
    pub fn new(network: Arc<Network>) -> Self {
        Self {
            clients: Rc::new(Clients::new(network)),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_mins(1),
        }
    }
}

impl Default for Network {
    /// Public addresses, the system's roots.
    fn default() -> Self {
        Self {
            rules: Arc::new(Rules::new(vec![address::Peer::Public], Vec::new())),
            roots: Vec::new(),
            bindings: Vec::new(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Egress for NetworkGate {
    fn fetch(&self, binding: Option<u32>, request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let clients = Rc::clone(&self.clients);
        Box::pin(async move { clients.perform(binding, request).await })
    }
}
