//! Which addresses may be dialled, after workerd's `Network` service: the most specific rule that matches an address
//! decides, and `deny` wins between equals. What no rule allows is denied.
//!
//! An address is judged as what it reaches: IPv4 inside IPv6 (mapped, NAT64, 6to4) as that IPv4 address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use deno_core::url::{Host, Url};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::metadata::is_metadata;
use crate::rules::Peer;

/// The rules of one network.
#[derive(Debug, Clone)]
pub struct Rules {
    allow: Vec<Peer>,
    deny: Vec<Peer>,
}

/// IANA's special-purpose IPv4 blocks, and multicast: not on the public internet.
const PRIVATE_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 outside of global unicast is private; these are the special blocks within it.
const PRIVATE_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

impl Rules {
    /// Rules of two lists.
    pub fn new(allow: Vec<Peer>, deny: Vec<Peer>) -> Self {
        Self { allow, deny }
    }

    /// Whether a connection to this address may be opened.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow_reached(reached(address))
            // Where a network's own NAT64 has the IPv4 address is that network's to say: each place where it may be is looked at.
            && hidden(address).all(|hidden| !is_metadata(hidden) || self.names(hidden))
    }

    fn allow_reached(&self, address: IpAddr) -> bool {
        let Some(allowed) = best(&self.allow, address) else {
            return false;
        };
        // A rule for exactly this address is the owner's word against the built-in one.
        if is_metadata(address) && allowed < exact(address) {
            return false;
        }
        best(&self.deny, address).is_none_or(|denied| allowed > denied)
    }

    /// Whether a rule opens exactly this address.
    fn names(&self, address: IpAddr) -> bool {
        best(&self.allow, address) == Some(exact(address)) && self.allow_reached(address)
    }

    /// The address of a URL that names one, where no connection to it may be opened. Such an address meets no resolver.
    /// The URL parser has already read every notation of it.
    pub fn denied_literal(&self, url: &Url) -> Option<IpAddr> {
        let address = match url.host()? {
            Host::Ipv4(address) => address.into(),
            Host::Ipv6(address) => address.into(),
            Host::Domain(_) => return None,
        };
        (!self.allows(address)).then_some(address)
    }
}

/// Words come before blocks: the larger, the less specific.
const WORD: u16 = 0;

fn best(peers: &[Peer], address: IpAddr) -> Option<u16> {
    peers.iter().filter_map(|peer| specificity(peer, address)).max()
}

fn exact(address: IpAddr) -> u16 {
    u16::from(IpNet::from(address).prefix_len()) + 4
}

fn specificity(peer: &Peer, address: IpAddr) -> Option<u16> {
    match peer {
        Peer::Public => (!is_private(address)).then_some(WORD),
        Peer::Private => is_private(address).then_some(WORD),
        Peer::Local => is_local(address).then_some(WORD + 1),
        Peer::Block(block) => block.contains(&address).then(|| u16::from(block.prefix_len()) + 4),
    }
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.octets()[0] == 0,
        IpAddr::V6(address) => address.is_loopback() || address.is_unspecified(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => PRIVATE_V4
            .iter()
            .any(|(net, length)| Ipv4Net::new_assert(*net, *length).contains(&address)),
        IpAddr::V6(address) => {
            address.segments()[0] & 0xe000 != 0x2000
                || PRIVATE_V6
                    .iter()
                    .any(|(net, length)| Ipv6Net::new_assert(*net, *length).contains(&address))
        }
    }
}

