//! An image: how the kubelet names what it pulls, by the grammar of distribution's references.

use super::{HUB, LONGEST, Place, begins_with_version};
use crate::failure::{Failure, Result};

/// An image as the kubelet names it.
#[derive(Debug)]
pub(crate) struct Image {
    text: String,
    place: Place,
    key: String,
}

impl Image {
    /// Reads an image, with or without tag and digest.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Self::read(text).ok_or_else(|| {
            Failure::new(
                "the image is not of the form [host[:port]/]repository[:tag][@digest]",
                "mend `image` of the pod; nothing was sent",
            )
        })
    }

    /// The image as it was named.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The key by which the kubelet finds credentials for this image's repository.
    ///
    /// The kubelet compares hosts letter by letter, as they are written. All that it does before is to fill in Docker
    /// Hub where there is no host, to take `index.docker.io` for `docker.io`, and to add `library/` there. Of a key's
    /// path it takes off a leading `/v1` or `/v2`, so a repository that begins so stands behind another one.
    pub(crate) fn key_of_kubelet(&self) -> &str {
        &self.key
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (host, rest) = match name.split_once('/') {
            Some((first, rest)) if names_a_host(first) => (first, rest),
            _ => (HUB, name),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        let of_a_path = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte)
        };
        let holds = digest.is_none_or(is_digest)
            && tag.is_none_or(is_tag)
            && !path.is_empty()
            && !path.ends_with('/')
            && path.bytes().all(of_a_path)
            && !host.ends_with('.')
            && !host.contains(".:");
        if !holds {
            return None;
        }
        let mut place = Place::parse(&format!("{host}/{path}")).ok()?;
        if place.host == HUB && !path.contains('/') {
            place.path.insert_str(0, "library/");
        }
        Some(Self {
            text: text.to_owned(),
            place,
            key: key_of_kubelet(host, path),
        })
    }
}

fn key_of_kubelet(host: &str, path: &str) -> String {
    let host = if host == "index.docker.io" { HUB } else { host };
    if host == HUB && !path.contains('/') {
        format!("{host}/library/{path}")
    } else if begins_with_version(path) {
        format!("{host}/v2/{path}")
    } else {
        format!("{host}/{path}")
    }
}

fn names_a_host(first: &str) -> bool {
    first == "localhost"
        || first.contains(['.', ':'])
        || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_tag(tag: &str) -> bool {
    let of_a_tag = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=128).contains(&tag.len()) && tag.bytes().all(of_a_tag) && !tag.starts_with(['.', '-'])
}

/// `algorithm:hex`; for the algorithms that there are, of their own length and in lowercase.
fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let length = match algorithm {
        "sha256" => 64..=64,
        "sha384" => 96..=96,
        "sha512" => 128..=128,
        _ => 32..=256,
    };
    let is_known = length.start() == length.end();
    let of_hex = |byte: u8| byte.is_ascii_hexdigit() && !(is_known && byte.is_ascii_uppercase());
    let is_named = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    length.contains(&hex.len())
        && hex.bytes().all(of_hex)
        && algorithm.split(['-', '_', '+', '.']).all(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_the_kubelet_makes_of_images() {
        let digest = format!("@sha256:{}", "0".repeat(64));
        for (image, key) in [
            ("nginx", "docker.io/library/nginx"),
            ("nginx:1.27", "docker.io/library/nginx"),
            ("acme/app", "docker.io/acme/app"),
            ("index.docker.io/nginx:1", "docker.io/library/nginx"),
            ("docker.io/acme/app", "docker.io/acme/app"),
            (
                "registry-1.docker.io/team/app",
                "registry-1.docker.io/team/app",
            ),
            ("registry-1.docker.io/app", "registry-1.docker.io/app"),
            ("DOCKER.IO/app", "DOCKER.IO/app"),
            ("Index.Docker.io/app", "Index.Docker.io/app"),
            ("localhost/app", "localhost/app"),
            ("host:5000/team/app:1", "host:5000/team/app"),
            ("GHCR.io/team/app", "GHCR.io/team/app"),
            ("[::1]:5000/app", "[::1]:5000/app"),
            ("h.x/v2/app", "h.x/v2/v2/app"),
            ("h.x/v1/app:1", "h.x/v2/v1/app"),
            ("v2/app", "docker.io/v2/v2/app"),
            ("h.x/v2", "h.x/v2"),
            ("h.x/v2app/x", "h.x/v2app/x"),
            ("h.x/v1.0/app", "h.x/v1.0/app"),
        ] {
            for image in [image.to_owned(), format!("{image}{digest}")] {
                let read = Image::parse(&image).unwrap();
                assert_eq!(read.key_of_kubelet(), key, "{image}");
            }
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for wrong in [
            "",
            ":1",
            "/app",
            "ghcr.io/",
            "ghcr.io//app",
            "ghcr.io/../app",
            "ghcr.io/App",
            "ghcr.io/*",
            "*/app",
            "ghcr.io/app/",
            "a b",
            "ghcr.io/app\n",
            "https://ghcr.io/app",
            "u:p@ghcr.io/app",
            "ghcr.io/app:",
            "ghcr.io/app@",
            "ghcr.io/app@sha256:00",
            "ghcr.io/app@sha256:xyz",
            "ghcr.io/app:1@u:p@evil.example",
            "gh%63r.io/app",
            "ghcr.io:0/app",
            "ghcr.io:/app",
            "ghcr.io./app",
            "-ghcr.io/app",
            "ghcr-.io/app",
            "ghcr\u{3002}io/app",
        ] {
            assert!(Image::parse(wrong).is_err(), "{wrong}");
        }
    }

    /// The table of the service's own grammar: what it reads is read alike, and what it refuses for reasons that touch
    /// where credentials go is refused.
    #[test]
    fn images_are_read_as_the_service_reads_them() {
        const TABLE: &str = include_str!("../../../regcred-core/src/registry/image_references.txt");
        let hex = "0123456789abcdef".repeat(4);
        let (mut read, mut refused) = (0, 0);
        for line in TABLE.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line
                .replace("DIGEST", &format!("sha256:{hex}"))
                .replace("HEX64", &hex)
                .replace("LONG255", &format!("a/{}", "b".repeat(253)))
                .replace("LONG256", &format!("a/{}", "b".repeat(254)))
                .replace("TAG128", &"t".repeat(128))
                .replace("TAG129", &"t".repeat(129));
            let (text, expected) = line.split_once(" => ").unwrap();
            let text = if text == "(empty)" { "" } else { text };
            let image = Image::parse(text);
            match expected.split(' ').collect::<Vec<_>>().as_slice() {
                [host, repository, _, _] => {
                    let place = image.unwrap_or_else(|_| panic!("{text}")).place;
                    let expected = ((*host).to_owned(), (*repository).to_owned());
                    assert_eq!((place.host, place.path), expected, "{text}");
                    read += 1;
                }
                ["Host" | "Characters" | "Scheme" | "Empty" | "Uppercase" | "Tag" | "Digest"] => {
                    assert!(image.is_err(), "{text}");
                    refused += 1;
                }
                [_] => {}
                _ => panic!("{line}"),
            }
        }
        assert!(read >= 40 && refused >= 30, "{read} {refused}");
    }
}
