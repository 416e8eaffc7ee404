//! Who uses which credentials, as far as workloads say so.

use super::{WorkloadKind, WorkloadName};
use crate::error::{Error, ErrorKind};
use crate::ids::{CredentialsId, WorkloadId};

/// A workload whose current version uses credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Which.
    pub id: WorkloadId,
    /// What it is.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: WorkloadName,
}

/// What the current versions of an image say of the credentials to pull it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The credentials that they name.
    pub credentials: CredentialsId,
    /// One of those that name them.
    pub by: User,
    /// How many do.
    pub count: u64,
}

impl Pin {
    /// Who pins, in words: "the job `nightly`", "the app `web` and 2 others"; for whoever may not see them, how many.
    #[must_use]
    pub fn by_whom(&self, seen: bool) -> String {
        if !seen {
            return how_many(self.count);
        }
        let named = named(&self.by);
        match self.count.saturating_sub(1) {
            0 => format!("the {named}"),
            1 => format!("the {named} and another one"),
            more => format!("the {named} and {more} others"),
        }
    }
}

/// The refusal to delete credentials which `users` use, or the first of `count` of them.
#[must_use]
pub fn in_use(credentials: CredentialsId, users: &[User], count: u64) -> Error {
    let listed: Vec<_> = users.iter().take(MOST_NAMED).map(named).collect();
    let told = u64::try_from(listed.len()).unwrap_or(u64::MAX);
    let more = match count.saturating_sub(told) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Error::new(
        ErrorKind::InUse,
        format!(
            "the Docker credentials {credentials} are in use by {}{more}; give these others, or delete with `force`, \
             and they can no longer pull with them",
            listed.join(", ")
        ),
    )
}

/// So many workloads, without their names.
fn how_many(count: u64) -> String {
    match count {
        1 => "a job or an app".to_owned(),
        several => format!("{several} jobs and apps"),
    }
}

fn named(user: &User) -> String {
    format!("{} `{}`", user.kind.word(), user.name.as_str())
}

/// So many are named.
pub const MOST_NAMED: usize = 20;
