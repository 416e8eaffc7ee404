//! Image references, by the grammar of distribution's `reference` package and docker's rules for what is left out.

use std::fmt;

use super::host;
use super::key::{DOCKER_HUB, is_docker_hub};
use super::path::is_path;

/// `host[:port]/repository[:tag][@digest]` in canonical form.
///
/// Without a host it is Docker Hub; there, a repository of one component lies in `library`. A first component is a host
/// if it is `localhost`, has a `.` or `:`, or an uppercase letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageReference {
    /// Reads a reference. The error completes the sentence "the image … ".
    pub fn parse(text: &str) -> Result<Self, ImageReferenceError> {
        use ImageReferenceError as Wrong;
        if text.is_empty() {
            return Err(Wrong::Empty);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Wrong::Characters);
        }
        if text.contains("://") {
            return Err(Wrong::Scheme);
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) if is_digest(digest) => (name, Some(digest.to_owned())),
            Some(_) => return Err(Wrong::Digest),
            None => (text, None),
        };
        let (host, rest) = match name.split_once('/') {
            Some((first, rest)) if names_a_host(first) => (Some(first), rest),
            _ => (None, name),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if is_tag(tag) => (path, Some(tag.to_owned())),
            Some(_) => return Err(Wrong::Tag),
            None => (rest, None),
        };
        if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(Wrong::Uppercase);
        }
        if !is_path(path) {
            return Err(Wrong::Repository);
        }
        // An id of 64 hexadecimal digits names an image on a machine, and none in a registry.
        if host.is_none() && name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Wrong::Id);
        }
        let host = match host {
            Some(host) if host.ends_with('.') || host.contains(".:") => return Err(Wrong::Host),
            Some(host) => host::canonical(host).map_err(|_| Wrong::Host)?,
            None => DOCKER_HUB.to_owned(),
        };
        let (host, repository) = match is_docker_hub(&host) {
            true if path.contains('/') => (DOCKER_HUB.to_owned(), path.to_owned()),
            true => (DOCKER_HUB.to_owned(), format!("library/{path}")),
            false => (host, path.to_owned()),
        };
        if repository.len() > MAX_REPOSITORY {
            return Err(Wrong::Long);
        }
        Ok(Self {
            host,
            repository,
            tag,
            digest,
        })
    }

    /// The registry's `host[:port]`; Docker Hub is `docker.io`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path of the repository.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one is given.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// `algorithm:hex`, if one is given.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Why a text is not an image reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageReferenceError {
    /// No text.
    Empty,
    /// Spaces, control characters, or letters outside ASCII.
    Characters,
    /// `https://` or another scheme.
    Scheme,
    /// No host that can exist.
    Host,
    /// An uppercase letter in the repository.
    Uppercase,
    /// No repository that can exist.
    Repository,
    /// More than 255 characters in the repository.
    Long,
    /// A tag that cannot exist.
    Tag,
    /// A digest that cannot exist.
    Digest,
    /// 64 hexadecimal digits: an image's id.
    Id,
}

impl fmt::Display for ImageReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty; give [host[:port]/]repository[:tag][@digest]",
            Self::Characters => {
                "contains spaces, control characters or letters outside ASCII, which no image reference can"
            }
            Self::Scheme => "has a scheme, which no image reference has; leave out what stands before and with `://`",
            Self::Host => "has no valid host before the first `/`; give host[:port]/repository",
            Self::Uppercase => "has an uppercase letter in its repository, which is lowercase",
            Self::Repository => {
                "has no valid repository; its parts are lowercase letters and digits with single `.`, `_`, `__` or `-` between them"
            }
            Self::Long => "has a repository of more than 255 characters",
            Self::Tag => {
                "has no valid tag behind its last `:`; a tag is 1 to 128 letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`"
            }
            Self::Digest => "has no valid digest behind its `@`; expected one such as sha256: and 64 hexadecimal digits",
            Self::Id => "is the id of an image on some machine, which names no registry; give its repository",
        })
    }
}

fn names_a_host(first: &str) -> bool {
    first == "localhost"
        || first.contains(['.', ':'])
        || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

/// `algorithm:hex`; for the algorithms that there are, of their own length and in lowercase.
fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let lowercase = hex
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match algorithm {
        "sha256" => hex.len() == 64 && lowercase,
        "sha384" => hex.len() == 96 && lowercase,
        "sha512" => hex.len() == 128 && lowercase,
        _ => {
            let named = |part: &str| {
                part.bytes()
                    .next()
                    .is_some_and(|byte| byte.is_ascii_alphabetic())
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            algorithm.split(['-', '_', '+', '.']).all(named)
                && (32..=256).contains(&hex.len())
                && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
    }
}

const MAX_REPOSITORY: usize = 255;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What docker, containerd and the kubelet make of references, from the rules of distribution's grammar: the text,
    /// and host, repository, tag, digest; or why it is none.
    const TABLE: &str = include_str!("image_references.txt");

    #[test]
    fn references_are_read_as_the_ecosystem_reads_them() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        let mut rows = 0;
        for line in TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let line = line
                .replace("DIGEST", &digest)
                .replace("HEX64", &"0123456789abcdef".repeat(4))
                .replace("LONG255", &format!("a/{}", "b".repeat(253)))
                .replace("LONG256", &format!("a/{}", "b".repeat(254)))
                .replace("TAG128", &"t".repeat(128))
                .replace("TAG129", &"t".repeat(129));
            let (text, expected) = line.split_once(" => ").expect(&line);
            let text = if text == "(empty)" { "" } else { text };
            let read = match ImageReference::parse(text) {
                Ok(image) => format!(
                    "{} {} {} {}",
                    image.host(),
                    image.repository(),
                    image.tag().unwrap_or("-"),
                    image.digest().unwrap_or("-")
                ),
                Err(why) => format!("{why:?}"),
            };
            assert_eq!(read, expected, "{text}");
            rows += 1;
        }
        assert!(rows >= 80, "{rows} rows of the table were read");
    }

    fn repository() -> impl Strategy<Value = String> {
        "[a-z0-9]{1,8}((\\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}(/[a-z0-9]{1,8}){0,3}"
    }

    proptest! {
        #[test]
        fn canonical_text_is_read_as_itself(
            host in "[a-z0-9]{1,9}\\.[a-z]{2,5}(:[1-9][0-9]{0,3})?",
            repository in repository(),
            tag in proptest::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}"),
            digest in proptest::option::of("sha256:[0-9a-f]{64}"),
        ) {
            let mut text = format!("{host}/{repository}");
            if let Some(tag) = &tag { text = format!("{text}:{tag}"); }
            if let Some(digest) = &digest { text = format!("{text}@{digest}"); }
            let read = ImageReference::parse(&text).unwrap();
            prop_assert_eq!((read.host(), read.repository()), (host.as_str(), repository.as_str()));
            prop_assert_eq!((read.tag(), read.digest()), (tag.as_deref(), digest.as_deref()));
            prop_assert_eq!(read.to_string(), text);
        }

        #[test]
        fn what_is_read_is_read_again_as_the_same(text in "[a-zA-Z0-9.:/@_\\[\\]-]{1,40}") {
            // A host that only its uppercase letter told apart is none in lowercase.
            if let Ok(first) = ImageReference::parse(&text) && names_a_host(first.host()) {
                prop_assert_eq!(ImageReference::parse(&first.to_string()), Ok(first));
            }
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,80}") {
            let _ = ImageReference::parse(&text);
        }
    }
}
