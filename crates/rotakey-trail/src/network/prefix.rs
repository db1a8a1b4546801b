//! Addresses that begin with the same bits.
//!
//! All addresses are numbers of one line: those of IPv4 stand where IPv6 maps them, at `::ffff:0:0/96`.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::RangeInclusive;

/// Some first bits, and all addresses that begin with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    first: u128,
    bits: u8,
}

impl Prefix {
    /// Reads `192.0.2.0/24`, or a single address. Bits behind the prefix are cut off, as firewalls do it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = match bits {
            // Neither a sign nor spaces, which `parse` would take.
            Some(bits) if !bits.is_empty() && bits.bytes().all(|digit| digit.is_ascii_digit()) => {
                bits.parse().ok()?
            }
            Some(_) => return None,
            None => most,
        };
        let bits = (bits <= most).then(|| bits + (128 - most))?;
        Some(Self { first: number(address) & mask(bits), bits })
    }

    /// The first address.
    pub(super) fn first(self) -> IpAddr {
        Ipv6Addr::from_bits(self.first).to_canonical()
    }

    /// All addresses, as [`number`]s.
    pub(super) fn range(self) -> RangeInclusive<u128> {
        self.first..=self.first | !mask(self.bits)
    }
}

/// The place of an address on the one line.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_exactly_a_prefix_is_read() {
        let shown = |text| {
            Prefix::parse(text).map(|prefix| {
                let last = Ipv6Addr::from_bits(*prefix.range().end()).to_canonical();
                format!("{}-{last}", prefix.first())
            })
        };
        assert_eq!(shown("192.0.2.77/24").as_deref(), Some("192.0.2.0-192.0.2.255"));
        assert_eq!(shown("192.0.2.77").as_deref(), Some("192.0.2.77-192.0.2.77"));
        assert_eq!(shown("0.0.0.0/0").as_deref(), Some("0.0.0.0-255.255.255.255"));
        assert_eq!(
            shown("2001:db8::/32").as_deref(),
            Some("2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
        );
        assert_eq!(shown("::/0").as_deref(), Some("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
        for wrong in [
            "",
            "/24",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/+8",
            "::/129",
            "1.2.3/8",
            "01.2.3.4/8",
            "::/300",
            "1.2.3.4/220",
        ] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }
}
