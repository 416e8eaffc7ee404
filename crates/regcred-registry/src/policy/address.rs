//! Addresses by who can be behind them.
//!
//! From the registries of special-purpose addresses of IANA (RFC 6890 and what came after it), and the addresses at
//! which clouds tell a machine its own credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who can be behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anybody in the internet.
    Public,
    /// A private network or this machine: for hosts that an admin has listed.
    Private,
    /// Nothing that a registry can be behind, or what tells secrets of the machine: for nobody.
    Never,
}

impl Reach {
    /// Of an address, also where it stands inside of another one: mapped, translated or tunnelled.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

#[expect(
    clippy::match_same_arms,
    reason = "one arm for each kind of address, with its reason"
)]
fn of_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        // "This network", link-local with the metadata of most clouds, multicast, reserved and broadcast.
        (0 | 224..=255, ..) | (169, 254, ..) => Reach::Never,
        // Metadata of two clouds that do not use link-local.
        (100, 100, 100, 200) | (192, 0, 0, 192) | (168, 63, 129, 16) => Reach::Never,
        (10 | 127, ..) | (172, 16..=31, ..) | (192, 168, ..) | (100, 64..=127, ..) => {
            Reach::Private
        }
        // Protocol assignments, relays to 6to4, benchmarks, documentation.
        (192, 0, 0 | 2, _)
        | (192, 88, 99, _)
        | (198, 18 | 19, ..)
        | (198, 51, 100, _)
        | (203, 0, 113, _) => Reach::Private,
        _ => Reach::Public,
    }
}

#[expect(
    clippy::match_same_arms,
    reason = "one arm for each kind of address, with its reason"
)]
fn of_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Never,
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // Metadata and credentials of clouds.
        [0xfd00, 0xec2, ..]
        | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]
        | [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
        | [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42] => Reach::Never,
        // Mapped and compatible. What may not be reached directly may not be reached so; nor is there a reason to.
        [0, 0, 0, 0, 0 | 0xffff, 0 | 0xffff, high, low] => inside(v4(high, low)),
        // NAT64, the well-known prefix and the local ones.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inside(v4(high, low)),
        [0x64, 0xff9b, 1, ..] => Reach::Never,
        // 6to4 and Teredo.
        [0x2002, high, low, ..] => inside(v4(high, low)),
        [0x2001, 0, ..] => Reach::Never,
        // Link-local, multicast, discard.
        [0xfe80..=0xfebf | 0xff00..=0xffff, ..] | [0x100, 0, 0, 0, ..] => Reach::Never,
        // Unique local, and the site-local ones of old.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Reach::Private,
        // Documentation, benchmarks, ORCHID.
        [0x2001, 0xdb8 | 0x10..=0x2f, ..] | [0x2001, 2, 0, ..] | [0x3fff, 0..=0xfff, ..] => {
            Reach::Private
        }
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never,
    }
}

/// An address that stands in another one: public stays public, the rest is never reached by this way round.
fn inside(address: Ipv4Addr) -> Reach {
    match of_v4(address) {
        Reach::Public => Reach::Public,
        Reach::Private | Reach::Never => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_address_is_told_apart() {
        use Reach::{Never, Private, Public};
        for (address, expected) in [
            ("8.8.8.8", Public),
            ("93.184.216.34", Public),
            ("100.63.255.255", Public),
            ("172.15.0.1", Public),
            ("172.32.0.1", Public),
            ("2606:4700::1111", Public),
            ("2a00:1450:4001::1", Public),
            ("::ffff:8.8.8.8", Public),
            ("64:ff9b::8.8.8.8", Public),
            ("10.1.2.3", Private),
            ("127.0.0.1", Private),
            ("127.255.255.254", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.0.1", Private),
            ("100.64.0.1", Private),
            ("198.18.0.1", Private),
            ("::1", Private),
            ("fd12:3456::1", Private),
            ("fec0::1", Private),
            ("2001:db8::1", Private),
            ("0.0.0.0", Never),
            ("0.1.2.3", Never),
            ("169.254.169.254", Never),
            ("169.254.170.2", Never),
            ("100.100.100.200", Never),
            ("192.0.0.192", Never),
            ("224.0.0.1", Never),
            ("240.0.0.1", Never),
            ("255.255.255.255", Never),
            ("::", Never),
            ("fe80::1", Never),
            ("febf::1", Never),
            ("ff02::1", Never),
            ("fd00:ec2::254", Never),
            ("fd00:ec2::23", Never),
            ("fd20:ce::254", Never),
            ("fd00:c1::a9fe:a9fe", Never),
            ("fd00:42::42", Never),
            ("168.63.129.16", Never),
            ("::ffff:127.0.0.1", Never),
            ("::ffff:10.0.0.1", Never),
            ("::ffff:169.254.169.254", Never),
            ("::127.0.0.1", Never),
            ("::ffff:0:10.0.0.1", Never),
            ("64:ff9b::10.0.0.1", Never),
            ("64:ff9b::169.254.169.254", Never),
            ("64:ff9b:1::1", Never),
            ("2002:7f00:1::1", Never),
            ("2002:a9fe:a9fe::1", Never),
            ("2002:808:808::1", Public),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Never),
            ("100::1", Never),
            ("4000::1", Never),
            ("1::1", Never),
        ] {
            assert_eq!(Reach::of(address.parse().unwrap()), expected, "{address}");
        }
    }
}
