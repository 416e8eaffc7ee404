//! Time as an argument.

use std::fmt;
use std::time::Duration;

/// Tells the time. The system's clock in the program, a hand-set one in tests.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From microseconds since the Unix epoch; what lies outside the years -9999 to 9999 is moved to the nearest end.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        let (first, last) = (
            jiff::Timestamp::MIN.as_second(),
            jiff::Timestamp::MAX.as_second(),
        );
        Self(micros.clamp((first + 1) * 1_000_000, last * 1_000_000))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// This moment plus `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_micros(
            self.0
                .saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// The time that has passed since `earlier`; zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC with exactly `digits` digits of a second (0 to 6): `2022-04-26T14:20:17.118Z`.
    #[must_use]
    pub fn rfc3339(self, digits: usize) -> String {
        let moment =
            jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{moment:.digits$}")
    }

    /// Reads RFC 3339 with any offset; `None` where it is none.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|moment| Self(moment.as_microsecond()))
    }
}

/// A day in UTC, as the number of days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day of a moment.
    #[must_use]
    pub fn of(moment: Timestamp) -> Self {
        Self(moment.as_micros().div_euclid(MICROS_A_DAY))
    }

    /// From a stored number.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The number of days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }

    /// So many days before this one.
    #[must_use]
    pub fn minus(self, days: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(days)))
    }
}

impl fmt::Display for Day {
    /// `2022-04-26`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = Timestamp::from_micros(self.0.saturating_mul(MICROS_A_DAY));
        f.write_str(midnight.rfc3339(0).split('T').next().unwrap_or_default())
    }
}

const MICROS_A_DAY: i64 = 24 * 60 * 60 * 1_000_000;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339(6))
    }
}

/// The system's wall clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_microsecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_with_fixed_digits() {
        let moment = Timestamp::from_micros(1_650_982_817_118_000);
        assert_eq!(moment.rfc3339(3), "2022-04-26T14:20:17.118Z");
        assert_eq!(moment.rfc3339(6), "2022-04-26T14:20:17.118000Z");
        assert_eq!(
            Timestamp::from_micros(0).rfc3339(3),
            "1970-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn reads_what_it_writes_and_other_offsets() {
        let moment = Timestamp::from_micros(1_650_982_817_118_482);
        assert_eq!(Timestamp::parse_rfc3339(&moment.rfc3339(6)), Some(moment));
        assert_eq!(
            Timestamp::parse_rfc3339("2022-04-26T16:20:17.118482+02:00"),
            Some(moment)
        );
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let far = Timestamp::from_micros(i64::MAX).plus(Duration::MAX);
        assert!(far.rfc3339(6).starts_with("9999-12-30"), "{far}");
        assert_eq!(Timestamp::from_micros(0).since(far), Duration::ZERO);
    }
}
