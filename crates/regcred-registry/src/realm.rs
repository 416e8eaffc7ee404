//! Which realm may be given credentials: one on the registry's own host and port, or on a listed host.

use reqwest::Url;

use crate::origin::Origin;
use crate::policy::{Policy, Rule};

/// The realm of a challenge by the registry at `registry`, where its credentials may go there.
///
/// It has no userinfo. Its host and port are the registry's, and then its scheme is, too, or https; or they are on the
/// list, and then it is https, or http where the realm's own rule allows that and the registry is spoken to so.
pub(crate) fn allowed(realm: &str, registry: &Origin, rule: &Rule, policy: &Policy) -> Option<Url> {
    let url = Url::parse(realm).ok()?;
    let is_http = match url.scheme() {
        "https" => false,
        // Whoever was spoken to by https does not lead away from it.
        "http" if !registry.is_https() => true,
        _ => return None,
    };
    if !url.username().is_empty() || url.password().is_some() || realm.contains('@') {
        return None;
    }
    let same = url.host() == registry.root().host()
        && url.port_or_known_default() == registry.root().port_or_known_default();
    let goes = if same {
        !is_http || rule.allow_http
    } else if is_http {
        // Without a port, the list means that of https.
        let host = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
        rule.realm_hosts.contains(&host) && policy.rule(&host).allow_http
    } else {
        let host = Origin::of_url(&url).host();
        rule.realm_hosts.contains(&host) || PRESET.contains(&(rule.host.as_str(), host.as_str()))
    };
    goes.then_some(url)
}

/// Well-known registries whose token server has another name: the registry, and the host of its realm.
const PRESET: [(&str, &str); 2] = [
    ("docker.io", "auth.docker.io"),
    ("registry.gitlab.com", "gitlab.com"),
];

#[cfg(test)]
mod tests {
    use regcred_core::registry::RegistryKey;

    use super::*;

    #[test]
    fn credentials_go_to_the_registrys_own_host_and_to_listed_ones() {
        for (registry, scheme, realm, goes) in [
            ("h.x", "https", "https://h.x/token", true),
            ("h.x", "https", "https://H.X:443/token?a=b", true),
            ("h.x:5000", "https", "https://h.x:5000/token", true),
            ("docker.io", "https", "https://auth.docker.io/token", true),
            (
                "registry.gitlab.com",
                "https",
                "https://gitlab.com/jwt/auth",
                true,
            ),
            ("listing.x", "https", "https://auth.x:8443/token", true),
            ("plain.x", "http", "http://plain.x/token", true),
            ("plain.x", "http", "https://auth.x:8443/token", false),
            ("h.x", "https", "https://evil.x/token", false),
            ("h.x", "https", "https://h.x.evil/token", false),
            ("h.x", "https", "https://evil.h.x/token", false),
            ("h.x", "https", "https://h.x:444/token", false),
            ("h.x:5000", "https", "https://h.x/token", false),
            ("h.x", "https", "http://h.x/token", false),
            ("h.x", "https", "http://h.x:443/token", false),
            ("plain.x", "https", "http://plain.x/token", false),
            ("h.x", "https", "https://user@h.x/token", false),
            ("h.x", "https", "https://h.x@evil.x/token", false),
            ("h.x", "https", "https://:pw@h.x/token", false),
            ("h.x", "https", "ftp://h.x/token", false),
            ("h.x", "https", "file:///etc/passwd", false),
            ("h.x", "https", "/token", false),
            ("h.x", "https", "//h.x/token", false),
            ("h.x", "https", "", false),
            (
                "h.x",
                "https",
                "https://169.254.169.254/latest/meta-data",
                false,
            ),
            ("h.x", "https", "https://[::1]/token", false),
            ("h.x", "https", "https://auth.docker.io/token", false),
            (
                "docker.io",
                "https",
                "https://auth.docker.io:8443/token",
                false,
            ),
            (
                "docker.io",
                "https",
                "https://auth.docker.io.evil.x/token",
                false,
            ),
            ("listing.x", "https", "https://auth.x/token", false),
            // A realm elsewhere is spoken to in the clear only where its own rule says so, and the list names the port.
            ("plain.x", "http", "https://auth.x/token", true),
            ("plain.x", "http", "http://auth.x/token", false),
            ("plain.x", "http", "http://bare.x/token", false),
            ("plain.x", "http", "http://plain-auth.x/token", true),
            ("plain.x", "https", "http://plain-auth.x/token", false),
            ("docker.io", "http", "http://auth.docker.io/token", false),
        ] {
            let key = RegistryKey::parse(registry).unwrap();
            let origin = Origin::of_registry(&key, scheme).unwrap();
            let rule = Rule {
                host: registry.to_owned(),
                allow_http: scheme == "http" || registry == "plain.x",
                realm_hosts: match registry {
                    "listing.x" => vec!["auth.x:8443".to_owned()],
                    "plain.x" => vec![
                        "auth.x".to_owned(),
                        "auth.x:80".to_owned(),
                        "bare.x".to_owned(),
                        "plain-auth.x:80".to_owned(),
                    ],
                    _ => Vec::new(),
                },
                ..Rule::default()
            };
            let of_realm = |host: &str| Rule {
                host: host.to_owned(),
                allow_http: true,
                ..Rule::default()
            };
            let rules = vec![of_realm("plain-auth.x:80"), of_realm("bare.x")];
            let policy = Policy::new(rules, Vec::new());
            assert_eq!(
                allowed(realm, &origin, &rule, &policy).is_some(),
                goes,
                "{registry} {realm}"
            );
        }
    }
}
