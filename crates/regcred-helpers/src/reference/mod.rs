//! What is asked for: a server key or an image, and whether an answer belongs to it.
//!
//! regcred has the whole rules. Here stands what must never go wrong, once more: credentials of another host or of
//! another path are not handed out, whatever a server answers. Everything is ASCII, as docker's own grammar of
//! references is, so that no letter that looks like another one has to be judged.

mod image;
mod place;
mod server_key;

pub(crate) use self::image::Image;
pub(crate) use self::place::Place;
pub(crate) use self::server_key::{ServerKey, key_of_docker};

/// Docker Hub, as regcred names it.
const HUB: &str = "docker.io";
/// Longer than any repository with its host.
const LONGEST: usize = 2048;

fn is_version(segment: &str) -> bool {
    matches!(segment, "v1" | "v2")
}

/// Whether a path begins with the version of the protocol, and goes on behind it.
fn begins_with_version(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(first, _)| is_version(first))
}
