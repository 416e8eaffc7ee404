//! What has to be proved of a password before it is saved.

use super::{Verdict, Verification};
use crate::clock::Timestamp;
use crate::credentials::Username;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::CredentialsId;
use crate::registry::RegistryKey;

/// What has to be proved of a password before it is saved. Each demands more than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SavingPolicy {
    /// Nothing: it is not tried.
    #[default]
    Off,
    /// That its registry does not refuse it. Where nothing can be proved, it is saved.
    NotRefused,
    /// That it works.
    Proved,
}

impl SavingPolicy {
    /// The word under which it is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NotRefused => "not_refused",
            Self::Proved => "proved",
        }
    }

    /// The policy that [`Self::word`] names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Off, Self::NotRefused, Self::Proved]
            .into_iter()
            .find(|policy| policy.word() == word)
    }

    /// Lets a password pass of which this was proved. What it refuses says whose fault it is: `Invalid` where another
    /// password or setting is needed, `Unavailable` where the registry is to be asked later.
    pub fn check(self, verdict: Verdict, registry: &RegistryKey) -> Result<()> {
        let why = match verdict {
            Verdict::Ok => return Ok(()),
            Verdict::Rejected => "refuses them; mend username and password",
            Verdict::NoPullRight => {
                "lets them in, but not pull the probed image; give them the right to, or probe another image"
            }
            _ if self != Self::Proved => return Ok(()),
            Verdict::Unverifiable => "asks for no login, so nothing can be proved there",
            Verdict::Blocked => {
                "is none to which the settings let credentials be sent; an admin can list it under `[[registries]]`"
            }
            Verdict::Unreachable => "does not answer",
            Verdict::RateLimited => "wants to be asked later",
        };
        if self == Self::Off {
            return Ok(());
        }
        let kind = match verdict {
            Verdict::Unreachable | Verdict::RateLimited => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        };
        let or_else = if verdict.is_bad() {
            ""
        } else {
            "; try again later, or save it unproved with a less strict `verify`, if the project's setting allows that"
        };
        Err(Error::new(
            kind,
            format!(
                "the credentials were tried before saving, and nothing was saved ({verdict}): `{registry}` {why}{or_else}"
            ),
        )
        .with_verdict(verdict))
    }
}

/// What was proved of a password that is not saved yet.
pub struct Proved {
    /// For which registry.
    pub registry: RegistryKey,
    /// With which login.
    pub username: Username,
    /// What came of it.
    pub verdict: Verdict,
    /// Whether the right to pull was tried, too.
    pub probed: bool,
    /// When.
    pub at: Timestamp,
}

impl Proved {
    /// The same of the version as which it is saved. `Conflict` where that is for another registry or login.
    pub fn of(
        &self,
        credentials: CredentialsId,
        version: u32,
        registry: &RegistryKey,
        username: &Username,
    ) -> Result<Verification> {
        if self.registry != *registry || self.username != *username {
            return Err(Error::conflict(
                "the registry or the username of the credentials was changed while the password was tried, so nothing \
                 was saved; look at them, and try again",
            ));
        }
        Ok(Verification {
            credentials,
            version,
            verdict: self.verdict,
            probed: self.probed,
            at: self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_lets_pass_what_it_says_and_tells_whose_fault_the_rest_is() {
        let registry = RegistryKey::parse("h.x").unwrap();
        let refused = |policy: SavingPolicy| {
            let check = |verdict: &Verdict| policy.check(*verdict, &registry).err();
            let errors = Verdict::ALL.iter().filter_map(check);
            errors
                .map(|error| {
                    assert!(error.message().contains("nothing was saved"), "{error}");
                    (error.verdict().unwrap(), error.kind())
                })
                .collect::<Vec<_>>()
        };
        let bad = [
            (Verdict::Rejected, ErrorKind::Invalid),
            (Verdict::NoPullRight, ErrorKind::Invalid),
        ];
        let unproved = [
            (Verdict::Unverifiable, ErrorKind::Invalid),
            (Verdict::Unreachable, ErrorKind::Unavailable),
            (Verdict::RateLimited, ErrorKind::Unavailable),
            (Verdict::Blocked, ErrorKind::Invalid),
        ];
        assert_eq!(refused(SavingPolicy::Off), []);
        assert_eq!(refused(SavingPolicy::NotRefused), bad);
        assert_eq!(
            refused(SavingPolicy::Proved),
            [&bad[..], &unproved].concat()
        );
    }

    #[test]
    fn words_lead_back() {
        for policy in [
            SavingPolicy::Off,
            SavingPolicy::NotRefused,
            SavingPolicy::Proved,
        ] {
            assert_eq!(SavingPolicy::from_word(policy.word()), Some(policy));
        }
        assert_eq!(SavingPolicy::from_word("x"), None);
    }
}
