//! The one way to the network: rules, credentials, address rules, TLS identities, and the HTTP client.

pub mod address;
mod agents;
mod binding;
mod body;
mod cleaned_socket;
mod client;
mod connect_time;
mod connector;
mod decrypted;
mod denied;
mod dns;
mod error;
mod flood;
mod framing;
mod http_client;
pub(crate) mod listeners;
mod lookups;
mod metadata;
mod observed;
mod perform;
mod places;
mod redaction;
mod retry;
mod server_verifier;
mod switched;
mod tcp;
mod timed;
pub mod tls;
mod token_request;
mod token_thread;
mod upstream;
mod whole_body;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::url::Url;
use futures_util::future::LocalBoxFuture;
use workerd_lite_ops::egress::Egress;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{CallerId, FetchError, Origin, Request, Response};

use crate::audit::{Auditor, Calling, Open};
use crate::identity::{Attested, Issuer};
use crate::rules;
use address::Rules;
pub use agents::{Agents, Known};
pub use binding::{Binding, Certificate};
use client::Clients;
use perform::Performer;
use tls::Lists;
use tokio::sync::watch;
pub use upstream::{Upstream, Via};

/// How long each step of an egress may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a connection stands, its name's look-up and TLS included.
    pub connect: Duration,
    /// For the look-up of a name.
    pub lookup: Duration,
    /// From the last byte of the request until the response's head.
    pub first_byte: Duration,
    /// Between two pieces of a response's body.
    pub idle: Duration,
    /// Until a response's body, or the next piece of it, is read.
    pub unread: Duration,
}

/// What an owner configured of the network. Threads share it; each has connections of its own.
#[derive(Debug, Clone)]
pub struct Network {
    /// Which addresses may be dialled.
    pub rules: Arc<Rules>,
    /// DNS servers to ask instead of the system.
    pub nameservers: Vec<SocketAddr>,
    /// Further roots, for every upstream.
    pub roots: Vec<rustls_pki_types::CertificateDer<'static>>,
    /// What the authorities among these have revoked, as it changes.
    pub revoked: Option<watch::Receiver<Lists>>,
    /// What bindings go out with, in the bindings' order.
    pub bindings: Vec<Binding>,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// What the policy may reach. Without a list: all that the address rules allow.
    pub egress: Option<rules::Rules>,
    /// What agents' identities are issued by.
    pub identity: Option<Arc<Issuer>>,
    /// Where each egress is recorded.
    pub audit: Option<Arc<Auditor>>,
    /// Whether agents' requests carry the request id and the trace context.
    pub propagate_trace: bool,
    /// SHA-256 over the policy's modules, for the record.
    pub policy_sha256: Option<String>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            lookup: Duration::from_secs(4),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            unread: Duration::from_mins(1),
        }
    }
}

impl Network {
    /// The lists of what was revoked, as they are now.
    fn lists(&self) -> Lists {
        self.revoked
            .as_ref()
            .map(|lists| Arc::clone(&lists.borrow()))
            .unwrap_or_default()
    }

    /// The address of a URL that names one, where no connection to it may be opened.
    fn denied_literal(&self, url: &Url) -> Option<IpAddr> {
        self.rules
            .denied_literal(url)
            .or_else(|| listeners::denied_literal(url))
    }

    /// Begins to count an agent's call by RPC, and its record where egress is recorded.
    pub(crate) fn calling(&self, agent: &Attested, trace: &Trace, names: (&str, &str, &str), bytes: usize) -> Calling {
        Calling::new(match &self.audit {
            Some(auditor) => Open::call(auditor, agent, self.policy_sha256.as_deref(), trace, names, bytes),
            None => Open::count(trace),
        })
    }

    /// Begins to count an agent's request, and its record where egress is recorded.
    pub(crate) fn record(&self, agent: &Attested, trace: &Trace, request: &mut Request) -> Open {
        match &self.audit {
            Some(auditor) => Open::begin(auditor, agent, self.policy_sha256.as_deref(), trace, request),
            None => Open::count(trace),
        }
    }
}

impl Default for Network {
    /// Public addresses, the system's roots.
    fn default() -> Self {
        Self {
            rules: Arc::new(Rules::new(vec![crate::rules::Peer::Public], Vec::new())),
            nameservers: Vec::new(),
            roots: Vec::new(),
            revoked: None,
            bindings: Vec::new(),
            timeouts: Timeouts::default(),
            egress: None,
            identity: None,
            audit: None,
            propagate_trace: false,
            policy_sha256: None,
        }
    }
}

/// The outbound worker's way to the network, on one thread.
pub struct NetworkGate {
    performer: Rc<Performer>,
}

impl NetworkGate {
    /// A gate with connections of its own, for these callers. `headers` is how many bytes of headers responses may have, at most.
    pub fn new(network: Arc<Network>, agents: Agents, headers: usize) -> Self {
        Self::make(network, agents, headers, None)
    }

    /// A gate behind which no network is, but this.
    pub fn mocked(network: Arc<Network>, agents: Agents, upstream: Rc<dyn Upstream>) -> Self {
        Self::make(network, agents, 0, Some(upstream))
    }

    /// An agent's isolate is gone: what its connections keep is given back, once what is under way has ended.
    pub(crate) fn forget(&self, caller: CallerId) {
        self.performer.clients.forget(caller);
    }

    /// A token of the identity of an event's caller.
    fn issue(&self, origin: &Origin, audience: &[String], claims: &str) -> Result<String, FetchError> {
        let known = self.performer.agents.get(origin.caller);
        let (Some(known), Some(issuer)) = (known, &self.performer.network.identity) else {
            return Err(FetchError::Invalid(
                "ctx.identity needs an [identity] in workerd-lite.toml".into(),
            ));
        };
        let claims = serde_json::from_str(claims)
            .map_err(|_| FetchError::Invalid("claims must be an object of plain data".into()))?;
        let agent = origin.trace.on_behalf::<Attested>().unwrap_or(&known.agent);
        issuer.token(agent, audience, claims).map_err(FetchError::Invalid)
    }

    fn make(network: Arc<Network>, agents: Agents, headers: usize, upstream: Option<Rc<dyn Upstream>>) -> Self {
        Self {
            performer: Rc::new(Performer {
                clients: Clients::new(Arc::clone(&network), agents.clone(), headers),
                network,
                agents,
                upstream,
            }),
        }
    }
}

impl Egress for NetworkGate {
    fn fetch(
        &self,
        origin: &Origin,
        binding: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let performer = Rc::clone(&self.performer);
        let origin = origin.clone();
        origin.trace.egresses.set(origin.trace.egresses.get() + 1);
        // The op that asks puts its polls down to the agent.
        Box::pin(async move { Box::pin(performer.perform(&origin, binding, request)).await })
    }

    fn token(
        &self,
        origin: &Origin,
        audience: &[String],
        claims: &str,
    ) -> LocalBoxFuture<'static, Result<String, FetchError>> {
        Box::pin(std::future::ready(self.issue(origin, audience, claims)))
    }
}
