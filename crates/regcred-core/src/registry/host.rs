//! The canonical form of `host[:port]`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::key::RegistryKeyError;

/// Lowercase, without a trailing dot, international names in their ASCII form, the port as typed.
pub(super) fn canonical(authority: &str) -> Result<String, RegistryKeyError> {
    let (host, port) = split_port(authority)?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => ipv6(bracketed)?,
        None => name(host)?,
    };
    Ok(match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), RegistryKeyError> {
    if authority.starts_with('[') && !authority.contains(']') {
        return Err(RegistryKeyError::Host);
    }
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (_, tail) = authority.split_at(after_host);
    match tail.split_once(':') {
        None => Ok((authority, None)),
        Some((before, port)) => {
            let (host, _) = authority.split_at(after_host + before.len());
            parse_port(port).map(|port| (host, Some(port)))
        }
    }
}

fn parse_port(port: &str) -> Result<u16, RegistryKeyError> {
    if port.starts_with('0') || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RegistryKeyError::Port);
    }
    port.parse().map_err(|_| RegistryKeyError::Port)
}

fn ipv6(bracketed: &str) -> Result<String, RegistryKeyError> {
    let address = bracketed.strip_suffix(']').ok_or(RegistryKeyError::Host)?;
    let address: Ipv6Addr = address.parse().map_err(|_| RegistryKeyError::Host)?;
    Ok(format!("[{address}]"))
}

fn name(host: &str) -> Result<String, RegistryKeyError> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let ascii = idna::domain_to_ascii(host).map_err(|_| RegistryKeyError::Host)?;
    // The mapping of international names may bring a dot of its own to the end.
    let ascii = ascii.trim_end_matches('.');
    let labels_hold = ascii.split('.').all(is_label);
    let looks_like_ipv4 = ascii
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if !labels_hold || ascii.len() > 253 || (looks_like_ipv4 && ascii.parse::<Ipv4Addr>().is_err())
    {
        return Err(RegistryKeyError::Host);
    }
    Ok(ascii.to_owned())
}

/// RFC 1123: 1 to 63 letters, digits and hyphens, no hyphen at either end.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}
