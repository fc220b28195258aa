//! Which addresses may be connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// To which addresses a connection may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Egress {
    /// Public addresses only: what holds for every host that the configuration does not name.
    PublicOnly,
    /// Loopback and private networks too, because the configuration names the host. Never the addresses of metadata services,
    /// multicast, or those that are no address of a host.
    NamedHost,
}

/// Why an address is not an ordinary public one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressKind {
    /// The machine itself: `127.0.0.0/8`, `::1` (RFC 1122, RFC 4291).
    Loopback,
    /// `169.254.0.0/16`, `fe80::/10` (RFC 3927, RFC 4291).
    LinkLocal,
    /// Private networks (RFC 1918, RFC 4193), shared address space (RFC 6598), local NAT64 (RFC 8215), site-local.
    Private,
    /// The metadata and host services of cloud providers.
    Metadata,
    /// Multicast and broadcast.
    Multicast,
    /// No address of a host: unspecified, documentation, benchmarking, reserved (RFC 6890), Teredo.
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Private => "a private address",
            Self::Metadata => "the address of a cloud metadata service",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// An address that may not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {kind}")]
pub struct BlockedAddress {
    /// The address as it would be connected to.
    pub address: IpAddr,
    /// What it is.
    pub kind: AddressKind,
}

impl Egress {
    /// Says whether a connection may go to `address`.
    pub fn check(self, address: IpAddr) -> Result<(), BlockedAddress> {
        match kind(address) {
            None => Ok(()),
            Some(kind) if self.permits(kind) => Ok(()),
            Some(kind) => Err(BlockedAddress { address, kind }),
        }
    }

    const fn permits(self, kind: AddressKind) -> bool {
        match self {
            Self::PublicOnly => false,
            Self::NamedHost => matches!(
                kind,
                AddressKind::Loopback | AddressKind::LinkLocal | AddressKind::Private
            ),
        }
    }
}

/// What an address is, looking through every form of IPv6 that stands for an IPv4 address; nothing for a public one.
fn kind(address: IpAddr) -> Option<AddressKind> {
    match address {
        IpAddr::V4(v4) => kind_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| kind_v6(v6), kind_v4),
    }
}

fn kind_v4(address: Ipv4Addr) -> Option<AddressKind> {
    let kind = match address.octets() {
        // AWS, GCP, Azure and most others; Alibaba; Oracle; Azure's host services.
        [169, 254, 169, 254] | [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => {
            AddressKind::Metadata
        }
        [127, ..] => AddressKind::Loopback,
        [169, 254, ..] => AddressKind::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => {
            AddressKind::Private
        }
        [224..=239, ..] | [255, 255, 255, 255] => AddressKind::Multicast,
        [0 | 240..=255, ..]
        | [192, 0, 0 | 2, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => AddressKind::Reserved,
        _ => return None,
    };
    Some(kind)
}

fn kind_v6(address: Ipv6Addr) -> Option<AddressKind> {
    let kind = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Loopback,
        // AWS, GCP.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            AddressKind::Metadata
        }
        [0xfe80..=0xfebf, ..] => AddressKind::LinkLocal,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => AddressKind::Private,
        [0xff00..=0xffff, ..] => AddressKind::Multicast,
        [0, 0, 0, 0, 0, 0, 0, 0]
        | [0x100, 0, 0, 0, ..]
        | [0x2001, 0 | 0xdb8, ..]
        | [0x3fff, 0..=0xfff, ..] => AddressKind::Reserved,
        _ => return None,
    };
    Some(kind)
}

/// The IPv4 address that a mapped (RFC 4291), compatible, translated (RFC 6052) or 6to4 (RFC 3056) address stands for.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AddressKind::{LinkLocal, Loopback, Metadata, Multicast, Private, Reserved};

    #[test]
    fn every_address_is_what_the_registries_of_addresses_say() {
        let table = [
            ("8.8.8.8", None),
            ("172.15.255.255", None),
            ("172.32.0.1", None),
            ("100.63.255.255", None),
            ("2606:4700::1111", None),
            ("127.0.0.1", Some(Loopback)),
            ("127.8.9.10", Some(Loopback)),
            ("169.254.1.1", Some(LinkLocal)),
            ("169.254.169.254", Some(Metadata)),
            ("100.100.100.200", Some(Metadata)),
            ("10.0.0.1", Some(Private)),
            ("172.16.0.1", Some(Private)),
            ("172.31.255.255", Some(Private)),
            ("192.168.0.1", Some(Private)),
            ("100.64.0.1", Some(Private)),
            ("224.0.0.1", Some(Multicast)),
            ("255.255.255.255", Some(Multicast)),
            ("0.0.0.0", Some(Reserved)),
            ("0.1.2.3", Some(Reserved)),
            ("240.0.0.1", Some(Reserved)),
            ("198.19.0.1", Some(Reserved)),
            ("::1", Some(Loopback)),
            ("::", Some(Reserved)),
            ("fe80::1", Some(LinkLocal)),
            ("fd00:ec2::254", Some(Metadata)),
            ("fd12::1", Some(Private)),
            ("fec0::1", Some(Private)),
            ("ff02::1", Some(Multicast)),
            ("2001:db8::1", Some(Reserved)),
            ("2001:0:1::1", Some(Reserved)),
        ];
        for (address, expected) in table {
            assert_eq!(kind(address.parse().expect(address)), expected, "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_in_the_clothes_of_ipv6_is_seen_through() {
        let table = [
            ("::ffff:127.0.0.1", Some(Loopback)),
            ("::127.0.0.1", Some(Loopback)),
            ("::ffff:0:127.0.0.1", Some(Loopback)),
            ("64:ff9b::10.0.0.1", Some(Private)),
            ("64:ff9b:1::8.8.8.8", Some(Private)),
            ("::ffff:169.254.169.254", Some(Metadata)),
            ("2002:7f00:1::", Some(Loopback)),
            ("2002:a9fe:a9fe::1", Some(Metadata)),
            ("::ffff:8.8.8.8", None),
        ];
        for (address, expected) in table {
            assert_eq!(kind(address.parse().expect(address)), expected, "{address}");
        }
    }

    #[test]
    fn naming_a_host_opens_private_networks_but_never_the_metadata_service() {
        let table = [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("fd12::1", true),
            ("169.254.169.254", false),
            ("0.0.0.0", false),
        ];
        for (address, permitted) in table {
            let address: IpAddr = address.parse().expect(address);
            assert_eq!(
                Egress::NamedHost.check(address).is_ok(),
                permitted,
                "{address}"
            );
            assert!(Egress::PublicOnly.check(address).is_err(), "{address}");
        }
    }
}
