//! Nodes of a request's way, as proxies write them (RFC 7239, section 6), and which of them is the client.

use std::net::{IpAddr, Ipv6Addr};

use crate::rules::Forwarders;

/// One node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hop {
    Address(IpAddr),
    /// `unknown`, or a name that only its proxy knows.
    Hidden,
}

/// Reads one, with a port or without. None where it is none.
pub(super) fn hop(text: &str) -> Option<Hop> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return is_port(port).then_some(Hop::Address(IpAddr::V6(address).to_canonical()));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Hop::Address(address.to_canonical()));
    }
    let (node, port) = text.split_at(text.find(':').unwrap_or(text.len()));
    if !is_port(port) {
        return None;
    }
    if node.eq_ignore_ascii_case("unknown") || is_hidden(node) {
        return Some(Hop::Hidden);
    }
    Some(Hop::Address(IpAddr::V4(node.parse().ok()?)))
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| {
            is_hidden(port) || ((1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()))
        })
}

fn is_hidden(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.strip_prefix('_')
        .is_some_and(|name| !name.is_empty() && name.bytes().all(plain))
}

/// The client among the nodes that proxies have named, the nearest last: the last one that is no proxy of ours, or the first where
/// all are. Whoever named it is one. Gives its place. What stands before it may be anybody's word, and is not read.
///
/// # Errors
/// Where a node up to there is none.
pub(super) fn client<'h>(
    nodes: impl DoubleEndedIterator<Item = Option<&'h str>> + ExactSizeIterator,
    forwarders: &Forwarders,
) -> Result<Option<(usize, Hop)>, ()> {
    let mut found = None;
    for (place, node) in nodes.enumerate().rev() {
        let hop = match node {
            Some(node) => hop(node).ok_or(())?,
            None => Hop::Hidden,
        };
        found = Some((place, hop));
        if !matches!(hop, Hop::Address(address) if forwarders.has(address)) {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_read_as_proxies_write_them() {
        let address = |text: &str| Some(Hop::Address(text.parse().unwrap()));
        for (text, expected) in [
            ("192.0.2.1", address("192.0.2.1")),
            ("192.0.2.1:4711", address("192.0.2.1")),
            ("192.0.2.1:_x", address("192.0.2.1")),
            ("2001:db8::1", address("2001:db8::1")),
            ("[2001:db8::1]", address("2001:db8::1")),
            ("[2001:db8::1]:80", address("2001:db8::1")),
            ("[::ffff:192.0.2.1]", address("192.0.2.1")),
            ("unknown", Some(Hop::Hidden)),
            ("Unknown:80", Some(Hop::Hidden)),
            ("_a-b.c", Some(Hop::Hidden)),
            ("", None),
            ("_", None),
            ("a.example", None),
            ("192.0.2", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:123456", None),
            ("[192.0.2.1]", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]x", None),
            ("fe80::1%eth0", None),
            ("0x7f.1", None),
        ] {
            assert_eq!(hop(text), expected, "{text}");
        }
    }

    #[test]
    fn the_client_is_the_last_node_that_is_no_proxy() {
        let forwarders = Forwarders(vec!["10.0.0.0/8".parse().unwrap()]);
        let client = |nodes: &[&str]| client(nodes.iter().map(|node| Some(*node)), &forwarders);
        let address = |place, text: &str| Ok(Some((place, Hop::Address(text.parse().unwrap()))));
        assert_eq!(client(&[]), Ok(None));
        assert_eq!(client(&["1.1.1.1"]), address(0, "1.1.1.1"));
        assert_eq!(client(&["9.9.9.9", "1.1.1.1", "10.1.1.1"]), address(1, "1.1.1.1"));
        assert_eq!(client(&["10.1.1.1", "10.2.2.2"]), address(0, "10.1.1.1"));
        assert_eq!(client(&["what is this", "1.1.1.1"]), address(1, "1.1.1.1"));
        assert_eq!(client(&["1.1.1.1", "unknown", "10.1.1.1"]), Ok(Some((1, Hop::Hidden))));
        assert_eq!(client(&["1.1.1.1", "what is this"]), Err(()));
    }
}
