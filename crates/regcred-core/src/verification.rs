//! Whether credentials work: what came of trying them at their registry.

use std::fmt;

use crate::clock::Timestamp;
use crate::ids::CredentialsId;

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
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
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
    /// When.
    pub at: Timestamp,
}

/// So many proofs of each credentials are kept, the latest ones.
pub const PROOFS_KEPT: usize = 20;
