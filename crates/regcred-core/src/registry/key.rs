//! The canonical form of a registry, for uniqueness and matching.

use std::fmt;

use super::host;
use super::path::is_path;

/// `host[:port][/scope]` in canonical form; Docker Hub is `docker.io`.
///
/// The rules are those of docker and the kubelet: a scheme does not count, the port counts as typed
/// (`h` and `h:443` differ), the path is a scope of whole segments.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryKey(String);

impl RegistryKey {
    /// Reads what a user typed; empty is Docker Hub.
    ///
    /// The error completes the sentence "the registry … ".
    pub fn parse(typed: &str) -> Result<Self, RegistryKeyError> {
        let (host, path) = read(typed)?;
        let scope = match path.split_once('/') {
            Some(("v1" | "v2", rest)) => rest,
            None if matches!(path, "v1" | "v2") => "",
            _ => path,
        };
        // Its key would be read as another one.
        if matches!(scope.split('/').next(), Some("v1" | "v2")) {
            return Err(RegistryKeyError::Version);
        }
        Ok(Self::of(&host, scope))
    }

    /// Reads what a client sends: as [`Self::parse`], but an API version is one only where it is the whole path.
    pub(super) fn parse_server(sent: &str) -> Result<Self, RegistryKeyError> {
        let (host, path) = read(sent)?;
        let path = if matches!(path, "v1" | "v2") {
            ""
        } else {
            path
        };
        Ok(Self::of(&host, path))
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(key: String) -> Self {
        Self(key)
    }

    /// The key of a scope at a host, both canonical; the scope may be empty.
    pub(super) fn of(host: &str, scope: &str) -> Self {
        Self(if scope.is_empty() {
            host.to_owned()
        } else {
            format!("{host}/{scope}")
        })
    }

    /// `host[:port]`; Docker Hub is `docker.io`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(host, _)| host)
    }

    /// The path to which it is limited; empty for a whole registry.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, scope)| scope)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegistryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text names no registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryKeyError {
    /// Spaces or control characters.
    Blank,
    /// Neither http nor https.
    Scheme,
    /// `user@` or `user:password@`.
    Userinfo,
    /// `?…`
    Query,
    /// `#…`
    Fragment,
    /// No host, or none that can exist.
    Host,
    /// Not 1 to 65535, or with leading zeros.
    Port,
    /// A path that no image can have.
    Path,
    /// A path that begins with an API version twice.
    Version,
}

impl fmt::Display for RegistryKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blank => "contains spaces or control characters; remove them",
            Self::Scheme => "has a scheme other than http and https; give host[:port][/path]",
            Self::Userinfo => "contains a login before the host; give the login as the username instead",
            Self::Query => "contains a query (`?`); give host[:port][/path] only",
            Self::Fragment => "contains a fragment (`#`); give host[:port][/path] only",
            Self::Host => "has no valid host; give host[:port][/path], or leave it out for Docker Hub",
            Self::Port => "has no valid port; a port is 1 to 65535",
            Self::Path => {
                "has a path that no image can have; its parts are lowercase letters and digits with single `.`, `_`, `__` or `-` between them"
            }
            Self::Version => {
                "has `/v1` or `/v2` twice at the beginning of its path; credentials cannot be limited to such a path, leave it out"
            }
        })
    }
}

fn without_scheme(typed: &str) -> Result<&str, RegistryKeyError> {
    match typed.split_once("://") {
        Some((scheme, rest))
            if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") =>
        {
            Ok(rest)
        }
        Some(_) => Err(RegistryKeyError::Scheme),
        None => Ok(typed),
    }
}

