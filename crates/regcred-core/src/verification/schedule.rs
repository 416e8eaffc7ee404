//! When credentials are tried by themselves, and when it is told that they run out. Numbers and nothing else.
//!
//! Three things are kept apart: credentials that work are tried once a period; a registry that does not answer is asked
//! again soon, then less and less; and credentials that were refused are tried less and less from the beginning, because
//! repeated failed logins lock accounts at some registries, and nobody is helped by a lock.

use std::time::Duration;

use super::{Counts, Verdict};
use crate::alert::AlertKind;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::CredentialsId;
use crate::random::{self, Random};

/// A random share of a span, so that what began together does not go on together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter(u32);

impl Jitter {
    /// None of it.
    pub const NONE: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(u32::MAX);

    /// A fresh one.
    pub fn draw(random: &dyn Random) -> Result<Self> {
        Ok(Self(u32::from_be_bytes(random::bytes(random)?)))
    }

    /// The one that belongs to a version of credentials, whose id is random itself.
    fn of(id: &CredentialsId, version: u32) -> Self {
        let [.., a, b, c, d] = *id.as_bytes();
        // Knuth's multiplicative hashing: each version lies elsewhere.
        Self(u32::from_be_bytes([a, b, c, d]) ^ version.wrapping_mul(2_654_435_761))
    }

    /// This share of `span`.
    #[must_use]
    pub fn share(self, span: Duration) -> Duration {
        span.mul_f64(f64::from(self.0) / f64::from(u32::MAX))
    }
}

/// The first try of a new version of credentials.
#[must_use]
pub fn first(id: &CredentialsId, version: u32, now: Timestamp) -> Timestamp {
    let spread = Jitter::of(id, version).share(FIRST_WITHIN);
    now.plus(FIRST_AT_THE_EARLIEST + spread)
}

/// The first try of credentials that were there before anything was tried by itself: some time within a day.
#[must_use]
pub fn inherited(id: &CredentialsId, version: u32, now: Timestamp) -> Timestamp {
    now.plus(Jitter::of(id, version).share(DEFAULT_EVERY))
}

/// When credentials are tried again, and what is counted of them from now on.
///
/// `rest` is for how long the registry is left alone.
#[must_use]
pub fn after(
    verdict: Verdict,
    before: Counts,
    rest: Duration,
    every: Duration,
    jitter: Jitter,
) -> (Duration, Counts) {
    let sooner = |delay: Duration| delay.saturating_sub(jitter.share(delay / 10));
    let refused = |times| sooner(doubled(every, times, every.max(REFUSED_AT_MOST)));
    let Counts { refusals, failures } = before;
    let delay = match verdict {
        Verdict::Ok | Verdict::Unverifiable | Verdict::Blocked => sooner(every),
        Verdict::Unreachable => sooner(doubled(UNREACHABLE_FIRST, failures, every)),
        // Later rather than sooner: the registry said when.
        Verdict::RateLimited => rest + jitter.share(rest / 10),
        Verdict::Rejected | Verdict::NoPullRight => refused(refusals),
    };
    let delay = match refusals.checked_sub(1) {
        // What is known to be bad is in no hurry: it would be one more failed login.
        Some(times) if !verdict.is_proof() => delay.max(refused(times)),
        _ => delay,
    };
    (delay, before.and(verdict))
}

impl Counts {
    fn and(self, verdict: Verdict) -> Self {
        let Self { refusals, failures } = self;
        Self {
            refusals: match verdict {
                Verdict::Ok => 0,
                _ => refusals.saturating_add(verdict.is_bad().into()),
            },
            failures: match verdict {
                Verdict::Unreachable => failures.saturating_add(1),
                Verdict::RateLimited => failures,
                _ => 0,
            },
        }
    }
}

/// For how long a registry is left alone behind a try, when it was in trouble `times` before in a row: by 429, for as long as
/// it asks; where it does not answer, a minute and more; else some seconds.
#[must_use]
pub fn rest(
    verdict: Verdict,
    retry_after: Option<Duration>,
    times: u32,
    jitter: Jitter,
) -> Duration {
    match verdict {
        Verdict::RateLimited => retry_after.map_or_else(
            || doubled(LIMITED_FIRST, times, LIMITED_AT_MOST),
            |asked| asked.clamp(LIMITED_AT_LEAST, LIMITED_AT_MOST),
        ),
        Verdict::Unreachable => doubled(SILENT_FIRST, times, SILENT_AT_MOST),
        _ => PAUSE + jitter.share(PAUSE),
    }
}

