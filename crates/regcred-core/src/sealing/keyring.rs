//! The installation's keys, opened with the KEK and held in memory while the program runs.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use aws_lc_rs::{constant_time, hmac};
use zeroize::Zeroizing;

use super::binding::{Binding, length_prefixed};
use super::kek::{self, Kek};
use super::record::{self, SealError, SealedRecord};
use crate::error::{Error, Result};
use crate::ids::InstallationId;
use crate::random::{self, Random};
use crate::token::TokenKey;

/// What a wrapped key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPurpose {
    /// A root seed: the source of every record's own key. One per generation.
    Record,
    /// The HMAC key of tokens.
    Token,
    /// The HMAC key of the audit chain.
    Audit,
}

impl KeyPurpose {
    /// Every purpose; each must be present in an installation.
    pub const ALL: [Self; 3] = [Self::Record, Self::Token, Self::Audit];

    /// The word under which it is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Token => "token",
            Self::Audit => "audit",
        }
    }

    /// The purpose that [`Self::word`] names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.word() == word)
    }
}

/// A key as it lies in the database, wrapped with the KEK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Its generation, from 1.
    pub generation: u32,
    /// The wrapped bytes.
    pub wrapped: Vec<u8>,
}

/// The opened keys of one installation.
pub struct KeyRing {
    installation: InstallationId,
    seeds: BTreeMap<u32, Zeroizing<[u8; 32]>>,
    token: TokenKey,
    audit: hmac::Key,
}

impl KeyRing {
    /// Fresh keys for a new installation, wrapped with `kek`.
    pub fn create(
        installation: InstallationId,
        kek: &Kek,
        random: &dyn Random,
    ) -> Result<Vec<WrappedKey>> {
        KeyPurpose::ALL
            .into_iter()
            .map(|purpose| {
                let key = Zeroizing::new(random::bytes::<32>(random)?);
                let generation = 1;
                let wrapped =
                    kek.wrap(&key, &context(installation, purpose, generation), random)?;
                Ok(WrappedKey {
                    purpose,
                    generation,
                    wrapped,
                })
            })
            .collect()
    }

    /// Opens the stored keys with `kek`.
    pub fn open(
        installation: InstallationId,
        keys: &[WrappedKey],
        kek: &Kek,
    ) -> Result<Self, KeyRingError> {
        let mut seeds = BTreeMap::new();
        let (mut token, mut audit) = (None, None);
        for key in keys {
            let opened = kek
                .unwrap(
                    &key.wrapped,
                    &context(installation, key.purpose, key.generation),
                )
                .ok_or_else(|| KeyRingError::for_key(key, kek))?;
            match key.purpose {
                KeyPurpose::Record => {
                    seeds.insert(key.generation, opened);
                }
                KeyPurpose::Token => token = Some(TokenKey::new(&opened)),
                KeyPurpose::Audit => {
                    audit = Some(hmac::Key::new(hmac::HMAC_SHA256, opened.as_slice()));
                }
            }
        }
        match (token, audit) {
            (Some(token), Some(audit)) if !seeds.is_empty() => Ok(Self {
                installation,
                seeds,
                token,
                audit,
            }),
            _ => Err(KeyRingError::Missing),
        }
    }

    /// Seals `plaintext` for the place that `binding` names, under the newest seed.
    pub fn seal(
        &self,
        binding: &Binding<'_>,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<SealedRecord> {
        let (generation, seed) = self
            .seeds
            .last_key_value()
            .ok_or_else(|| Error::internal("the key ring has no seed"))?;
        record::seal(
            seed,
            *generation,
            &binding.bytes(self.installation),
            plaintext,
            random,
        )
    }

    /// Opens a record that was sealed for exactly this place.
    pub fn open_record(
        &self,
        binding: &Binding<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let generation = record::generation(sealed)?;
        let seed = self
            .seeds
            .get(&generation)
            .ok_or(SealError::UnknownGeneration(generation))?;
        record::open(seed, &binding.bytes(self.installation), sealed)
    }