/// The address that packets end up at.
pub(super) fn reached(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let embedded = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match v6.segments() {
        // IPv4-mapped, and the deprecated IPv4-compatible form.
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) > (0, 1) => embedded(high, low),
        // IPv4-translated (RFC 2765) and NAT64 (RFC 6052).
        [0, 0, 0, 0, 0xffff, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

/// IPv4 addresses that an IPv6 address may hold beside the one that it is judged as: in a network's own NAT64 prefix (RFC 8215), at
/// each length that RFC 6052, section 2.2, knows; Teredo's server and client (RFC 4380, section 4).
fn hidden(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    let mut found = [None; 5];
    if let IpAddr::V6(address) = address {
        let o = address.octets();
        match address.segments() {
            [0x64, 0xff9b, 1, ..] => {
                found = [
                    // /48, /56, /64 and /96; the byte at 8 is skipped.
                    Some([o[6], o[7], o[9], o[10]]),
                    Some([o[7], o[9], o[10], o[11]]),
                    Some([o[9], o[10], o[11], o[12]]),
                    Some([o[12], o[13], o[14], o[15]]),
                    None,
                ];
            }
            [0x2001, 0, ..] => {
                found[0] = Some([o[4], o[5], o[6], o[7]]);
                found[1] = Some([!o[12], !o[13], !o[14], !o[15]]);
            }
            _ => {}
        }
    }
    found.into_iter().flatten().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allow: &[&str], deny: &[&str]) -> Rules {
        let parse = |list: &[&str]| list.iter().map(|peer| peer.parse().unwrap()).collect();
        Rules::new(parse(allow), parse(deny))
    }

    fn allows(rules: &Rules, address: &str) -> bool {
        rules.allows(address.parse().unwrap())
    }

    #[test]
    fn public_is_what_the_internet_routes() {
        let rules = rules(&["public"], &[]);
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(allows(&rules, public), "{public}");
        }
        for private in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "169.254.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::10.0.0.1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "2001:db8::1",
            "ff02::1",
            "168.63.129.16",
        ] {
            assert!(!allows(&rules, private), "{private}");
        }
    }

    #[test]
    fn the_most_specific_rule_decides() {
        let rules = rules(&["10.1.0.0/16", "local"], &["private", "10.1.2.0/24", "127.0.0.9"]);
        assert!(allows(&rules, "10.1.1.1"));
        assert!(!allows(&rules, "10.1.2.1"));
        assert!(!allows(&rules, "10.2.0.1"));
        assert!(allows(&rules, "127.0.0.1"));
        assert!(!allows(&rules, "127.0.0.9"));
        assert!(!allows(&rules, "1.1.1.1"));
    }

    #[test]
    fn deny_wins_between_equals() {
        assert!(!allows(&rules(&["10.0.0.0/8"], &["10.0.0.0/8"]), "10.0.0.1"));
        assert!(!allows(&rules(&["public"], &["public"]), "1.1.1.1"));
    }

    #[test]
    fn metadata_opens_to_its_own_address_only() {
        for wide in ["private", "169.254.0.0/16", "0.0.0.0/0"] {
            assert!(!allows(&rules(&[wide], &[]), "169.254.169.254"), "{wide}");
        }
        assert!(allows(&rules(&["169.254.169.254"], &[]), "169.254.169.254"));
    }

    #[test]
    fn metadata_is_closed_however_it_is_written() {
        let services = [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "169.254.42.42",
            "169.254.1.1",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
        ];
        let wide = rules(
            &["private", "local", "public", "0.0.0.0/0", "::/0", "169.254.169.0/24"],
            &[],
        );
        let named = rules(&["private", "local", "public", "::/0", "168.63.129.16"], &[]);
        for service in services {
            let octets = service.parse::<Ipv4Addr>().unwrap().octets();
            let [a, b, c, d] = octets;
            let high = u16::from_be_bytes([a, b]);
            let low = u16::from_be_bytes([c, d]);
            for form in [
                service.to_owned(),
                format!("::ffff:{service}"),
                format!("::{service}"),
                format!("::ffff:0:{service}"),
                format!("64:ff9b::{service}"),
                format!("64:ff9b:1::{service}"),
                format!("64:ff9b:1:{high:x}:{:x}:{:x}::", u16::from(c), u16::from(d) << 8),
                format!("64:ff9b:1:{:x}:{:x}:{:x}::", u16::from(a), u16::from(b), low),
                format!(
                    "64:ff9b:1::{:x}:{:x}:{:x}:0",
                    u16::from(a),
                    u16::from_be_bytes([b, c]),
                    u16::from(d) << 8
                ),
                format!("2002:{high:x}:{low:x}::1"),
                format!("2001:0:808:808::{:x}:{:x}", !high, !low),
                format!("2001:0:{high:x}:{low:x}::1"),
            ] {
                assert!(!allows(&wide, &form), "{form}");
                assert_eq!(allows(&named, &form), service == "168.63.129.16", "{form}");
            }
        }
        for service in [
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:42::42",
            "fe80::a9fe:a9fe",
            "fe80::1",
        ] {
            assert!(!allows(&wide, service), "{service}");
            assert!(allows(&rules(&[service], &[]), service), "{service}");
        }
        for other in [
            "10.0.0.1",
            "127.0.0.1",
            "fd00::1",
            "64:ff9b:1::10.0.0.1",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(allows(&wide, other), "{other}");
        }
    }

    #[test]
    fn nonsense_is_no_rule() {
        assert!("internal".parse::<Peer>().is_err());
        assert!("10.0.0.0/33".parse::<Peer>().is_err());
    }
}
