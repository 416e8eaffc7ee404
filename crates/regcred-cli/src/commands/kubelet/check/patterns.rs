//! Patterns of `matchImages`: which of them match no image.

/// What keeps a pattern from ever matching, and what to do.
pub(in super::super) fn of_pattern(pattern: &str) -> Option<(String, String)> {
    let (what, hint) = problem(pattern)?;
    Some((format!("the pattern {pattern:?} {what}"), hint.to_owned()))
}

fn problem(pattern: &str) -> Option<(&'static str, &'static str)> {
    if pattern.contains("://") {
        return Some(("has a scheme, and never matches", "leave the scheme out"));
    }
    let is_odd = |character: char| character.is_whitespace() || character.is_control();
    if pattern.is_empty() || pattern.chars().any(is_odd) {
        return Some(("is empty or holds spaces", "write it as images are written"));
    }
    let (host, path) = pattern.split_once('/').unwrap_or((pattern, ""));
    of_host(host).or_else(|| of_path(path))
}

fn of_host(host: &str) -> Option<(&'static str, &'static str)> {
    if host.contains('@') {
        return Some((
            "has a login before its host, and never matches",
            "leave it out: the provider gives the login",
        ));
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some((
            "has upper case in its host, and images have none",
            "write it in lower case",
        ));
    }
    if host == "*" {
        return Some((
            "matches hosts of one part only, because each part of a host is matched by itself",
            "write as many parts as the hosts have, such as *.example.com",
        ));
    }
    let (name, port) = match host.rsplit_once(':').filter(|_| !host.ends_with(']')) {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    if port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some((
            "has a port that is no number; ports are equal or do not match",
            "write the port itself",
        ));
    }
    if matches!(name, "index.docker.io" | "registry-1.docker.io") {
        return Some((
            "never matches, because images of Docker Hub are docker.io/...",
            "write docker.io",
        ));
    }
    if port.is_none() && !name.contains(['.', ':']) && name != "localhost" {
        return Some((
            "begins with no host, and images without one are those of Docker Hub: it never matches",
            "write the host first; of Docker Hub docker.io, and docker.io/library for its official images",
        ));
    }
    None
}

fn of_path(path: &str) -> Option<(&'static str, &'static str)> {
    if path.contains(['*', '?', '[']) {
        return Some((
            "has a glob in its path, where none counts, and never matches",
            "leave the path out, or write the beginning of it",
        ));
    }
    if path.contains(['@', ':']) {
        return Some(("has a tag or a digest, and never matches", "leave it out"));
    }
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some((
            "has upper case in its path, and images have none: it never matches",
            "write it in lower case",
        ));
    }
    None
}

/// What a pattern matches that its author may not have meant, and what to do.
pub(super) fn doubt(pattern: &str) -> Option<(String, String)> {
    let told = |what: String, hint: String| Some((format!("{pattern:?} {what}"), hint));
    let (host, path) = pattern.split_once('/').unwrap_or((pattern, ""));
    if host == "docker.io" && !path.is_empty() && !path.contains('/') && path != "library" {
        return told(
            format!(
                "matches images below docker.io/{path} only; an official image {path} is docker.io/library/{path}"
            ),
            format!(
                "write docker.io/library/{path}, or docker.io/{path}/ where an account of Docker Hub is meant"
            ),
        );
    }
    let is_address = host.parse::<std::net::Ipv4Addr>().is_ok();
    if host.ends_with(']') || !host.contains(':') && (is_address || !host.contains('.')) {
        return told(
            "has no port, and matches images without one only".to_owned(),
            "write the port as images have it, such as localhost:5000".to_owned(),
        );
    }
    None
}

/// The pattern for a registry of regcred's, by its key.
pub(in super::super) fn of_key(key: &str) -> String {
    match key.split_once('/') {
        // The kubelet compares beginnings; an account of Docker Hub has always something behind it.
        Some(("docker.io", account)) if !account.contains('/') => format!("{key}/"),
        _ => key.to_owned(),
    }
}
