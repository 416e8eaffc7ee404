//! Whether credentials work: what came of trying them at their registry, and when they are tried by itself.
//!
//! [`schedule`] has the rules of when, [`Hosts`] which registries are left alone for now and [`Accounts`] which
//! accounts. All of it is pure: the service asks them and waits.

mod accounts;
mod hosts;
mod saving;
pub mod schedule;

use std::fmt;
use std::time::Duration;

use crate::alert::{Announced, Announcement};
use crate::audit::AuditEvent;
use crate::clock::Timestamp;
use crate::credentials::{DockerCredentials, Username};
use crate::ids::{CredentialsId, ProjectId};
use crate::webhook::Target;
pub use accounts::{Accounts, LeftAlone};
pub use hosts::Hosts;
pub use saving::{Proved, SavingPolicy};

/// What is known of credentials after they were tried. Only [`Self::Rejected`] and [`Self::NoPullRight`] say that they
/// are bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The registry let them in; with a repository to probe, it let pull from it, too.
    Ok,
    /// The registry, or its token server, refused them: 401 or 403.
    Rejected,
    /// They log in, but may not pull from the repository that was probed.
    NoPullRight,
    /// Nothing was proved: the registry asks for no login, or does not answer as a registry does.
    Unverifiable,
    /// No answer: network, TLS, or 5xx.
    Unreachable,
    /// 429: ask later.
    RateLimited,
    /// Our own policy does not let them be sent there.
    Blocked,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Rejected,
        Self::NoPullRight,
        Self::Unverifiable,
        Self::Unreachable,
        Self::RateLimited,
        Self::Blocked,
    ];

    /// The word under which it is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::NoPullRight => "no_pull_right",
            Self::Unverifiable => "unverifiable",
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::Blocked => "blocked",
        }
    }

    /// The verdict that [`Self::word`] names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }

    /// Whether it says that the credentials are bad.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Rejected | Self::NoPullRight)
    }

    /// Whether it says anything of the credentials, be it good or bad.
    #[must_use]
    pub fn is_proof(self) -> bool {
        self == Self::Ok || self.is_bad()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What trying credentials brought. Nothing else of the other end's comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What is known now.
    pub verdict: Verdict,
    /// For how long the registry, or its token server, asks to be left alone.
    pub retry_after: Option<Duration>,
    /// When the password runs out, where they said so to one who logged in.
    pub expires: Option<Timestamp>,
}

impl From<Verdict> for Proof {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            retry_after: None,
            expires: None,
        }
    }
}

/// How credentials are watched.
#[derive(Clone, Debug)]
pub struct Watch {
    /// How often they are tried by itself.
    pub every: Duration,
    /// Who is told where something is wrong with them.
    pub webhooks: Vec<Target>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            every: schedule::DEFAULT_EVERY,
            webhooks: Vec::new(),
        }
    }
}

/// Credentials that are to be tried by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueCheck {
    /// The project.
    pub project: ProjectId,
    /// The credentials.
    pub credentials: CredentialsId,
    /// The version that counts.
    pub version: u32,
    /// `host[:port]` of the registry key.
    pub host: String,
    /// The account there.
    pub username: Username,
    /// Since when.
    pub due: Timestamp,
}

/// What is to be tried by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueChecks {
    /// The first ones of each host, those that are due longest first.
    pub checks: Vec<DueCheck>,
    /// Whether there are more, for which there was no room.
    pub more: bool,
}

/// What is counted of the version of credentials that counts. A new one begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often in a row it was found bad: only that it works ends the row, not a try that proves nothing. Where there is
    /// one, that was told.
    pub refusals: u32,
    /// How often in a row the registry did not answer.
    pub failures: u32,
}

/// What is known of credentials at the moment at which a proof of them is written down.
#[derive(Debug)]
pub struct Tried<'a> {
    /// The row as it is now: perhaps of another version than the one that was tried.
    pub credentials: &'a DockerCredentials,
    /// What was counted of the row's version before.
    pub counts: Counts,
}

/// What is written down with a proof.
pub struct ProofDecision {
    /// The event that says so.
    pub event: AuditEvent,
    /// What it changes of the credentials; `None` where they have another version by now, or where it says
    /// nothing of what they are for.
    pub consequence: Option<Consequence>,
}

/// What a proof changes of the version that was tried.
pub struct Consequence {
    /// When they are tried again by itself.
    pub due: Timestamp,
    /// What is counted from now on.
    pub counts: Counts,
    /// When they run out, where that was learnt only now.
    pub expires: Option<Timestamp>,
    /// What is to be told.
    pub announcement: Option<Announcement>,
}

/// A proof that is written down.
#[derive(Debug)]
pub struct Recorded {
    /// What was found.
    pub verification: Verification,
    /// What is told of it.
    pub announced: Option<Announced>,
}

/// A proof of credentials that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Of which credentials.
    pub credentials: CredentialsId,
    /// The version of the password that was tried.
    pub version: u32,
    /// What came of it.
    pub verdict: Verdict,
    /// Whether the right to pull was tried, too.
    pub probed: bool,
    /// When.
    pub at: Timestamp,
}

/// So many proofs of each credentials are kept, the latest ones.
pub const PROOFS_KEPT: usize = 20;