/// Canonical host, and path without trailing slashes; nothing is Docker Hub.
fn read(text: &str) -> Result<(String, &str), RegistryKeyError> {
    if text.is_empty() {
        return Ok((DOCKER_HUB.to_owned(), ""));
    }
    if text
        .chars()
        .any(|character| character.is_whitespace() || character.is_control())
    {
        return Err(RegistryKeyError::Blank);
    }
    let rest = without_scheme(text)?;
    for (mark, error) in [
        ('@', RegistryKeyError::Userinfo),
        ('?', RegistryKeyError::Query),
        ('#', RegistryKeyError::Fragment),
    ] {
        if rest.contains(mark) {
            return Err(error);
        }
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut host = host::canonical(authority)?;
    if is_docker_hub(&host) {
        DOCKER_HUB.clone_into(&mut host);
    }
    let path = path.trim_end_matches('/');
    if path.is_empty() || is_path(path) {
        Ok((host, path))
    } else {
        Err(RegistryKeyError::Path)
    }
}

/// Whether a canonical host is one of Docker Hub's names.
pub(super) fn is_docker_hub(host: &str) -> bool {
    host == DOCKER_HUB || DOCKER_HUB_HOSTS.contains(&host)
}

/// The key of Docker Hub.
pub(super) const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_HOSTS: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(typed: &str) -> Result<String, RegistryKeyError> {
        RegistryKey::parse(typed).map(|key| key.0)
    }

    #[test]
    fn docker_hub_has_many_spellings() {
        for typed in [
            "",
            "docker.io",
            "index.docker.io",
            "registry-1.docker.io",
            "https://index.docker.io/v1/",
            "DOCKER.IO.",
            "http://docker.io//",
            "https://index.docker.io/v1",
            "index.docker.io/v2/",
        ] {
            assert_eq!(key(typed).as_deref(), Ok("docker.io"), "{typed}");
        }
        assert_eq!(
            key("index.docker.io/v1/team").as_deref(),
            Ok("docker.io/team")
        );
    }

    #[test]
    fn hosts_ports_and_scopes_become_canonical() {
        for (typed, expected) in [
            ("GHCR.io", "ghcr.io"),
            ("https://ghcr.io/", "ghcr.io"),
            (
                "HTTP://registry.example.com.:5000/Team"
                    .to_lowercase()
                    .as_str(),
                "registry.example.com:5000/team",
            ),
            ("host:443", "host:443"),
            ("host/v2/a/b///", "host/a/b"),
            ("host/v1team", "host/v1team"),
            ("localhost:5000", "localhost:5000"),
            ("[::0001]:5000", "[::1]:5000"),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("bücher.example", "xn--bcher-kva.example"),
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            ),
        ] {
            assert_eq!(key(typed).as_deref(), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn what_is_no_registry_says_why() {
        use RegistryKeyError::{
            Blank, Fragment, Host, Path, Port, Query, Scheme, Userinfo, Version,
        };
        for (typed, expected) in [
            ("my registry", Blank),
            ("host\n", Blank),
            ("\u{a0}host", Blank),
            ("ftp://host", Scheme),
            ("://host", Scheme),
            ("user@host", Userinfo),
            ("https://user:pw@host/", Userinfo),
            ("host?x=1", Query),
            ("host#x", Fragment),
            ("/", Host),
            ("//", Host),
            ("https://", Host),
            ("https:///v2", Host),
            (".", Host),
            ("a..b", Host),
            ("-a.example", Host),
            ("a_b", Host),
            ("300.1.2.3", Host),
            ("[::1%eth0]", Host),
            ("[::1", Host),
            ("[host]", Host),
            ("host\\x", Host),
            ("host:", Port),
            ("host:0", Port),
            ("host:65536", Port),
            ("host:0443", Port),
            ("host:x", Port),
            ("host/v1/v2", Version),
            ("host/v2/v1/app", Version),
            ("host/Team", Path),
            ("host/a//b", Path),
            ("host/../b", Path),
            ("host/a:tag", Path),
            ("host/%61", Path),
            ("host/é", Path),
            ("::1", Port),
        ] {
            assert_eq!(key(typed), Err(expected), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(typed in "(https?://)?[a-z0-9.:\\[\\]-]{1,20}(/(v1|v2|[a-zA-Z0-9._-]{0,8})){0,3}/?") {
            if let Ok(first) = RegistryKey::parse(&typed) {
                prop_assert_eq!(RegistryKey::parse(first.as_str()), Ok(first));
            }
        }

        #[test]
        fn nothing_panics(typed in "\\PC{0,60}") {
            let _ = RegistryKey::parse(&typed);
        }
    }
}
