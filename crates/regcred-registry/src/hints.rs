//! What two headers say of time, bounded, and nothing of their text.

use std::time::Duration;

use jiff::fmt::{rfc2822, strtime};
use regcred_core::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// For how long the other end asks to be left alone (RFC 9110): seconds, or a moment, which is taken from the moment at which
/// it says that it answers, so that its clock need not be right. A day at most; `None` where it says nothing of use.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if digits {
        // More digits than a number holds are a long time, too.
        text.parse().unwrap_or(u64::MAX)
    } else {
        let until = http_date(text)?;
        let now = http_date(headers.get(DATE)?.to_str().ok()?.trim())?;
        u64::try_from(until.as_second().saturating_sub(now.as_second())).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).min(AT_MOST))
}

/// When the token that was sent runs out, where the other end says so as GitHub does: `2026-12-25 10:00:00 UTC`, or with an
/// offset in place of `UTC`.
pub(crate) fn expiry(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(EXPIRY)?.to_str().ok()?.trim();
    let moment = match text.strip_suffix(" UTC") {
        Some(text) => strtime::parse("%Y-%m-%d %H:%M:%S %z", format!("{text} +0000")),
        None => strtime::parse("%Y-%m-%d %H:%M:%S %z", text),
    };
    let moment = moment.ok()?.to_timestamp().ok()?;
    Some(Timestamp::from_micros(moment.as_microsecond()))
}

fn http_date(text: &str) -> Option<jiff::Timestamp> {
    Some(rfc2822::parse(text).ok()?.timestamp())
}

const EXPIRY: &str = "github-authentication-token-expiration";
const AT_MOST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (HeaderName::from_static(name), value)
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn how_long_to_wait_is_read_in_both_forms_and_bounded() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (text, date, expected) in [
            ("0", None, Some(0)),
            (" 120 ", None, Some(120)),
            ("86401", None, Some(86_400)),
            ("99999999999999999999999999", None, Some(86_400)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(date), Some(120)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(date), Some(0)),
            ("Wed, 01 Jan 2194 00:00:00 GMT", Some(date), Some(86_400)),
            // Without the moment of the answer there is nothing to take it from.
            ("Sun, 06 Nov 1994 08:51:37 GMT", None, None),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some("now"), None),
            ("-1", None, None),
            ("1.5", None, None),
            ("+5", None, None),
            ("", None, None),
            ("soon", Some(date), None),
            ("ü", Some(date), None),
        ] {
            let mut pairs = vec![("retry-after", text)];
            pairs.extend(date.map(|date| ("date", date)));
            let read = retry_after(&headers(&pairs)).map(|wait| wait.as_secs());
            assert_eq!(read, expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn the_end_of_a_token_is_read_in_both_forms() {
        let end = |text| expiry(&headers(&[(EXPIRY, text)])).map(|moment| moment.rfc3339(0));
        let told = |text: &str| Some(text.to_owned());
        assert_eq!(end("2026-12-25 10:00:00 UTC"), told("2026-12-25T10:00:00Z"));
        assert_eq!(
            end("2026-12-25 10:00:00 +0200"),
            told("2026-12-25T08:00:00Z")
        );
        assert_eq!(
            end("2026-12-25 10:00:00 -0800"),
            told("2026-12-25T18:00:00Z")
        );
        for bad in [
            "",
            "never",
            "2026-12-25",
            "2026-13-25 10:00:00 UTC",
            "2026-12-25 10:00:00",
            "1798192800",
        ] {
            assert_eq!(end(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "[ -~]{0,60}") {
            let _ = retry_after(&headers(&[("retry-after", &text), ("date", &text)]));
            let _ = expiry(&headers(&[(EXPIRY, &text)]));
        }
    }
}
