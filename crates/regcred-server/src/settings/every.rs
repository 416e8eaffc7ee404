//! How often something is done by itself: `30m`, `24h`, `7d`, or `off`.

use std::str::FromStr;
use std::time::Duration;

use regcred_core::verification::schedule::{DEFAULT_EVERY, LEAST_EVERY};
use serde::Deserialize;

use super::SettingsError;

/// A period, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Every(Option<Duration>);

impl Every {
    /// The period; `None` is never.
    pub(super) fn period(self) -> Option<Duration> {
        self.0
    }
}

impl Default for Every {
    fn default() -> Self {
        Self(Some(DEFAULT_EVERY))
    }
}

impl FromStr for Every {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        if text == "off" {
            return Ok(Self(None));
        }
        let read = || {
            let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let minutes = match unit {
                "m" => 1,
                "h" => 60,
                "d" => 24 * 60,
                _ => return None,
            };
            let number: u32 = number.parse().ok()?;
            Some(Duration::from_mins(u64::from(number) * minutes))
        };
        match read() {
            Some(period) if (LEAST_EVERY..=MOST_EVERY).contains(&period) => Ok(Self(Some(period))),
            _ => Err("give minutes, hours or days from 10m to 90d, such as 24h, or off".to_owned()),
        }
    }
}

impl TryFrom<String> for Every {
    type Error = SettingsError;

    fn try_from(text: String) -> Result<Self, SettingsError> {
        text.parse()
    }
}

/// Longer than this is as good as never.
const MOST_EVERY: Duration = Duration::from_hours(90 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_what_is_none_says_how() {
        let minutes = |text: &str| {
            let period = text.parse::<Every>().unwrap().period();
            period.map(|period| period.as_secs() / 60)
        };
        for (text, expected) in [
            ("off", None),
            ("10m", Some(10)),
            ("24h", Some(1_440)),
            ("7d", Some(10_080)),
            ("90d", Some(129_600)),
        ] {
            assert_eq!(minutes(text), expected, "{text}");
        }
        for bad in [
            "",
            "h",
            "9m",
            "91d",
            "0h",
            "-1h",
            "24",
            "24 h",
            "1.5h",
            "4294967296d",
            "never",
            "5ü",
        ] {
            let error = bad.parse::<Every>().unwrap_err();
            assert!(error.contains("such as 24h, or off"), "{bad}: {error}");
        }
        assert_eq!(
            Every::default().period(),
            "24h".parse::<Every>().unwrap().period()
        );
    }
}
