//! How clients spell a registry when they look for its credentials.

use std::fmt;
use std::str::FromStr;

use super::{DOCKER_HUB, DOCKER_HUB_OF_DOCKER};

/// The host of a registry, `host[:port]` in lower case; Docker Hub is `docker.io` however it was typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RegistryHost(String);

/// What somebody gives who means a registry or an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) host: RegistryHost,
    /// The image as the server is asked for it; `None` where only a registry was given.
    pub(crate) image: Option<String>,
}

impl RegistryHost {
    /// The key that docker sends and looks for.
    pub(crate) fn of_docker(&self) -> &str {
        if self.0 == DOCKER_HUB {
            DOCKER_HUB_OF_DOCKER
        } else {
            &self.0
        }
    }

    /// The key that podman, skopeo and buildah send and look for.
    pub(crate) fn of_containers(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RegistryHost {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let rest = without_scheme(typed)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !matches!(path.trim_end_matches('/'), "" | "v1" | "v2") {
            return Err("has a path; clients choose a credential helper by host alone");
        }
        Self::of_host(host)
    }
}

impl RegistryHost {
    fn of_host(host: &str) -> Result<Self, &'static str> {
        let host = host.to_ascii_lowercase();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(fits) || host.starts_with([':', '.', '-']) {
            return Err("has no valid host; give host or host:port, or docker.io");
        }
        if DOCKER_HUB_HOSTS.contains(&host.as_str()) {
            return Ok(Self(DOCKER_HUB.to_owned()));
        }
        Ok(Self(host))
    }
}

impl FromStr for Reference {
    type Err = &'static str;

    /// A registry, `ghcr.io` or `https://index.docker.io/v1/`, or an image, `alpine` or `ghcr.io/team/app:1`. What could
    /// be both, a first part that looks like a host with nothing behind it, is a registry.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        if typed.contains("://") {
            let host = typed.parse()?;
            return Ok(Self { host, image: None });
        }
        without_scheme(typed)?;
        let (first, rest) = typed.split_once('/').unwrap_or((typed, ""));
        let is_host = first == "localhost"
            || first.contains('.')
            || first.contains(':') && !rest.is_empty()
            || first.starts_with("localhost:")
            || first.bytes().any(|byte| byte.is_ascii_uppercase());
        let is_host = is_host || first.contains(':') && is_port(first);
        if !is_host {
            return Ok(Self {
                host: RegistryHost(DOCKER_HUB.to_owned()),
                image: Some(typed.to_owned()),
            });
        }
        Ok(Self {
            host: RegistryHost::of_host(first)?,
            image: (!rest.is_empty()).then(|| typed.to_owned()),
        })
    }
}

/// Whether what stands behind the last colon may be a port other than a tag such as `1`: three digits or more.
fn is_port(host: &str) -> bool {
    host.rsplit_once(':')
        .is_some_and(|(_, port)| port.len() >= 3 && port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn without_scheme(typed: &str) -> Result<&str, &'static str> {
    if typed
        .chars()
        .any(|character| character.is_whitespace() || character.is_control())
    {
        return Err("holds spaces or control characters; remove them");
    }
    Ok(match typed.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some(_) => return Err("has a scheme other than http and https; leave it out"),
        None => typed,
    })
}

const DOCKER_HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_key() {
        for (typed, docker, containers) in [
            ("docker.io", DOCKER_HUB_OF_DOCKER, "docker.io"),
            (DOCKER_HUB_OF_DOCKER, DOCKER_HUB_OF_DOCKER, "docker.io"),
            ("GHCR.io", "ghcr.io", "ghcr.io"),
            (
                "https://localhost:5000/v2/",
                "localhost:5000",
                "localhost:5000",
            ),
        ] {
            let host: RegistryHost = typed.parse().unwrap();
            assert_eq!(
                (host.of_docker(), host.of_containers()),
                (docker, containers)
            );
        }
        for typed in [
            "ghcr.io/team",
            "",
            "ftp://ghcr.io",
            "a b",
            "user@host",
            "https://",
            "host\n",
        ] {
            assert!(typed.parse::<RegistryHost>().is_err(), "{typed:?}");
        }
    }

    #[test]
    fn a_registry_and_an_image_are_told_apart() {
        for (typed, host, is_image) in [
            ("alpine", "docker.io", true),
            ("alpine:3", "docker.io", true),
            ("team/app", "docker.io", true),
            ("docker.io/library/alpine", "docker.io", true),
            ("ghcr.io", "ghcr.io", false),
            ("localhost:5000", "localhost:5000", false),
            ("registry:5000", "registry:5000", false),
            ("registry:5000/app", "registry:5000", true),
            ("ghcr.io/team/app:1", "ghcr.io", true),
            (DOCKER_HUB_OF_DOCKER, "docker.io", false),
        ] {
            let read: Reference = typed.parse().unwrap();
            assert_eq!(
                (read.host.0.as_str(), read.image.is_some()),
                (host, is_image),
                "{typed}"
            );
        }
    }
}
