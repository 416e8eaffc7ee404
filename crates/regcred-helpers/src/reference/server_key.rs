//! A server key: how a client of docker's protocol names a registry.

use super::{HUB, LONGEST, Place, begins_with_version, is_version};
use crate::failure::{Failure, NO_SERVER, Result};

/// A server key as a client of a registry sends it.
#[derive(Debug)]
pub(crate) struct ServerKey {
    text: String,
    place: Place,
}

impl ServerKey {
    /// Reads a key, around which there may be blanks. What is refused is not repeated: it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(Failure::known(
                NO_SERVER,
                "standard input must hold a server key",
            ));
        }
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused(
                "holds control characters, spaces or letters beyond ASCII, or is too long",
            ));
        }
        let mut place = Place::parse(without_scheme(text)?).map_err(refused)?;
        // `host/v2/` is all of the host; `host/v2/app` is a repository.
        if is_version(&place.path) {
            place.path.clear();
        }
        Ok(Self {
            text: text.to_owned(),
            place,
        })
    }

    /// The key as it was sent.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The registry to keep credentials for: none for Docker Hub as a whole.
    ///
    /// A registry that is kept loses a version at the beginning of its path: credentials for `host/v2/app` would count
    /// for `host/app`. So that is an error.
    pub(crate) fn registry(&self) -> Result<Option<&str>> {
        let Place { host, path } = &self.place;
        if begins_with_version(path) {
            return Err(Failure::new(
                "regcred cannot limit credentials to a path that begins with v1 or v2",
                "log in to all of the host; nothing was changed",
            ));
        }
        let is_the_hub = host == HUB && path.is_empty();
        Ok((!is_the_hub).then_some(self.as_str()))
    }

    /// Whether docker keeps a token of its own login by browser under this key. It is no credentials of a registry.
    pub(crate) fn is_dockers_own(&self) -> bool {
        self.place.host == HUB
            && matches!(
                self.place.path.as_str(),
                "v1/access-token" | "v1/refresh-token"
            )
    }
}

/// The key by which docker's helpers get the credentials of a registry key, and of no other; `None` where there is none.
pub(crate) fn key_of_docker(registry_key: &str) -> Option<&str> {
    let key = if registry_key == HUB {
        DOCKERS_HUB
    } else {
        registry_key
    };
    let read = ServerKey::parse(key).ok()?;
    Place::parse(registry_key)
        .is_ok_and(|place| place == read.place)
        .then_some(key)
}

fn without_scheme(text: &str) -> Result<&str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(text);
    };
    if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
        Ok(rest)
    } else {
        Err(refused("has a scheme other than http and https"))
    }
}

fn refused(why: &str) -> Failure {
    Failure::new(
        format!("the server key {why}"),
        "a key is host[:port][/path], or https://index.docker.io/v1/ for Docker Hub; nothing was sent",
    )
}

/// Docker Hub, as docker names it.
const DOCKERS_HUB: &str = "https://index.docker.io/v1/";

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(key: &str, registry_key: &str) -> bool {
        ServerKey::parse(key).is_ok_and(|key| key.place().is_covered_by(registry_key))
    }

    #[test]
    fn an_answer_belongs_to_its_host_and_to_whole_segments_of_its_path() {
        for (key, registry_key) in [
            ("ghcr.io", "ghcr.io"),
            ("GHCR.io.", "ghcr.io"),
            ("https://ghcr.io/", "ghcr.io"),
            ("ghcr.io/v2/", "ghcr.io"),
            ("ghcr.io/v1", "ghcr.io"),
            ("ghcr.io/v2/app", "ghcr.io"),
            ("ghcr.io/v2/app", "ghcr.io/v2"),
            ("ghcr.io/team/app", "ghcr.io/team"),
            ("ghcr.io/team", "ghcr.io/team"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("docker.io/acme/app", "docker.io/acme"),
            ("localhost:5000", "localhost:5000"),
            ("[0:0::1]:5000", "[::1]:5000"),
        ] {
            assert!(covers(key, registry_key), "{key} {registry_key}");
        }
        for (key, registry_key) in [
            ("ghcr.io", "ghcr.io.evil.example"),
            ("ghcr.io", "evil-ghcr.io"),
            ("ghcr.io", "ghcr.io:443"),
            ("ghcr.io:443", "ghcr.io"),
            ("ghcr.io", "ghcr.io/team"),
            ("ghcr.io", "ghcr.io/v2"),
            ("ghcr.io/v2/", "ghcr.io/v2"),
            ("ghcr.io/v2/app", "ghcr.io/app"),
            ("ghcr.io/app", "ghcr.io/v2/app"),
            ("ghcr.io/app", "ghcr.io/v2"),
            ("ghcr.io/teamwork", "ghcr.io/team"),
            ("ghcr.io/v1/x", "ghcr.io/v2"),
            ("docker.io:443", "docker.io"),
            ("evil.example/ghcr.io", "ghcr.io"),
            ("ghcr.io", ""),
            ("ghcr.io", "xn--ghr-2na.io"),
        ] {
            assert!(!covers(key, registry_key), "{key} {registry_key}");
        }
    }

    #[test]
    fn a_key_of_docker_is_read_as_its_registry_key() {
        for (registry_key, key) in [
            ("docker.io", Some("https://index.docker.io/v1/")),
            ("docker.io/acme", Some("docker.io/acme")),
            ("ghcr.io/v2/app", Some("ghcr.io/v2/app")),
            // It would be read as all of the host.
            ("ghcr.io/v2", None),
            ("ghcr.io\n", None),
            ("", None),
        ] {
            assert_eq!(key_of_docker(registry_key), key, "{registry_key:?}");
        }
    }
}
