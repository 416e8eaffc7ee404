//! Names of users and of groups.

use crate::error::{Error, Result};
use crate::text::plain;

/// A login in its one canonical form, for look-up and for limits alike: lowercase ASCII letters, digits and `. _ - @ +`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Login(String);

impl Login {
    /// Reads a login; uppercase letters are lowered.
    pub fn parse(text: &str) -> Result<Self> {
        plain("the login", text, MAX_LOGIN)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
        if !text.bytes().all(allowed) {
            // It is not repeated: people type passwords into the field of the login.
            return Err(Error::invalid(
                "the login may only hold ASCII letters, digits and `.`, `_`, `-`, `@`, `+`",
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// A login that no user can have, for the check of unknown users.
    #[must_use]
    pub fn decoy() -> Self {
        Self(String::new())
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a group of users. A role may be given to a group that has no member yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(String);

impl GroupName {
    /// 1 to 255 characters without control characters, compared exactly.
    pub fn parse(text: &str) -> Result<Self> {
        plain("the group name", text, MAX_GROUP)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const MAX_LOGIN: usize = 128;
const MAX_GROUP: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_have_one_form() {
        assert_eq!(
            Login::parse("John.Doe@Example").unwrap(),
            Login::parse("john.doe@example").unwrap()
        );
        for bad in ["", "a b", "é", "a\n", "a:b", "𝐚", &"x".repeat(129)] {
            assert!(Login::parse(bad).is_err(), "{bad:?}");
        }
    }
}
