//! Identifiers. Each is a UUID of version 7: made in order of time, to the microsecond, so that indexes grow at their end
//! and a list in the order of its ids is one in the order of time.

use std::fmt;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::random::{self, Random};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh identifier.
            pub fn generate(now: Timestamp, random: &dyn Random) -> Result<Self> {
                let micros = u64::try_from(now.as_micros()).unwrap_or(0);
                let mut bytes = random::bytes::<10>(random)?;
                // RFC 9562, method 3: the first twelve bits behind the version are the fraction of the millisecond.
                let fraction = u16::try_from(micros % 1_000 * 4_096 / 1_000).unwrap_or(0);
                let [high, low] = fraction.to_be_bytes();
                (bytes[0], bytes[1]) = (high, low);
                Ok(Self(uuid::Builder::from_unix_timestamp_millis(micros / 1_000, &bytes).into_uuid()))
            }

            /// Reads the hyphenated form, in either case; any other form is refused.
            pub fn parse(text: &str) -> Result<Self> {
                parse_uuid(text).map(Self)
            }

            /// From the sixteen bytes that [`Self::as_bytes`] gives.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes, most significant first.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

id!(
    /// One installation: a data directory or a database. Part of what every sealed record is bound to.
    InstallationId
);
id!(
    /// A project, the unit of isolation.
    ProjectId
);
id!(
    /// Docker credentials of a project.
    CredentialsId
);
id!(
    /// A job or an app of a project.
    WorkloadId
);
id!(
    /// A user.
    UserId
);
id!(
    /// A session or a service token; it stands in the token's text.
    TokenId
);
id!(
    /// Something that a webhook is to be told; the same at each attempt.
    DeliveryId
);

/// Reads a UUID in its hyphenated form.
pub fn parse_uuid(text: &str) -> Result<Uuid> {
    if text.len() == 36
        && let Ok(uuid) = Uuid::try_parse(text)
    {
        return Ok(uuid);
    }
    // The text is not repeated: it may be a secret in the wrong place.
    Err(Error::invalid(
        "the id is not a UUID; expected 8-4-4-4-12 hexadecimal digits, such as 860b8dc8-e734-4c98-b2e7-f9ec32ab4771",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_read() {
        let id = ProjectId::parse("860B8DC8-e734-4c98-b2e7-f9ec32ab4771").unwrap();
        assert_eq!(id.to_string(), "860b8dc8-e734-4c98-b2e7-f9ec32ab4771");
        for bad in [
            "",
            "x",
            "860b8dc8e7344c98b2e7f9ec32ab4771",
            "{860b8dc8-e734-4c98-b2e7-f9ec32ab4771}",
        ] {
            let error = ProjectId::parse(bad).unwrap_err();
            assert!(error.message().contains("is not a UUID"), "{error}");
        }
    }

    #[test]
    fn later_ids_sort_later() {
        let random = crate::random::SystemRandom;
        let at = |micros| UserId::generate(Timestamp::from_micros(micros), &random).unwrap();
        for micros in [0, 1, 999, 1_000, 1_650_982_817_118_482] {
            assert!(at(micros) < at(micros + 1), "{micros}");
        }
        assert_ne!(at(7), at(7));
    }
}
