//! Names to addresses, judged before they are handed on: what is returned here is what is connected to, so a second
//! answer of DNS cannot differ from the judged one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::name_server::TokioConnectionProvider;
use hickory_resolver::proto::xfer::Protocol;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::Rules;
use super::denied::Denied;
use super::listeners;
use super::lookups::SYSTEM;
use crate::rules::is_localhost;

/// Resolves names, and keeps of the answers what the rules allow.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    rules: Arc<Rules>,
    /// Asks the owner's servers, where there are any, instead of the system.
    servers: Option<TokioResolver>,
    /// For one look-up.
    timeout: Duration,
    /// The port that is dialled, where that is known.
    port: Option<u16>,
}

impl Resolver {
    /// A resolver of the calling thread's runtime. `timeout` is for one question to one server.
    pub(super) fn new(rules: Arc<Rules>, servers: &[SocketAddr], timeout: Duration) -> Self {
        Self {
            rules,
            servers: (!servers.is_empty()).then(|| asks(servers, timeout)),
            timeout,
            port: None,
        }
    }

    /// The same, for connections to this port.
    pub(super) fn for_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.rules.allows(address)
            && !self
                .port
                .is_some_and(|port| listeners::is_ours(SocketAddr::new(address, port)))
    }
}

fn asks(servers: &[SocketAddr], timeout: Duration) -> TokioResolver {
    let mut config = ResolverConfig::new();
    for server in servers {
        config.add_name_server(NameServerConfig::new(*server, Protocol::Udp));
        // For answers that do not fit.
        config.add_name_server(NameServerConfig::new(*server, Protocol::Tcp));
    }
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.attempts = 1;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    TokioResolver::builder_with_config(config, TokioConnectionProvider::default())
        .with_options(options)
        .build()
}

/// A name has no address, or nobody says which.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(#[source] std::io::Error);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Resolver {
    /// The addresses of a name that may be dialled.
    async fn allowed(self, name: String) -> Result<std::vec::IntoIter<SocketAddr>, BoxError> {
        let found = self.lookup(&name).await.map_err(Unresolved)?;
        let allowed: Vec<SocketAddr> = found
            .iter()
            .filter(|address| self.allows(**address))
            .map(|address| SocketAddr::new(*address, 0))
            .collect();
        if allowed.is_empty() {
            let address = found.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            return Err(Denied { address }.into());
        }
        Ok(allowed.into_iter())
    }
}

/// For what scripts send.
impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().allowed(name.as_str().to_owned()))
    }
}

/// For what credentials ask.
impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolving = self.clone().allowed(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(resolving.await?) as reqwest::dns::Addrs) })
    }
}

impl Resolver {
    async fn lookup(&self, name: &str) -> std::io::Result<Arc<[IpAddr]>> {
        if is_localhost(name) {
            return Ok([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].into());
        }
        let Some(servers) = &self.servers else {
            return SYSTEM.find(name, self.timeout).await;
        };
        // Absolute: no search list makes another name of it.
        let found = servers.lookup_ip(format!("{}.", name.trim_end_matches('.'))).await;
        let found = found.map_err(|error| std::io::Error::other(format!("the name can not be resolved: {error}")))?;
        Ok(found.iter().collect())
    }
}
