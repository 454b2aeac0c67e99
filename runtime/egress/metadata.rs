//! Addresses at which clouds tell whoever asks from a machine of theirs about it, with its credentials: no list of private addresses
//! opens one, and no agent has business there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// One cloud's, and what it is.
type Service = (IpAddr, &'static str);

const fn v4(a: u8, b: u8, c: u8, d: u8, what: &'static str) -> Service {
    (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), what)
}

const fn v6(segments: [u16; 8], what: &'static str) -> Service {
    // Network order, as an address is written.
    let mut bits = 0;
    let mut at = 0;
    while at < segments.len() {
        bits = bits << 16 | segments[at] as u128;
        at += 1;
    }
    (IpAddr::V6(Ipv6Addr::from_bits(bits)), what)
}

/// Link-local addresses are denied whole (see [`LINK_LOCAL`]); those that are listed here too say what they are.
const SERVICES: [Service; 23] = [
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html; the same address at GCP
    // (https://cloud.google.com/compute/docs/metadata/querying-metadata), Azure
    // (https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service), Oracle, DigitalOcean, Hetzner, OpenStack,
    // IBM, Vultr, Linode, Equinix and Exoscale.
    v4(169, 254, 169, 254, "instance metadata"),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], "AWS instance metadata"),
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
    v4(169, 254, 170, 2, "AWS ECS task metadata and credentials"),
    // https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
    v4(169, 254, 170, 23, "AWS EKS Pod Identity"),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23], "AWS EKS Pod Identity"),
    // https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html and .../set-time.html
    v4(169, 254, 169, 253, "AWS DNS"),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253], "AWS DNS"),
    v4(169, 254, 169, 123, "AWS time"),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123], "AWS time"),
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/common-messages.html#activate-windows: licences.
    v4(169, 254, 169, 250, "AWS KMS of Windows"),
    v4(169, 254, 169, 251, "AWS KMS of Windows"),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x250], "AWS KMS of Windows"),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x240], "AWS KMS of Windows"),
    // https://cloud.google.com/compute/docs/metadata/querying-metadata
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], "GCP metadata"),
    // https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    v4(168, 63, 129, 16, "Azure WireServer"),
    // https://www.scaleway.com/en/docs/instances/how-to/use-instance-metadata/
    v4(169, 254, 42, 42, "Scaleway metadata"),
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], "Scaleway metadata"),
    // https://www.tencentcloud.com/document/product/213/4934 (metadata.tencentyun.com)
    v4(169, 254, 0, 23, "Tencent metadata"),
    v4(169, 254, 10, 10, "Tencent metadata"),
    // https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
    v4(100, 100, 100, 200, "Alibaba metadata"),
    // https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm and its predecessor
    v4(192, 0, 0, 192, "Oracle metadata"),
    // https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
    v6([0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe], "Oracle metadata"),
    // https://docs.openstack.org/nova/latest/user/metadata.html
    v6([0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe], "OpenStack metadata"),
];

/// Where the machines and services of one network segment find each other (RFC 3927, RFC 4291): what a cloud puts there is for its
/// machine alone.
const LINK_LOCAL: [IpNet; 2] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10)),
];

/// AWS' services for its machines have a block of their own: what it adds is in it.
const AWS: IpNet = IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32));

/// Whether an address is a cloud's for its machine, or may become one. Nothing but a rule for exactly this address opens it.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    SERVICES.iter().any(|service| service.0 == address)
        || LINK_LOCAL.iter().chain([&AWS]).any(|block| block.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_metadata_and_named_once() {
        for (index, service) in SERVICES.iter().enumerate() {
            assert!(is_metadata(service.0) && !service.1.is_empty());
            assert!(
                SERVICES[..index].iter().all(|other| other.0 != service.0),
                "{}",
                service.1
            );
        }
        for other in [
            "169.253.255.255",
            "169.255.0.0",
            "fd00:ec1::254",
            "fec0::1",
            "10.0.0.1",
            "127.0.0.1",
        ] {
            assert!(!is_metadata(other.parse().unwrap()), "{other}");
        }
    }
}