/// For how long an account is left alone whose login was refused, `times` before in a row: as long as credentials are that are
/// tried once a day, so that what belongs to one of them alone is not put off twice.
#[must_use]
pub fn refused_account(times: u32) -> Duration {
    doubled(DAY, times, REFUSED_AT_MOST) * 9 / 10
}

/// When it is to be told that a password runs out, once that is known: seven days before; where there are fewer, once three
/// quarters of the time are over, so that one which is renewed in time is not told of.
#[must_use]
pub fn warning(expires: Timestamp, now: Timestamp) -> Timestamp {
    let left = expires.since(now);
    now.plus(match left.checked_sub(WARNED_BEFORE) {
        Some(until) if !until.is_zero() => until,
        _ => left * 3 / 4,
    })
}

/// What is to be told of a password that runs out, and when the next time.
#[must_use]
pub fn expiry_alert(expires: Timestamp, now: Timestamp) -> (AlertKind, Option<Timestamp>) {
    if expires <= now {
        (AlertKind::Expired, None)
    } else {
        (AlertKind::Expiring, Some(expires))
    }
}

/// `first`, twice as much with each of the `times`, and never more than `most`.
fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1 << times.min(30)).min(most)
}

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
/// How often credentials are tried by themselves where nothing else is set.
pub const DEFAULT_EVERY: Duration = DAY;
/// How often they are at most.
pub const LEAST_EVERY: Duration = Duration::from_mins(10);
/// A try that comes to no end, because the process does, is repeated no sooner.
pub const UNFINISHED: Duration = Duration::from_hours(1);
const FIRST_AT_THE_EARLIEST: Duration = Duration::from_mins(10);
/// And at most so much later.
const FIRST_WITHIN: Duration = Duration::from_mins(50);
const UNREACHABLE_FIRST: Duration = Duration::from_mins(5);
const REFUSED_AT_MOST: Duration = Duration::from_hours(7 * 24);
const LIMITED_FIRST: Duration = Duration::from_mins(15);
const LIMITED_AT_LEAST: Duration = MINUTE;
const LIMITED_AT_MOST: Duration = DAY;
const SILENT_FIRST: Duration = MINUTE;
const SILENT_AT_MOST: Duration = Duration::from_mins(15);
/// Between two tries at one registry, at least; twice as long at most.
const PAUSE: Duration = Duration::from_secs(2);
const WARNED_BEFORE: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn minutes(delay: Duration) -> u64 {
        delay.as_secs() / 60
    }

    fn counted(refusals: u32, failures: u32) -> Counts {
        Counts { refusals, failures }
    }

    /// The delays, in minutes, of tries that end like this one after the other.
    fn delays_of(verdicts: impl IntoIterator<Item = Verdict>) -> Vec<u64> {
        let mut counts = Counts::default();
        let next = |verdict| {
            let (delay, now) = after(verdict, counts, Duration::ZERO, DAY, Jitter::NONE);
            counts = now;
            minutes(delay)
        };
        verdicts.into_iter().map(next).collect()
    }

    fn delays(verdict: Verdict, tries: usize) -> Vec<u64> {
        delays_of(std::iter::repeat_n(verdict, tries))
    }

    #[test]
    fn what_works_or_cannot_be_known_is_tried_once_a_period() {
        for verdict in [Verdict::Ok, Verdict::Unverifiable, Verdict::Blocked] {
            assert_eq!(delays(verdict, 3), [1_440; 3], "{verdict}");
            let early = after(verdict, counted(0, 3), Duration::ZERO, DAY, Jitter::ALL);
            let expected = (1_296, Counts::default());
            assert_eq!((minutes(early.0), early.1), expected, "a tenth at most");
        }
    }

    #[test]
    fn a_silent_registry_is_asked_soon_and_then_less_and_less() {
        let expected = [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440];
        assert_eq!(delays(Verdict::Unreachable, 11), expected);
        let hour = Duration::from_hours(1);
        let hourly = after(
            Verdict::Unreachable,
            counted(0, 40),
            Duration::ZERO,
            hour,
            Jitter::NONE,
        );
        assert_eq!(minutes(hourly.0), 60);
    }

    #[test]
    fn refused_credentials_are_tried_less_and_less_so_that_no_account_is_locked() {
        let days = |verdict| {
            delays(verdict, 6)
                .into_iter()
                .map(|minutes| minutes / 1_440)
                .collect::<Vec<_>>()
        };
        assert_eq!(days(Verdict::Rejected), [1, 2, 4, 7, 7, 7]);
        assert_eq!(days(Verdict::NoPullRight), [1, 2, 4, 7, 7, 7]);
        let long = Duration::from_hours(30 * 24);
        let of = |verdict, refusals, every| {
            let before = counted(refusals, 0);
            after(verdict, before, Duration::ZERO, every, Jitter::NONE)
        };
        assert_eq!(
            of(Verdict::Rejected, 9, long),
            (long, counted(10, 0)),
            "never sooner than what works"
        );
        // Silence between two refusals makes the next failed login come no sooner.
        assert_eq!(of(Verdict::Unreachable, 1, DAY), (DAY, counted(1, 1)));
        assert_eq!(of(Verdict::Unreachable, 3, DAY), (DAY * 4, counted(3, 1)));
        assert_eq!(of(Verdict::RateLimited, 2, DAY), (DAY * 2, counted(2, 0)));
    }

    #[test]
    fn a_limit_is_kept_to_within_reason() {
        use Verdict::{Blocked, Ok, RateLimited, Rejected, Unreachable, Unverifiable};

        let rest = |asked: Option<u64>, times| {
            let asked = asked.map(Duration::from_secs);
            rest(Verdict::RateLimited, asked, times, Jitter::ALL).as_secs()
        };
        assert_eq!(
            [rest(Some(0), 0), rest(Some(90), 5), rest(Some(u64::MAX), 0)],
            [60, 90, 86_400]
        );
        let unsaid: Vec<_> = (0..9).map(|times| rest(None, times) / 60).collect();
        assert_eq!(unsaid, [15, 30, 60, 120, 240, 480, 960, 1_440, 1_440]);
        let hour = Duration::from_hours(1);
        let limited = |jitter| after(Verdict::RateLimited, counted(0, 3), hour, DAY, jitter);
        let counts = counted(0, 3);
        assert_eq!(
            limited(Jitter::NONE),
            (hour, counts),
            "what was counted stays"
        );
        assert_eq!(minutes(limited(Jitter::ALL).0), 66, "never sooner");

        // A registry that pushes back does not make it forget what it refused.
        let days = |verdicts: &[Verdict]| {
            let days = delays_of(verdicts.iter().copied()).into_iter();
            days.map(|minutes| minutes / 1_440).collect::<Vec<_>>()
        };
        for between in [RateLimited, Unreachable, Unverifiable, Blocked] {
            let tries = [Rejected, Rejected, Rejected, between, between, Rejected];
            assert_eq!(days(&tries), [1, 2, 4, 4, 4, 7], "{between}");
        }
        let tries = [Rejected, Rejected, Ok, RateLimited, Rejected];
        assert_eq!(days(&tries), [1, 2, 1, 0, 1], "only that it works does");
    }

    #[test]
    fn a_registry_gets_a_pause_and_a_silent_one_a_longer_one() {
        let pause = |verdict, times, jitter| rest(verdict, None, times, jitter).as_secs();
        assert_eq!(pause(Verdict::Ok, 9, Jitter::NONE), 2);
        assert_eq!(pause(Verdict::Rejected, 0, Jitter::ALL), 4);
        let silent: Vec<_> = (0..6)
            .map(|times| pause(Verdict::Unreachable, times, Jitter::ALL))
            .collect();
        assert_eq!(silent, [60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn the_first_try_is_soon_and_spread() {
        let id = |last: u8| {
            CredentialsId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last, 7, 7, 7])
        };
        let mut seen = std::collections::BTreeSet::new();
        for last in 0..=255 {
            for version in 1..4 {
                let soon = minutes(first(&id(last), version, NOW).since(NOW));
                assert!((10..60).contains(&soon), "{soon}");
                seen.insert(soon);
                let within_a_day = inherited(&id(last), version, NOW).since(NOW);
                assert!(within_a_day <= DAY);
            }
        }
        assert_eq!(seen.len(), 50, "each minute is taken");
    }

    #[test]
    fn it_is_told_a_week_before_and_when_it_is_over() {
        let hours = |hours| NOW.plus(Duration::from_hours(hours));
        for (left, told) in [
            (90 * 24, 83 * 24),
            (8 * 24, 24),
            (7 * 24, 126),
            (4 * 24, 72),
            (12, 9),
            (0, 0),
        ] {
            assert_eq!(warning(hours(left), NOW), hours(told), "{left}");
        }
        assert_eq!(
            expiry_alert(hours(9), hours(8)),
            (AlertKind::Expiring, Some(hours(9)))
        );
        assert_eq!(expiry_alert(hours(9), hours(9)), (AlertKind::Expired, None));
    }
}
