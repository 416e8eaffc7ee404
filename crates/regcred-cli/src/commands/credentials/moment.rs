//! Moments as people give them.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, de};

use crate::clock;

/// A moment; a day stands for its end in UTC, because nobody knows at what hour of it something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

/// When a password runs out: a moment, or so many days from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expiry(pub(super) Timestamp);

impl FromStr for Moment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let end = |day: Date| {
            let next = day.tomorrow().ok()?;
            Some(next.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
        };
        let moment = match text.parse() {
            Ok(moment) => Some(moment),
            Err(_) => text.parse().ok().and_then(end),
        };
        moment.map(Self).ok_or(())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| {
            de::Error::custom(
                "passwordChanged is a day, 2026-11-20, or a moment, 2026-11-20T14:00:00Z",
            )
        })
    }
}

impl FromStr for Expiry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text, clock::now())
    }
}

impl Expiry {
    fn read(text: &str, now: Timestamp) -> Result<Self, &'static str> {
        if let Some(days) = text.strip_suffix('d') {
            let days = days
                .parse()
                .ok()
                .filter(|days| (1..=MOST_DAYS).contains(days));
            let end =
                days.and_then(|days| now.checked_add(SignedDuration::from_hours(days * 24)).ok());
            return end.map(Self).ok_or("days are 1d to 3650d");
        }
        let moment: Result<Moment, ()> = text.parse();
        match moment {
            Ok(Moment(end)) if end > now => Ok(Self(end)),
            Ok(_) => Err("that is past"),
            Err(()) => Err("give days, 90d, a day, 2027-03-20, or a moment, 2027-03-20T14:00:00Z"),
        }
    }
}

const MOST_DAYS: i64 = 3650;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_days_a_day_or_a_moment_to_come() {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let read = |text: &str| Expiry::read(text, now).map(|end| end.0.to_string());
        assert_eq!(read("90d").as_deref(), Ok("2027-02-23T12:00:00Z"));
        assert_eq!(read("2026-11-25").as_deref(), Ok("2026-11-26T00:00:00Z"));
        assert_eq!(
            read("2027-03-20T14:00:00+02:00").as_deref(),
            Ok("2027-03-20T12:00:00Z")
        );
        assert_eq!(read("2026-11-24"), Err("that is past"));
        for text in [
            "0d",
            "3651d",
            "-1d",
            "9999999999999999d",
            "d",
            "",
            "soon",
            "90",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
