//! Secret values: no `Debug`, `Display`, `Serialize` or `Clone`; wiped when dropped; read only through `expose`.

use aws_lc_rs::constant_time;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// A password or another secret text that is stored or handed out, never shown.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text over; the caller's copy is the one that remains.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. Every use of it is found by this name.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The password of Docker credentials: 1 byte to 16 KiB of UTF-8, kept as it was given.
pub struct RegistryPassword(SecretText);

impl RegistryPassword {
    /// Checks the length; the text itself may hold anything.
    pub fn parse(text: String) -> Result<Self> {
        let text = SecretText::new(text);
        let length = text.expose().len();
        if length == 0 {
            return Err(Error::invalid(
                "the password is empty; give the registry's password or access token",
            ));
        }
        if length > MAX_PASSWORD_BYTES {
            return Err(Error::invalid(format!(
                "the password has {length} bytes; at most {MAX_PASSWORD_BYTES} (16 KiB) are allowed"
            )));
        }
        Ok(Self(text))
    }

    /// From an opened record.
    pub fn from_opened(mut opened: Zeroizing<Vec<u8>>) -> Result<Self> {
        let text = String::from_utf8(std::mem::take(&mut *opened)).map_err(|error| {
            // Wiped, as the text would be.
            drop(Zeroizing::new(error.into_bytes()));
            Error::internal("a sealed password is not UTF-8")
        })?;
        Ok(Self(SecretText::new(text)))
    }

    /// The secret itself. Every use of it is found by this name.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether it is the same password, found out in a time that tells only whether the lengths are equal.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let (one, other) = (self.expose().as_bytes(), other.expose().as_bytes());
        constant_time::verify_slices_are_equal(one, other).is_ok()
    }
}

/// The longest password that is sealed, in bytes (SECURITY.md: at most 16 KiB).
pub const MAX_PASSWORD_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_bytes() {
        assert!(RegistryPassword::parse(String::new()).is_err());
        assert!(RegistryPassword::parse("x".repeat(MAX_PASSWORD_BYTES)).is_ok());
        assert!(RegistryPassword::parse("é".repeat(MAX_PASSWORD_BYTES / 2 + 1)).is_err());
        assert!(RegistryPassword::parse("🔐\n\u{0}".to_owned()).is_ok());
    }
}
