//! The versions of credentials: the password that counts, one that waits, and those that were.
//!
//! A version has a number, which is never given twice, and is sealed to it. An upgrade makes a version and promotes it at
//! once; staging makes one that waits. Whichever counted before stays sealed for the project's grace period, so that it
//! can be brought back.

use std::time::Duration;

use super::Username;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::registry::Registry;
use crate::verification::{Verdict, Verification};

/// One of the passwords of credentials, without the password, with the registry and the login that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsVersion {
    /// Its number: 1 when the credentials were created, and one more for each that is made.
    pub number: u32,
    /// Whether it counts.
    pub state: VersionState,
    /// The registry that it is for.
    pub registry: Registry,
    /// The login that it is for.
    pub username: Username,
    /// When it was made; of the one that counts, since when it does.
    pub at: Timestamp,
    /// When the password runs out, where that is known.
    pub expires: Option<Timestamp>,
    /// The first of the held versions with this same password.
    pub secret: u32,
    /// What came of trying it at its registry, the last time.
    pub proof: Option<Verification>,
    /// The verdict of the last try that proved anything, where that says that the password is bad.
    pub refused: Option<Verdict>,
}

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// It waits to be promoted. There is one at most.
    Staged {
        /// The version that counted when it was made.
        base: u32,
    },
    /// It is the one that is pulled.
    Current,
    /// It counted before, and can be brought back.
    Previous {
        /// Since when it does not count any more.
        superseded: Timestamp,
        /// When it is destroyed.
        until: Timestamp,
    },
}

impl CredentialsVersion {
    /// With what is known of it, from the proofs of its credentials, the latest first.
    #[must_use]
    pub fn proved_by(mut self, proofs: &[Verification]) -> Self {
        let own = proofs.iter().filter(|proof| proof.version == self.number);
        self.proof = own.clone().next().copied();
        // A login that was let in says nothing of the right to pull.
        let mut let_in = false;
        self.refused = None;
        for proof in own {
            match proof.verdict {
                Verdict::Ok if proof.probed => break,
                Verdict::Ok => let_in = true,
                Verdict::Rejected if let_in => {}
                Verdict::Rejected | Verdict::NoPullRight => {
                    self.refused = Some(proof.verdict);
                    break;
                }
                _ => {}
            }
        }
        self
    }

    /// Whether it may still be used at a moment: a previous one is lost once its time is over, also before it is removed.
    #[must_use]
    pub fn is_held(&self, now: Timestamp) -> bool {
        match self.state {
            VersionState::Previous { until, .. } => now < until,
            VersionState::Staged { .. } | VersionState::Current => true,
        }
    }
}

/// Whether the password of one of the `versions` may be revoked at the registry without breaking a pull: it counts no more,
/// so nothing has been handed it since its successor does; what clients had kept of it ([`KEPT_BY_CLIENTS`]) has run out; and
/// neither the version that counts nor the one that waits has the same password, nor one that clients may have kept.
#[must_use]
pub fn is_safe_to_revoke(
    version: &CredentialsVersion,
    versions: &[CredentialsVersion],
    now: Timestamp,
) -> bool {
    let mut same = versions
        .iter()
        .filter(|other| other.secret == version.secret);
    same.all(|same| match same.state {
        VersionState::Previous { superseded, .. } => superseded.plus(KEPT_BY_CLIENTS) <= now,
        VersionState::Staged { .. } | VersionState::Current => false,
    })
}

/// How long a previous version of a project's credentials is kept: 0 to 90 days, 7 unless the project says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracePeriod(u32);

