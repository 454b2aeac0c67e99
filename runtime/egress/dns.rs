//! Names to addresses, judged before they are handed on: what is returned here is what is connected to, so a second
//! answer of DNS cannot differ from the judged one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::Rules;
use super::error::Denied;
use crate::rules::is_localhost;

/// Resolves names, and keeps of the answers what the rules allow.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    pub(super) rules: Arc<Rules>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.rules);
        Box::pin(async move {
            let found = lookup(name.as_str()).await?;
            let allowed: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| rules.allows(address.ip()))
                .collect();
            if allowed.is_empty() {
                let address = found.first().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip);
                return Err(Denied { address }.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

async fn lookup(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    if is_localhost(name) {
        return Ok([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            .map(|address| SocketAddr::new(address, 0))
            .into());
    }
    #[expect(clippy::disallowed_methods, reason = "names are resolved in this room")]
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
    if found.is_empty() {
        return Err(std::io::Error::other("the name has no address"));
    }
    Ok(found)
}
