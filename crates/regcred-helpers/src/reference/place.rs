//! A place: a host and a path below it, in one canonical form for server keys, images and answers.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::HUB;

/// A host and a path below it, both in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `host` or `host:port`; Docker Hub is `docker.io`.
    pub(super) host: String,
    /// Whole segments; empty for all of the host.
    pub(super) path: String,
}

impl Place {
    /// Reads `host[:port][/path]`. The error is what a text that is none does.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (authority, path) = text.split_once('/').unwrap_or((text, ""));
        let path = path.trim_end_matches('/');
        let is_trick = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
        if !path.is_empty() && path.split('/').any(is_trick) {
            return Err("has a path with empty parts or dots");
        }
        if text
            .bytes()
            .any(|byte| br#"@?#\%"<>^`{|}*"#.contains(&byte))
        {
            return Err("holds a login, a query or characters that no registry has");
        }
        Ok(Self {
            host: host(authority).ok_or("has no host that can exist")?,
            path: path.to_owned(),
        })
    }

    /// Whether credentials of this registry key may be handed out for the place: the host is the same, and the key's
    /// path is a beginning of the place's by whole segments.
    pub(crate) fn is_covered_by(&self, registry_key: &str) -> bool {
        let Ok(key) = Self::parse(registry_key) else {
            return false;
        };
        let rest = self.path.strip_prefix(&key.path);
        let is_below = rest
            .is_some_and(|rest| key.path.is_empty() || rest.is_empty() || rest.starts_with('/'));
        key.host == self.host && is_below
    }

    /// Whether the registry key is on this place's host.
    pub(crate) fn is_on_host_of(&self, registry_key: &str) -> bool {
        Self::parse(registry_key).is_ok_and(|key| key.host == self.host)
    }
}

/// `host[:port][/path]`, one text for each place.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.path.is_empty() {
            return Ok(());
        }
        write!(f, "/{}", self.path)
    }
}

/// The host in lower case without a dot at its end, with the port as it was typed; Docker Hub by one name.
fn host(authority: &str) -> Option<String> {
    let after_name = authority.rfind(']').map_or(0, |end| end + 1);
    let tail = authority.get(after_name..)?;
    let (name, port) = match tail.find(':') {
        None => (authority, None),
        Some(colon) => {
            let (name, port) = authority.split_at_checked(after_name + colon)?;
            (name, Some(port.strip_prefix(':')?))
        }
    };
    let name = match name.strip_prefix('[') {
        Some(bracketed) => {
            let address: Ipv6Addr = bracketed.strip_suffix(']')?.parse().ok()?;
            format!("[{address}]")
        }
        None => named(name)?,
    };
    match port {
        None if HUBS.contains(&name.as_str()) => Some(HUB.to_owned()),
        None => Some(name),
        Some(port) => {
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit())
                && !port.starts_with('0')
                && port.parse::<u16>().is_ok();
            is_port.then(|| format!("{name}:{port}"))
        }
    }
}

/// A name of labels by RFC 1123, or an IPv4 address.
fn named(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_label = |label: &str| {
        let of_a_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(of_a_label)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let looks_like_an_address = last.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = name.len() <= 253
        && name.split('.').all(is_label)
        && (!looks_like_an_address || name.parse::<Ipv4Addr>().is_ok());
    is_name.then_some(name)
}

/// The hosts that are Docker Hub.
const HUBS: [&str; 3] = [HUB, "index.docker.io", "registry-1.docker.io"];