    /// The key that makes and recognises tokens.
    #[must_use]
    pub fn token_key(&self) -> &TokenKey {
        &self.token
    }

    /// What shows that whoever said something holds these keys.
    pub(crate) fn sign(&self, said: &str) -> String {
        self.signature(said)
            .iter()
            .fold(String::new(), |mut text, byte| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    /// Whether a signature is that of what was said.
    pub(crate) fn is_signed(&self, said: &str, signature: &str) -> bool {
        constant_time::verify_slices_are_equal(self.sign(said).as_bytes(), signature.as_bytes())
            .is_ok()
    }

    fn signature(&self, said: &str) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.audit);
        context.update(b"said");
        context.update(said.as_bytes());
        context.sign().as_ref().to_vec()
    }

    /// The key of the audit chain.
    pub(crate) fn audit_key(&self) -> &hmac::Key {
        &self.audit
    }
}

/// Why the stored keys cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRingError {
    /// The keys were wrapped with another KEK.
    WrongKek,
    /// The right KEK, but the stored bytes are damaged or were moved here from another installation.
    Damaged,
    /// Not every purpose has a key.
    Missing,
}

impl KeyRingError {
    fn for_key(key: &WrappedKey, kek: &Kek) -> Self {
        if kek::fingerprint_of(&key.wrapped) == Some(kek.fingerprint().as_slice()) {
            Self::Damaged
        } else {
            Self::WrongKek
        }
    }
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongKek => "the key-encryption key is not the one that this database was made with; nothing was changed",
            Self::Damaged => "a wrapped key in the database is damaged, or was copied from another installation",
            Self::Missing => "the database lacks one of its wrapped keys; restore it from a backup",
        })
    }
}

impl std::error::Error for KeyRingError {}

fn context(installation: InstallationId, purpose: KeyPurpose, generation: u32) -> Vec<u8> {
    length_prefixed(&[
        b"regcred wrapped key v1",
        installation.as_bytes(),
        purpose.word().as_bytes(),
        &generation.to_be_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::random::SystemRandom;

    fn kek() -> Kek {
        Kek::parse(Kek::generate(&SystemRandom).unwrap().expose()).unwrap()
    }

    fn installation() -> InstallationId {
        InstallationId::generate(Timestamp::from_micros(0), &SystemRandom).unwrap()
    }

    #[test]
    fn keys_open_with_their_kek_only() {
        let (first, second, place) = (kek(), kek(), installation());
        let keys = KeyRing::create(place, &first, &SystemRandom).unwrap();
        assert!(KeyRing::open(place, &keys, &first).is_ok());
        assert_eq!(
            KeyRing::open(place, &keys, &second).err(),
            Some(KeyRingError::WrongKek)
        );
        assert_eq!(
            KeyRing::open(installation(), &keys, &first).err(),
            Some(KeyRingError::Damaged)
        );
        assert_eq!(
            KeyRing::open(place, &keys[..2], &first).err(),
            Some(KeyRingError::Missing)
        );
    }

    #[test]
    fn every_flipped_byte_of_a_wrapped_key_is_refused() {
        let (kek, place) = (kek(), installation());
        let keys = KeyRing::create(place, &kek, &SystemRandom).unwrap();
        for index in 0..keys[0].wrapped.len() {
            let mut changed = keys.clone();
            changed[0].wrapped[index] ^= 1;
            let opened = KeyRing::open(place, &changed, &kek).is_ok();
            // The fingerprint only chooses the error's words; it protects nothing.
            assert_eq!(opened, (1..9).contains(&index), "byte {index}");
        }
    }

    #[test]
    fn purposes_cannot_be_exchanged() {
        let (kek, place) = (kek(), installation());
        let mut keys = KeyRing::create(place, &kek, &SystemRandom).unwrap();
        let first = keys[0].wrapped.clone();
        keys[0].wrapped = keys[1].wrapped.clone();
        keys[1].wrapped = first;
        assert_eq!(
            KeyRing::open(place, &keys, &kek).err(),
            Some(KeyRingError::Damaged)
        );
    }
}
