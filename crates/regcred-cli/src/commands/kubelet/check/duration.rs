//! Durations as Go's `time.ParseDuration` reads them, which is what the kubelet does: `5m`, `1m30s`, `0.5h`. Nothing else
//! counts, neither `5 minutes` nor `PT5M`.

use jiff::SignedDuration;

/// The duration; `None` where the kubelet refuses the text.
pub(super) fn parse(text: &str) -> Option<SignedDuration> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut seconds = 0.0;
    loop {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at_checked(end)?;
        // A point alone, or two of them, is no number.
        let number: f64 = number.parse().ok()?;
        let end = after.find(|letter: char| letter.is_ascii_digit() || letter == '.');
        let (unit, after) = after.split_at_checked(end.unwrap_or(after.len()))?;
        let (_, in_seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += number * in_seconds;
        if after.is_empty() {
            break;
        }
        rest = after;
    }
    if seconds > MOST_SECONDS {
        return None;
    }
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Some(if is_negative { -duration } else { duration })
}

const UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("\u{b5}s", 1e-6),
    ("\u{3bc}s", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];
/// As many as 63 bits of nanoseconds hold.
const MOST_SECONDS: f64 = 9_223_372_036.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, milliseconds) in [
            ("5m", 300_000),
            ("5m0s", 300_000),
            ("1m30s", 90_000),
            ("300s", 300_000),
            ("0", 0),
            ("0.5h", 1_800_000),
            (".5s", 500),
            ("1.s", 1000),
            ("+1s", 1000),
            ("-1s", -1000),
            ("5ms", 5),
            ("1000\u{b5}s", 1),
        ] {
            let parsed = parse(text).map(|duration| duration.as_millis());
            assert_eq!(parsed, Some(milliseconds), "{text}");
        }
        for text in [
            "",
            "-",
            "5",
            "m",
            "5 minutes",
            "5 m",
            "5m ",
            "PT5M",
            "5M",
            "5min",
            "1d",
            "soon",
            ".",
            ".s",
            "1..5s",
            "1e3s",
            "--1s",
            "1m-30s",
            "3000000h",
            "infs",
            "\u{663}s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
