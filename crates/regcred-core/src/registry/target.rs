//! What is pulled from, and which registry keys cover it.

use super::{ImageReference, Registry, RegistryKey};
use crate::error::{Error, Result};
use crate::text::quoted;

/// What a pull is for: the repository of an image, or a server as docker's clients name it.
///
/// Both are a host and a path in canonical form. The path of a server may be empty: most clients send no more than the
/// host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullTarget {
    host: String,
    path: String,
    asked: String,
}

impl PullTarget {
    /// Reads an image reference. `Invalid` with the reason where it is none.
    pub fn image(text: &str) -> Result<Self> {
        let image = Self::read_image(text).map_err(|error| error.in_field("image"))?;
        Ok(Self::of(&image))
    }

    /// The repository of an image.
    #[must_use]
    pub fn of(image: &ImageReference) -> Self {
        Self {
            host: image.host().to_owned(),
            path: image.repository().to_owned(),
            asked: image.to_string(),
        }
    }

    /// The reference itself. `Invalid` with the reason where it is none.
    pub fn read_image(text: &str) -> Result<ImageReference> {
        ImageReference::parse(text).map_err(|reason| {
            // What is typed before an `@` may be a password, so it is not repeated.
            let shown = if text.contains('@') {
                String::new()
            } else {
                quoted(text) + " "
            };
            Error::invalid(format!("the image {shown}{reason}"))
        })
    }

    /// Reads a server as clients send it: `https://index.docker.io/v1/`, `host:port`, `host/repository`. `Invalid` with
    /// the reason where it is none; also where it is empty, which only a stored registry may be.
    ///
    /// Unlike in a registry that a person typed, `/v1` and `/v2` are an API version only where they are the whole path:
    /// `host/v2/app` is the repository `v2/app`.
    pub fn server(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::invalid(
                "the server is empty; give host[:port], or https://index.docker.io/v1/ for Docker Hub",
            )
            .in_field("server"));
        }
        let key = Registry::parse_key(text, RegistryKey::parse_server)
            .map_err(|error| error.in_field("server"))?;
        Ok(Self {
            host: key.host().to_owned(),
            path: key.scope().to_owned(),
            asked: key.to_string(),
        })
    }

    /// `host[:port]`; Docker Hub is `docker.io`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host without its port.
    #[must_use]
    pub fn host_without_port(&self) -> &str {
        without_port(&self.host)
    }

    /// The path of the repository; empty where only a host was named.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was asked for, in canonical form, an image with its tag and digest.
    #[must_use]
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// Host and path, in the form of a registry key.
    #[must_use]
    pub fn key(&self) -> RegistryKey {
        RegistryKey::of(&self.host, &self.path)
    }

    /// The keys of all scopes that cover the target, the longest first, down to the whole registry. A scope covers by
    /// whole segments: `h/team` is among them for `h/team/app`, never for `h/teamwork`.
    pub fn covering(&self) -> impl Iterator<Item = RegistryKey> {
        let ends = self.path.rmatch_indices('/').map(|(at, _)| at);
        let whole = (!self.path.is_empty()).then_some(self.path.len());
        whole.into_iter().chain(ends).chain([0]).map(|end| {
            let (scope, _) = self.path.split_at(end);
            RegistryKey::of(&self.host, scope)
        })
    }

    /// Whether a key is among those.
    #[must_use]
    pub fn is_covered_by(&self, key: &RegistryKey) -> bool {
        let (scope, path) = (key.scope(), &self.path);
        let behind = path.strip_prefix(scope);
        key.host() == self.host
            && behind
                .is_some_and(|rest| scope.is_empty() || rest.is_empty() || rest.starts_with('/'))
    }
}

/// A canonical host without its port.
#[must_use]
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Inside the brackets of an IPv6 address there is no port.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covering(target: &PullTarget) -> Vec<String> {
        target.covering().map(|key| key.to_string()).collect()
    }

    #[test]
    fn scopes_cover_by_whole_segments() {
        let target = PullTarget::image("h.x:5000/team/app/web:1").unwrap();
        assert_eq!(
            covering(&target),
            [
                "h.x:5000/team/app/web",
                "h.x:5000/team/app",
                "h.x:5000/team",
                "h.x:5000"
            ]
        );
        assert_eq!(
            covering(&PullTarget::image("ubuntu").unwrap()),
            ["docker.io/library/ubuntu", "docker.io/library", "docker.io"]
        );
        assert_eq!(covering(&PullTarget::server("H.x./v2/").unwrap()), ["h.x"]);
        assert_eq!(
            covering(&PullTarget::server("h/v2/app").unwrap()),
            ["h/v2/app", "h/v2", "h"]
        );
        assert_eq!(covering(&PullTarget::server("h/v1").unwrap()), ["h"]);
        assert_eq!(
            covering(&PullTarget::server("h/team").unwrap()),
            ["h/team", "h"]
        );
    }

    #[test]
    fn what_cannot_be_pulled_from_names_its_field_and_repeats_no_password() {
        for (read, text, field) in [
            (
                PullTarget::image as fn(&str) -> Result<PullTarget>,
                "",
                "image",
            ),
            (PullTarget::image, "user:secret@h.x/app", "image"),
            (PullTarget::server, "", "server"),
            (PullTarget::server, "https://user:secret@h.x", "server"),
            (PullTarget::server, "h.x\r\nh.y", "server"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.field(), Some(field), "{text}");
            assert!(!error.message().contains("secret"), "{error}");
        }
    }

    proptest! {
        /// The rule, said another way: a key covers a target of the same host if all its segments are the first ones of
        /// the target's path.
        #[test]
        fn a_key_covers_if_its_segments_are_the_first_ones(
            path in "[ab]{1,2}(/[ab]{1,2}){0,3}",
            scope in "[ab]{1,2}(/[ab]{1,2}){0,3}",
        ) {
            let target = PullTarget::server(&format!("h.x/{path}")).unwrap();
            let key = RegistryKey::parse(&format!("h.x/{scope}")).unwrap();
            let (path, scope): (Vec<_>, Vec<_>) = (path.split('/').collect(), scope.split('/').collect());
            let covers = scope.len() <= path.len() && path[..scope.len()] == scope[..];
            prop_assert_eq!(target.covering().any(|covering| covering == key), covers);
            prop_assert_eq!(target.is_covered_by(&key), covers);
        }

        /// No spelling of one host is covered by the key of another.
        #[test]
        fn another_host_never_covers(
            host in "[a-z]{1,5}\\.[a-z]{2,3}",
            other in "[a-zA-Z.-]{0,6}[a-z]{1,5}\\.[a-z]{2,3}(\\.[a-z]{2,3})?\\.?(:[1-9][0-9]{0,3})?",
        ) {
            if let (Ok(target), Ok(key)) = (PullTarget::server(&format!("{host}/app")), RegistryKey::parse(&other)) {
                let same = other.trim_end_matches('.').eq_ignore_ascii_case(&host);
                prop_assert_eq!(target.covering().any(|covering| covering.host() == key.host()), same);
            }
        }
    }
}
