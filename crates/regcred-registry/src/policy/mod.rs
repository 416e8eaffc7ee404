//! Where credentials may be sent: which addresses, and what an admin allows for single hosts.

mod address;

use std::net::{IpAddr, SocketAddr};

pub use address::Reach;

/// What an admin allows for one host, beyond what goes for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The host as in a registry key: lowercase, with the port where the key has one. Without a port it goes for every
    /// port that has no rule of its own.
    pub host: String,
    /// PEM certificates of authorities to trust for it, besides those of the system.
    pub authorities: Option<Vec<u8>>,
    /// Whether it may lie in a private network or on this machine.
    pub allow_private: bool,
    /// Whether it may be spoken to by plain http.
    pub allow_http: bool,
    /// Hosts, with the port where it is not the scheme's own, to whose realms its credentials may go.
    pub realm_hosts: Vec<String>,
}

/// Where credentials may be sent.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    own: Vec<SocketAddr>,
}

impl Policy {
    /// With what an admin allows for single hosts, and the addresses on which the service itself listens.
    #[must_use]
    pub fn new(rules: Vec<Rule>, own: Vec<SocketAddr>) -> Self {
        Self { rules, own }
    }

    /// What is allowed for a host, `host[:port]` as in its registry key.
    #[must_use]
    pub fn rule(&self, host: &str) -> Rule {
        let rule_of = |host: &str| self.rules.iter().find(|rule| rule.host == host);
        let without_port = || rule_of(regcred_core::registry::without_port(host));
        rule_of(host)
            .or_else(without_port)
            .cloned()
            .unwrap_or_else(|| Rule {
                host: host.to_owned(),
                ..Rule::default()
            })
    }

    /// Whether a connection for a host with this rule may go to an address.
    #[must_use]
    pub fn lets(&self, rule: &Rule, address: SocketAddr) -> bool {
        if self.is_own(address) {
            return false;
        }
        match Reach::of(address.ip()) {
            Reach::Public => true,
            Reach::Private => rule.allow_private,
            Reach::Never => false,
        }
    }

    /// Whether the service itself may listen there. Where it listens on every address of the machine, each address that
    /// is not public may be one of them.
    fn is_own(&self, address: SocketAddr) -> bool {
        self.own.iter().any(|own| {
            let everywhere = own.ip().is_unspecified() && Reach::of(address.ip()) != Reach::Public;
            own.port() == address.port()
                && (everywhere || canonical(own.ip()) == canonical(address.ip()))
        })
    }
}

fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_own_listeners_are_never_reached() {
        let rule = Rule {
            host: "localhost".to_owned(),
            allow_private: true,
            ..Rule::default()
        };
        let policy = Policy::new(
            vec![rule.clone()],
            vec![
                "127.0.0.1:8490".parse().unwrap(),
                "[::]:9000".parse().unwrap(),
            ],
        );
        for (address, lets) in [
            ("127.0.0.1:8490", false),
            ("[::ffff:127.0.0.1]:8490", false),
            ("127.0.0.1:5000", true),
            ("[::1]:9000", false),
            ("10.0.0.7:9000", false),
            ("93.184.216.34:9000", true),
        ] {
            assert_eq!(
                policy.lets(&rule, address.parse().unwrap()),
                lets,
                "{address}"
            );
        }
        assert!(!policy.lets(&policy.rule("other"), "127.0.0.1:5000".parse().unwrap()));
        assert!(
            policy.rule("localhost:5000").allow_private
                && !policy.rule("localhost.x").allow_private
        );
    }
}