impl GracePeriod {
    /// Checks the number of days. With none, a version is destroyed as soon as it counts no more.
    pub fn of_days(days: i64) -> Result<Self> {
        let fitting = u32::try_from(days)
            .ok()
            .filter(|days| *days <= MOST_DAYS_OF_GRACE);
        fitting.map(Self).ok_or_else(|| {
            Error::invalid(format!(
                "the grace period is 0 to {MOST_DAYS_OF_GRACE} days; {days} is not"
            ))
            .in_field("gracePeriodDays")
        })
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(days: u32) -> Self {
        Self(days)
    }

    /// The number of days.
    #[must_use]
    pub fn days(self) -> u32 {
        self.0
    }

    /// When a version that is superseded now is destroyed.
    #[must_use]
    pub fn end(self, now: Timestamp) -> Timestamp {
        now.plus(Duration::from_hours(24 * u64::from(self.0)))
    }
}

impl Default for GracePeriod {
    fn default() -> Self {
        Self(7)
    }
}

/// The staged version to promote, by its number or the one that there is. `expected` is the version that the caller
/// takes for the current one.
pub fn to_promote(
    versions: &[CredentialsVersion],
    current: u32,
    number: Option<u32>,
    expected: Option<u32>,
) -> Result<&CredentialsVersion> {
    expect(current, expected)?;
    let staged = versions
        .iter()
        .find(|version| matches!(version.state, VersionState::Staged { .. }));
    let Some(staged) = staged else {
        return Err(Error::not_found(match number {
            Some(number) if number == current => {
                format!("version {number} is the current one already")
            }
            _ => "no version of the credentials is staged; stage one, or bring a previous one back with a rollback"
                .to_owned(),
        }));
    };
    if let Some(number) = number
        && number != staged.number
    {
        return Err(Error::conflict(format!(
            "version {number} is not staged, {} is; somebody may have staged another one meanwhile",
            staged.number
        )));
    }
    if let VersionState::Staged { base } = staged.state
        && base != current
        && expected.is_none()
    {
        return Err(Error::conflict(format!(
            "version {} was staged when version {base} was current, and now {current} is; stage it again, or say with \
             `expectedVersion` that it is to replace version {current}",
            staged.number
        )));
    }
    Ok(staged)
}

/// The version to bring back, by its number or the one that counted last.
pub fn to_bring_back(
    versions: &[CredentialsVersion],
    current: u32,
    number: Option<u32>,
    expected: Option<u32>,
    now: Timestamp,
) -> Result<&CredentialsVersion> {
    expect(current, expected)?;
    let held = versions.iter().filter_map(|version| match version.state {
        VersionState::Previous { superseded, .. } if version.is_held(now) => {
            Some((superseded, version))
        }
        _ => None,
    });
    let mut held: Vec<_> = held.collect();
    held.sort_by_key(|(superseded, version)| (*superseded, version.number));
    let found = match number {
        Some(number) => held.iter().find(|(_, version)| version.number == number),
        None => held.last(),
    };
    found.map(|(_, version)| *version).ok_or_else(|| {
        let there: Vec<_> = held
            .iter()
            .rev()
            .map(|(_, version)| version.number.to_string())
            .collect();
        let there = if there.is_empty() {
            "there is none: a version is destroyed once its grace period is over".to_owned()
        } else {
            format!("there are {}", there.join(", "))
        };
        Error::not_found(match number {
            Some(number) if number == current => {
                format!("version {number} is the current one already")
            }
            Some(number) => {
                format!("there is no previous version {number} to bring back; {there}")
            }
            None => format!("there is no previous version to bring back; {there}"),
        })
    })
}

/// Refuses a change by somebody who has not seen the last one.
pub fn expect(current: u32, expected: Option<u32>) -> Result<()> {
    match expected {
        Some(expected) if expected != current => Err(Error::conflict(format!(
            "the credentials have version {current}, not {expected}: somebody changed them meanwhile, and nothing was \
             changed now; look at them, and try again"
        ))),
        _ => Ok(()),
    }
}

/// So many previous versions are held, the latest ones; older ones are destroyed before their time.
pub const MOST_PREVIOUS: usize = 10;
/// So long a client may go on with a password that it was handed: the credential helper's and the kubelet's caches last five
/// minutes at most (docs/helpers.md); ten leave room for clocks that differ.
pub const KEPT_BY_CLIENTS: Duration = Duration::from_mins(10);
const MOST_DAYS_OF_GRACE: u32 = 90;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::ids::CredentialsId;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * 60_000_000)
    }

    fn version(number: u32, state: VersionState) -> CredentialsVersion {
        CredentialsVersion {
            number,
            state,
            registry: Registry::parse(Some("h.x".to_owned())).unwrap(),
            username: Username::parse("me".to_owned()).unwrap(),
            at: at(0),
            expires: None,
            secret: number,
            proof: None,
            refused: None,
        }
    }

    fn previous(number: u32, superseded: i64, until: i64) -> CredentialsVersion {
        let state = VersionState::Previous {
            superseded: at(superseded),
            until: at(until),
        };
        version(number, state)
    }

    #[test]
    fn what_is_staged_is_promoted_unless_somebody_was_faster() {
        let versions = [
            previous(1, 5, 100),
            version(2, VersionState::Current),
            version(3, VersionState::Staged { base: 2 }),
        ];
        let number =
            |number, expected| to_promote(&versions, 2, number, expected).map(|found| found.number);
        assert_eq!(number(None, None).unwrap(), 3);
        assert_eq!(number(Some(3), Some(2)).unwrap(), 3);
        for (asked, expected) in [(Some(1), None), (Some(9), None), (None, Some(1))] {
            let refused = number(asked, expected).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
        }
        // Version 4 became current since.
        let refused = to_promote(&versions, 4, None, None).unwrap_err();
        assert!(
            refused.message().contains("2 was current, and now 4 is"),
            "{refused}"
        );
        assert_eq!(to_promote(&versions, 4, None, Some(4)).unwrap().number, 3);
        let refused = to_promote(&versions[..2], 2, None, None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound);
        let refused = to_promote(&versions[..2], 2, Some(2), None).unwrap_err();
        assert!(refused.message().contains("current one already"));
    }

    #[test]
    fn the_one_that_counted_last_is_brought_back_while_it_is_held() {
        // 3 was rolled back to 2, so that 3 counted later than 1.
        let versions = [
            previous(1, 5, 100),
            version(2, VersionState::Current),
            previous(3, 8, 50),
        ];
        let number = |number, now| {
            to_bring_back(&versions, 2, number, None, at(now)).map(|found| found.number)
        };
        assert_eq!(number(None, 10).unwrap(), 3);
        assert_eq!(number(Some(1), 10).unwrap(), 1);
        assert_eq!(number(None, 50).unwrap(), 1);
        let refused = number(Some(3), 50).unwrap_err();
        assert!(
            refused.kind() == ErrorKind::NotFound && refused.message().ends_with("there are 1"),
            "{refused}"
        );
        assert!(
            number(None, 100)
                .unwrap_err()
                .message()
                .contains("destroyed")
        );
        assert!(
            number(Some(2), 10)
                .unwrap_err()
                .message()
                .contains("already")
        );
        let refused = to_bring_back(&versions, 2, None, Some(1), at(10)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
    }

    #[test]
    fn a_version_is_safe_to_revoke_once_nobody_can_hold_it_any_more() {
        let safe = |of: &CredentialsVersion, others: &[CredentialsVersion], minute| {
            let all = [std::slice::from_ref(of), others].concat();
            is_safe_to_revoke(of, &all, at(minute))
        };
        let before = previous(1, 5, 100);
        assert!(!safe(&before, &[], 14));
        assert!(safe(&before, &[], 15));
        for state in [VersionState::Current, VersionState::Staged { base: 1 }] {
            assert!(!safe(&version(2, state), &[], 1_000));
            assert!(safe(&before, &[version(2, state)], 1_000));
            // The same password under another number.
            let again = CredentialsVersion {
                secret: 1,
                ..version(2, state)
            };
            assert!(!safe(&before, &[again], 1_000));
        }
        let later = CredentialsVersion {
            secret: 1,
            ..previous(3, 50, 100)
        };
        assert!(!safe(&before, &[later], 59));
    }

    #[test]
    fn what_proved_nothing_makes_no_refused_password_good() {
        let proof = |version, verdict, probed| Verification {
            credentials: CredentialsId::from_bytes([0; 16]),
            version,
            verdict,
            probed,
            at: at(0),
        };
        let refused = |verdicts: &[(Verdict, bool)]| {
            let proofs = verdicts.iter();
            let proofs: Vec<_> = proofs
                .map(|(verdict, probed)| proof(1, *verdict, *probed))
                .collect();
            version(1, VersionState::Current).proved_by(&proofs).refused
        };
        let (ok, rejected) = (Verdict::Ok, Verdict::Rejected);
        let (no_right, unreachable) = (Verdict::NoPullRight, Verdict::Unreachable);
        assert_eq!(
            refused(&[(unreachable, false), (rejected, false)]),
            Some(rejected)
        );
        assert_eq!(refused(&[(ok, false), (rejected, false)]), None);
        assert_eq!(refused(&[(unreachable, false)]), None);
        // To be let in is not to be let pull.
        assert_eq!(refused(&[(ok, false), (no_right, true)]), Some(no_right));
        assert_eq!(refused(&[(ok, true), (no_right, true)]), None);
        let other = [proof(1, rejected, false)];
        let of_another = version(2, VersionState::Current).proved_by(&other);
        assert_eq!((of_another.proof, of_another.refused), (None, None));
    }

    #[test]
    fn a_grace_period_is_some_days() {
        let days = |days| GracePeriod::of_days(days).map(GracePeriod::days);
        assert_eq!(
            (
                days(0).unwrap(),
                days(90).unwrap(),
                GracePeriod::default().days()
            ),
            (0, 90, 7)
        );
        for bad in [-1, 91, i64::MAX, i64::MIN] {
            assert!(days(bad).unwrap_err().message().contains("0 to 90 days"));
        }
        assert_eq!(GracePeriod(1).end(at(0)), at(24 * 60));
    }
}
