//! What a pull is for, and what it comes to.

use std::time::Duration;

use regcred_client::Secret;
use regcred_client::regcred::Account;

use crate::reference::{Image, Place, ServerKey};

/// What credentials are asked for.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    Server(&'a ServerKey),
    Image(&'a Image),
}

/// What a pull comes to.
pub(crate) enum Found {
    /// Credentials to hand out.
    Credentials(Handed),
    /// There are none; the words are the server's.
    Nothing(String),
}

/// Credentials to hand out.
pub(crate) struct Handed {
    pub(crate) username: String,
    pub(crate) password: Secret,
    /// How long they may be used again; `None` where nothing bounds it.
    pub(crate) good_for: Option<Duration>,
}

impl<'a> Asked<'a> {
    /// As it was asked for.
    pub(super) fn reference(self) -> &'a str {
        match self {
            Self::Server(key) => key.as_str(),
            Self::Image(image) => image.as_str(),
        }
    }

    pub(super) fn place(self) -> &'a Place {
        match self {
            Self::Server(key) => key.place(),
            Self::Image(image) => image.place(),
        }
    }
}

/// Usernames as people read them, in a bounded length.
pub(crate) fn usernames<'a>(all: impl Iterator<Item = &'a str>) -> String {
    listed(all.map(|name| format!("{name:?}")))
}

/// Accounts likewise, with the ids by which a configuration names them.
pub(super) fn accounts(all: &[Account]) -> String {
    listed(
        all.iter()
            .map(|one| format!("{:?} ({})", one.username, one.credentials_id)),
    )
}

fn listed(all: impl Iterator<Item = String>) -> String {
    all.take(MOST_NAMED).collect::<Vec<_>>().join(", ")
}

const MOST_NAMED: usize = 10;
