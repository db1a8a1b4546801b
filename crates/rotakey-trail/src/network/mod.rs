//! Where calls come from.

mod aws;
mod geo;
pub mod lists;
mod prefix;
mod ranges;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

pub use aws::AwsRange;
pub use ranges::Coverage;

use prefix::Prefix;

/// The most bytes that are kept of a source that is no address.
const MOST_TEXT: usize = 256;

/// How many bits of an address are its network: what an organization is given as a rule, and a home as well.
const IPV4_BITS: u8 = 24;
const IPV6_BITS: u8 = 48;

/// A source: a network of addresses (`/24` of IPv4, `/48` of IPv6), an AWS service, or what else CloudTrail writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Network(String);

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkKind {
    /// Addresses of the internet.
    Public,
    /// Private addresses (RFC 1918, RFC 4193): the call came through a VPC endpoint.
    Private,
    /// `100.64.0.0/10`: behind a carrier's NAT, or a pod of EKS.
    Shared,
    /// Addresses of one machine or one link, which CloudTrail should not see.
    Local,
    /// An AWS service, told by its name.
    Service,
    /// `AWS Internal`.
    Internal,
    /// Anything else, kept as it was written.
    Other,
}

impl Network {
    /// The network of a `sourceIPAddress`. What is not exactly an address is kept as text and never guessed at:
    /// `075.050.255.67` is 61.40.255.67 to some programs and 75.50.255.67 to others.
    pub fn of(source_ip: &str) -> Self {
        match source_ip.parse() {
            Ok(address) => Self::of_address(address),
            Err(_) => Self(source_ip[..source_ip.floor_char_boundary(MOST_TEXT)].to_owned()),
        }
    }

    /// The network of an address. That of an IPv4 address in the clothes of IPv6 is that of the IPv4 address.
    pub fn of_address(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => {
                let network = Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << (32 - IPV4_BITS)));
                format!("{network}/{IPV4_BITS}")
            }
            IpAddr::V6(address) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - IPV6_BITS)));
                format!("{network}/{IPV6_BITS}")
            }
        })
    }

    /// The text of it: `10.1.2.0/24`, `2001:db8:1::/48`, `ec2.amazonaws.com`. May be foreign.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of source it is.
    pub fn kind(&self) -> NetworkKind {
        match self.prefix() {
            Some(prefix) => kind_of(prefix.first()),
            None if self.0 == "AWS Internal" => NetworkKind::Internal,
            None if self.0.ends_with(".amazonaws.com") => NetworkKind::Service,
            None => NetworkKind::Other,
        }
    }

    /// Whether it is a network of IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.prefix().is_some_and(|prefix| prefix.first().is_ipv6())
    }

    /// Its addresses, if it has any.
    fn prefix(&self) -> Option<Prefix> {
        self.0.contains('/').then(|| Prefix::parse(&self.0)).flatten()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn kind_of(address: IpAddr) -> NetworkKind {
    let (is_private, is_shared, is_local) = match address {
        IpAddr::V4(address) => {
            let is_shared = address.octets()[0] == 100 && address.octets()[1] & 0b1100_0000 == 64;
            let is_local = address.is_loopback() || address.is_link_local() || address.is_unspecified();
            (address.is_private(), is_shared, is_local)
        }
        IpAddr::V6(address) => {
            // A `/48` holds many things; `::/48` holds `::1`.
            let is_local =
                address.is_loopback() || address.is_unspecified() || address.is_unicast_link_local();
            (address.is_unique_local(), false, is_local)
        }
    };
    match () {
        () if is_private => NetworkKind::Private,
        () if is_shared => NetworkKind::Shared,
        () if is_local => NetworkKind::Local,
        () => NetworkKind::Public,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sources_of_all_kinds() {
        use NetworkKind as Kind;
        for (source, network, kind) in [
            ("203.0.113.7", "203.0.113.0/24", Kind::Public),
            ("10.1.2.3", "10.1.2.0/24", Kind::Private),
            ("172.31.255.1", "172.31.255.0/24", Kind::Private),
            ("172.32.0.1", "172.32.0.0/24", Kind::Public),
            ("100.64.3.4", "100.64.3.0/24", Kind::Shared),
            ("100.128.3.4", "100.128.3.0/24", Kind::Public),
            ("127.0.0.1", "127.0.0.0/24", Kind::Local),
            ("169.254.169.254", "169.254.169.0/24", Kind::Local),
            ("2001:DB8:1:2::3", "2001:db8:1::/48", Kind::Public),
            ("2001:0db8:0001:0000:0000:0000:0000:0003", "2001:db8:1::/48", Kind::Public),
            ("fd00:ec2::254", "fd00:ec2::/48", Kind::Private),
            ("fe80::1", "fe80::/48", Kind::Local),
            ("::1", "::/48", Kind::Local),
            ("::ffff:10.1.2.3", "10.1.2.0/24", Kind::Private),
            ("AWS Internal", "AWS Internal", Kind::Internal),
            ("ec2.amazonaws.com", "ec2.amazonaws.com", Kind::Service),
            ("075.050.255.67", "075.050.255.67", Kind::Other),
            ("1.2.3", "1.2.3", Kind::Other),
            ("1.2.3.4:80", "1.2.3.4:80", Kind::Other),
            ("[2001:db8::1]", "[2001:db8::1]", Kind::Other),
            ("fe80::1%eth0", "fe80::1%eth0", Kind::Other),
            ("", "", Kind::Other),
            ("a/b", "a/b", Kind::Other),
        ] {
            assert_eq!(Network::of(source).as_str(), network, "{source}");
            assert_eq!(Network::of(source).kind(), kind, "{source}");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_in_its_network_and_any_text_is_kept_within_bounds(bits: u128, v4: u32, text: String) {
            for address in [IpAddr::from(Ipv6Addr::from_bits(bits)), IpAddr::from(Ipv4Addr::from_bits(v4))] {
                let network = Network::of(&address.to_string());
                let prefix = network.prefix().unwrap();
                prop_assert!(prefix.range().contains(&prefix::number(address)));
                prop_assert_eq!(network.is_ipv6(), address.to_canonical().is_ipv6());
                prop_assert_eq!(Network::of(network.as_str()), network);
            }
            prop_assert!(Network::of(&text.repeat(9)).as_str().len() <= MOST_TEXT);
        }
    }
}
