//! The key-encryption key, which comes from outside the database.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::binding::length_prefixed;
use crate::error::{Error, Result};
use crate::random::{self, Random};
use crate::secret::SecretText;

/// A key-encryption key: 32 bytes that wrap the installation's keys, needed at start and for rotation only.
pub struct Kek {
    key: LessSafeKey,
    fingerprint: [u8; 8],
}

impl Kek {
    /// Reads the text form: 32 bytes in standard base64, white space around it ignored.
    pub fn parse(text: &str) -> Result<Self, KekError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| KekError)?);
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| KekError)?;
        Self::from_bytes(bytes)
    }

    /// A fresh key in its text form, to be kept outside the database.
    pub fn generate(random: &dyn Random) -> Result<SecretText> {
        let bytes = Zeroizing::new(random::bytes::<32>(random)?);
        Ok(SecretText::new(STANDARD.encode(bytes.as_slice())))
    }

    fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KekError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| KekError)?;
        let digest = digest::digest(
            &digest::SHA256,
            &length_prefixed(&[b"regcred kek fingerprint", bytes]),
        );
        let mut fingerprint = [0; 8];
        for (to, from) in fingerprint.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Ok(Self {
            key: LessSafeKey::new(key),
            fingerprint,
        })
    }

    /// Eight bytes that tell this key from another without revealing it.
    pub(super) fn fingerprint(&self) -> [u8; 8] {
        self.fingerprint
    }

    /// `version u8 | fingerprint 8 | nonce 12 | ciphertext 32 | tag 16`
    pub(super) fn wrap(
        &self,
        key: &[u8; 32],
        context: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>> {
        let nonce = random::bytes::<12>(random)?;
        let mut sealed = Zeroizing::new(key.to_vec());
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut *sealed,
            )
            .map_err(|_| Error::internal("wrapping a key failed"))?;
        Ok([
            &[WRAP_VERSION],
            self.fingerprint.as_slice(),
            &nonce,
            &sealed,
        ]
        .concat())
    }

    /// The key inside, or `None` where this is another KEK, another context, or damage.
    pub(super) fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let rest = wrapped.strip_prefix(&[WRAP_VERSION])?.get(8..)?;
        let (nonce, sealed) = rest.split_first_chunk::<12>()?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let opened = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(context),
                &mut sealed,
            )
            .ok()?;
        Some(Zeroizing::new(<[u8; 32]>::try_from(&*opened).ok()?))
    }
}

/// The fingerprint that a wrapped key carries.
pub(super) fn fingerprint_of(wrapped: &[u8]) -> Option<&[u8]> {
    wrapped.get(1..9)
}

/// The text is no key-encryption key. It says nothing about the text, which may be a secret with a typing error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KekError;

impl fmt::Display for KekError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key-encryption key is not 32 bytes in base64; make one with `openssl rand -base64 32`")
    }
}

impl std::error::Error for KekError {}

const WRAP_VERSION: u8 = 1;
