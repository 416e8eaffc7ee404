//! The signature of Standard Webhooks: HMAC-SHA256 over id, time and body.

use std::fmt;

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

use crate::clock::Timestamp;

/// The secret that a receiver shares.
pub struct SigningSecret(hmac::Key);

impl SigningSecret {
    /// Reads `whsec_` and 24 to 64 bytes in base64.
    pub fn parse(text: &str) -> Result<Self, SigningSecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SigningSecretError::Form)?;
        let bytes = BASE64_STANDARD.decode(encoded);
        let bytes = Zeroizing::new(bytes.map_err(|_| SigningSecretError::Form)?);
        if !(LEAST..=MOST).contains(&bytes.len()) {
            return Err(SigningSecretError::Length(bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature` for an attempt at `at`.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id, ".", &seconds(at), ".", body] {
            context.update(part.as_bytes());
        }
        format!("v1,{}", BASE64_STANDARD.encode(context.sign()))
    }
}

/// The value of `webhook-timestamp`: seconds since 1970.
#[must_use]
pub fn seconds(at: Timestamp) -> String {
    at.as_micros().div_euclid(1_000_000).to_string()
}

/// Why a text is no secret. It does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningSecretError {
    /// Not `whsec_` and base64.
    Form,
    /// So many bytes.
    Length(usize),
}

impl fmt::Display for SigningSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("is not `whsec_` and base64 behind it"),
            Self::Length(length) => write!(f, "has {length} bytes; {LEAST} to {MOST} are needed"),
        }
    }
}

impl std::error::Error for SigningSecretError {}

const PREFIX: &str = "whsec_";
/// The specification's bounds.
const LEAST: usize = 24;
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vectors_of_the_specification_hold() {
        // That of the reference libraries, and two that Python's `hmac` gave.
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_micros(1_614_265_330_999_999);
        for (id, body, expected) in [
            (
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            ("x", "", "v1,Solsj7a3p8OER/vEZ3RnBm/sihSf4KsS0IgQvbUxnko="),
            (
                "é",
                "{\"a\":\"ü\"}",
                "v1,4UQ/yGuBFfSyZSiPphzvNVllUlnvhTChTvWd+U3lqm0=",
            ),
        ] {
            assert_eq!(secret.sign(id, at, body), expected);
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        let of = |length: usize| format!("whsec_{}", BASE64_STANDARD.encode(vec![7; length]));
        for (text, expected) in [
            (String::new(), Some(SigningSecretError::Form)),
            (
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
                Some(SigningSecretError::Form),
            ),
            (
                "whsec_not base64".to_owned(),
                Some(SigningSecretError::Form),
            ),
            (of(23), Some(SigningSecretError::Length(23))),
            (of(24), None),
            (of(64), None),
            (of(65), Some(SigningSecretError::Length(65))),
        ] {
            assert_eq!(SigningSecret::parse(&text).err(), expected);
        }
    }
}
