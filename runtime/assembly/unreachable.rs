//! Rules of the policy for hosts that no request reaches, because the network's rules deny their addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::tables::Rule as Section;
use crate::egress::address::Rules as AddressRules;
use crate::rules::{HostPattern, Peer, is_localhost};

/// Tells the owner of addresses, and of names of this machine, that the policy's rules let pass and `[network]` does not. What a name
/// of others resolves to is known only when it is asked for.
pub(super) fn warn_of_unreachable(list: &str, sections: &[Section], network: &AddressRules) {
    for (index, section) in sections.iter().enumerate() {
        for host in section.hosts.iter().filter_map(HostPattern::literal) {
            if addresses(&host).is_some_and(|addresses| !addresses.iter().any(|address| network.allows(*address))) {
                let name = section.name.clone().unwrap_or_else(|| format!("{list}[{index}]"));
                tracing::warn!(
                    "the rule {name} lets {host} pass, and no request reaches it: the network rules deny its address (see `allow` and `deny` of [network])"
                );
            }
        }
    }
}

/// Tells the owner of what stands in both lists of `[network]`, where `deny` wins.
pub(super) fn warn_of_contradictions(allow: &[Peer], deny: &[Peer]) {
    for peer in allow.iter().filter(|peer| deny.contains(peer)) {
        tracing::warn!(
            "[network] allows and denies {peer}: what is denied wins, so nothing of it is reached but what another entry of `allow` names more closely"
        );
    }
}

/// The addresses that a host is, without a resolver.
fn addresses(host: &str) -> Option<Vec<IpAddr>> {
    if is_localhost(host) {
        return Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let address = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    Some(vec![address])
}
