//! Address rules against a second model, written from IANA's registries
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry>, <https://www.iana.org/assignments/iana-ipv6-special-registry>)
//! as first and last addresses, not as prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use deno_core::url::Url;
use proptest::prelude::*;

use super::kept;
use crate::egress::address::Rules;
use crate::rules::Peer;

/// First and last of each block that is not on the public internet.
const SPECIAL: [(&str, &str); 15] = [
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
];

fn v4_is_public(address: Ipv4Addr) -> bool {
    let metadata = ["168.63.129.16"].map(|text| text.parse::<Ipv4Addr>().unwrap());
    let special = SPECIAL.iter().any(|(first, last)| {
        let (first, last): (Ipv4Addr, Ipv4Addr) = (first.parse().unwrap(), last.parse().unwrap());
        (first..=last).contains(&address)
    });
    !special && !metadata.contains(&address)
}

fn v6_is_public(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let top = |count: u32| bits >> (128 - count);
    let low = Ipv4Addr::from_bits(u32::try_from(bits & 0xffff_ffff).unwrap());
    // Forms that are IPv4 in disguise, whole.
    if top(96) == 0xffff || top(96) == 0xffff_0000 || top(96) == 0x0064_ff9b_u128 << 64 {
        return v4_is_public(low);
    }
    if top(96) == 0 && bits > 1 {
        return v4_is_public(low);
    }
    if top(16) == 0x2002 {
        return v4_is_public(Ipv4Addr::from_bits(u32::try_from(top(48) & 0xffff_ffff).unwrap()));
    }
    // Global unicast, less what is set aside in it.
    top(3) == 1 && top(23) != 0x2001_0000 >> 9 && top(32) != 0x2001_0db8 && top(20) != 0x3fff0
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => v4_is_public(address),
        IpAddr::V6(address) => v6_is_public(address),
    }
}

fn v4() -> impl Strategy<Value = Ipv4Addr> {
    // At the edges of blocks, and anywhere.
    let edge = (0..SPECIAL.len(), any::<bool>(), -2_i64..=2).prop_map(|(block, last, by)| {
        let (first, end) = SPECIAL[block];
        let address: Ipv4Addr = if last { end } else { first }.parse().unwrap();
        let moved = i64::from(address.to_bits()) + by;
        Ipv4Addr::from_bits(u32::try_from(moved.clamp(0, i64::from(u32::MAX))).unwrap())
    });
    prop_oneof![edge, any::<u32>().prop_map(Ipv4Addr::from_bits)]
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    let prefixes = [
        0,
        0xffff_u128 << 32,
        0xffff_0000_u128 << 32,
        0x0064_ff9b_u128 << 96,
        0x0064_ff9b_0001_u128 << 80,
    ];
    let embedded = (0..prefixes.len(), v4()).prop_map(move |(prefix, v4)| prefixes[prefix] | u128::from(v4.to_bits()));
    let tunnel = (v4(), any::<u64>())
        .prop_map(|(v4, rest)| 0x2002_u128 << 112 | u128::from(v4.to_bits()) << 80 | u128::from(rest));
    let blocks = prop::sample::select(vec![
        0x2001_u128,
        0x2001_0db8,
        0x2606_4700,
        0x3fff,
        0xfc00,
        0xfd00,
        0xfe80,
        0xfec0,
        0xff02,
        0x0100,
        0x5f00,
        0x2000,
    ]);
    let block = (blocks, any::<u128>()).prop_map(|(block, rest)| {
        let shift = if block > 0xffff { 96 } else { 112 };
        block << shift | rest >> (128 - shift)
    });
    prop_oneof![embedded, tunnel, block, any::<u128>()].prop_map(Ipv6Addr::from_bits)
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![v4().prop_map(IpAddr::V4), v6().prop_map(IpAddr::V6)]
}

proptest! {
    #![proptest_config(kept())]

    #[test]
    fn public_is_what_both_models_say(address in address()) {
        let rules = Rules::new(vec![Peer::Public], Vec::new());
        prop_assert_eq!(rules.allows(address), is_public(address), "{}", address);
    }

    #[test]
    fn what_is_denied_is_denied_in_every_form(v4 in v4()) {
        let rules = Rules::new(vec![Peer::Public, Peer::Private, Peer::Local], vec![v4.to_string().parse().unwrap()]);
        let low = u128::from(v4.to_bits());
        let forms = [
            IpAddr::V4(v4),
            IpAddr::V6(v4.to_ipv6_mapped()),
            IpAddr::V6(Ipv6Addr::from_bits(0x0064_ff9b_u128 << 96 | low)),
            IpAddr::V6(Ipv6Addr::from_bits(0x2002_u128 << 112 | low << 80)),
        ];
        for form in forms {
            prop_assert!(!rules.allows(form), "{}", form);
        }
    }

    #[test]
    fn a_literal_is_judged_as_the_url_says_it(v4 in v4(), form in 0..5) {
        let rules = Rules::new(vec![Peer::Public], Vec::new());
        let bits = v4.to_bits();
        let [a, b, c, d] = v4.octets();
        let text = match form {
            0 => v4.to_string(),
            1 => bits.to_string(),
            2 => format!("{bits:#x}"),
            3 => format!("0{a:o}.0{b:o}.{c:#x}.{d}"),
            _ => format!("{a}.{}", bits & 0x00ff_ffff),
        };
        let url = Url::parse(&format!("http://{text}/")).unwrap();
        prop_assert_eq!(rules.denied_literal(&url).is_none(), v4_is_public(v4), "{} {}", text, v4);
    }
}
