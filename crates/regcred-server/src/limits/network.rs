//! Whom an address stands for.

use std::net::{IpAddr, Ipv6Addr};

/// One customer of an address: an IPv4 address, or an IPv6 /64, whose owner has all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address(IpAddr);

impl Address {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(masked(address)),
        })
    }
}

/// A neighbourhood: an IPv4 /24 or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Network(IpAddr);

impl Network {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                IpAddr::from([a, b, c, 0])
            }
            IpAddr::V6(address) => IpAddr::V6(masked(address)),
        })
    }
}

fn masked(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_owner_are_one() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            Address::of(parse("2001:db8::1")),
            Address::of(parse("2001:db8::ffff:1"))
        );
        assert_ne!(
            Address::of(parse("2001:db8::1")),
            Address::of(parse("2001:db8:0:1::1"))
        );
        assert_eq!(
            Address::of(parse("::ffff:192.0.2.1")),
            Address::of(parse("192.0.2.1"))
        );
        assert_ne!(
            Address::of(parse("192.0.2.1")),
            Address::of(parse("192.0.2.2"))
        );
        assert_eq!(
            Network::of(parse("192.0.2.1")),
            Network::of(parse("192.0.2.2"))
        );
        assert_ne!(
            Network::of(parse("192.0.2.1")),
            Network::of(parse("192.0.3.1"))
        );
    }
}
