//! Login passwords: argon2id, with the hash sealed like any record.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time;
use zeroize::Zeroizing;

use super::login::Login;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::random::{self, Random};
use crate::sealing::Binding;
use crate::secret::SecretText;

/// A password with which a user logs in.
pub struct LoginPassword(SecretText);

impl LoginPassword {
    /// A new password: at least 8 characters, at most 1,024 bytes.
    pub fn parse_new(text: String) -> Result<Self> {
        let password = Self::presented(text)?;
        if password.0.expose().chars().count() < MIN_CHARACTERS {
            return Err(Error::invalid(format!(
                "the password is too short; use at least {MIN_CHARACTERS} characters"
            )));
        }
        Ok(password)
    }

    /// A password that somebody presents, or that is given for a throw-away server: 1 to 1,024 bytes.
    pub fn presented(text: String) -> Result<Self> {
        let text = SecretText::new(text);
        if text.expose().is_empty() || text.expose().len() > MAX_BYTES {
            return Err(Error::invalid(format!(
                "the password must have 1 to {MAX_BYTES} bytes"
            )));
        }
        Ok(Self(text))
    }

    /// Hashes the password; takes some 50 ms and 46 MiB, so call it where blocking is allowed.
    pub fn hash(&self, random: &dyn Random) -> Result<PasswordHash> {
        let salt = random::bytes(random)?;
        let cost = Cost::CURRENT;
        Ok(PasswordHash {
            cost,
            salt,
            output: self.derive(cost, &salt)?,
        })
    }

    /// Whether this is the password that was hashed; costs the same either way.
    pub fn verify(&self, hash: &PasswordHash) -> Result<bool> {
        let output = self.derive(hash.cost, &hash.salt)?;
        Ok(
            constant_time::verify_slices_are_equal(output.as_slice(), hash.output.as_slice())
                .is_ok(),
        )
    }

    fn derive(&self, cost: Cost, salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>> {
        let failed =
            |error: argon2::Error| Error::internal(format!("hashing a password failed: {error}"));
        let params =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(failed)?;
        let mut output = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.0.expose().as_bytes(), salt, output.as_mut_slice())
            .map_err(failed)?;
        Ok(output)
    }
}

/// An argon2id hash with its cost, so that the cost can be raised later.
pub struct PasswordHash {
    cost: Cost,
    salt: [u8; 16],
    output: Zeroizing<[u8; 32]>,
}

impl PasswordHash {
    /// The bytes that are sealed: `memory u32 | passes u32 | lanes u32 | salt 16 | output 32`.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(60));
        for number in [self.cost.memory_kib, self.cost.passes, self.cost.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(self.output.as_slice());
        bytes
    }

    /// Reads [`Self::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (memory, rest) = bytes.split_first_chunk::<4>()?;
        let (passes, rest) = rest.split_first_chunk::<4>()?;
        let (lanes, rest) = rest.split_first_chunk::<4>()?;
        let (salt, output) = rest.split_first_chunk::<16>()?;
        Some(Self {
            cost: Cost {
                memory_kib: u32::from_be_bytes(*memory),
                passes: u32::from_be_bytes(*passes),
                lanes: u32::from_be_bytes(*lanes),
            },
            salt: *salt,
            output: Zeroizing::new(output.try_into().ok()?),
        })
    }

    /// The place to which a user's hash is sealed.
    #[must_use]
    pub fn binding<'a>(user: &'a UserId, login: &'a Login, version: u32) -> Binding<'a> {
        Binding {
            table: "user_account",
            column: "password",
            project: &[],
            row: user.as_bytes(),
            version,
            registry_key: "",
            username: login.as_str(),
        }
    }
}

#[derive(Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// One of the settings for argon2id that OWASP recommends: 46 MiB, one pass, one lane.
    const CURRENT: Self = Self {
        memory_kib: 46 * 1024,
        passes: 1,
        lanes: 1,
    };
}

const MIN_CHARACTERS: usize = 8;
const MAX_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn verifies_the_same_password_only_also_after_storing() {
        let password = LoginPassword::parse_new("correct horse 🐎".to_owned()).unwrap();
        let hash =
            PasswordHash::from_bytes(&password.hash(&SystemRandom).unwrap().to_bytes()).unwrap();
        assert!(password.verify(&hash).unwrap());
        let other = LoginPassword::presented("correct horse".to_owned()).unwrap();
        assert!(!other.verify(&hash).unwrap());
    }

    #[test]
    fn lengths_are_bounded() {
        assert!(LoginPassword::parse_new("short".to_owned()).is_err());
        assert!(LoginPassword::presented(String::new()).is_err());
        assert!(LoginPassword::presented("x".repeat(MAX_BYTES + 1)).is_err());
    }
}
