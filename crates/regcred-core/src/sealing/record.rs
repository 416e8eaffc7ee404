//! Record format v1: `version u8 | alg u8 | generation u32 | salt 32 | commitment 32 | nonce 12 | ciphertext | tag 16`.
//!
//! HKDF-SHA256(seed, salt) gives the record's key and a commitment to it. The commitment is compared first, in
//! constant time: AES-GCM alone does not commit to its key.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::constant_time;
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::random::{self, Random};

/// A sealed record, as it is stored. It is ciphertext: printing it reveals no more than the database holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecord(Vec<u8>);

impl SealedRecord {
    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why a record does not open. All but the first two mean that it, or its place, was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// A format that this program does not know.
    UnknownFormat,
    /// Sealed under a seed that the key ring does not hold.
    UnknownGeneration(u32),
    /// Too short to be a record.
    Truncated,
    /// The seed is another one, or the salt or commitment was changed.
    Commitment,
    /// The ciphertext was changed, or the record does not belong to this place.
    Authentication,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("the sealed record has an unknown format"),
            Self::UnknownGeneration(generation) => {
                write!(f, "the sealed record needs key generation {generation}")
            }
            Self::Truncated => f.write_str("the sealed record is too short"),
            Self::Commitment => f.write_str("the sealed record does not belong to these keys"),
            Self::Authentication => f.write_str("the sealed record was changed or moved"),
        }
    }
}

impl std::error::Error for SealError {}

pub(super) fn seal(
    seed: &[u8; 32],
    generation: u32,
    binding: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<SealedRecord> {
    let salt = random::bytes::<32>(random)?;
    let nonce = random::bytes::<12>(random)?;
    let (key, commitment) =
        derive(seed, &salt).ok_or_else(|| Error::internal("deriving a record key failed"))?;
    let mut body = pad(plaintext);
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(binding),
        &mut *body,
    )
    .map_err(|_| Error::internal("sealing a record failed"))?;
    let head: &[u8] = &[VERSION, AES_256_GCM_HKDF];
    Ok(SealedRecord(
        [
            head,
            &generation.to_be_bytes(),
            &salt,
            commitment.as_slice(),
            &nonce,
            &body,
        ]
        .concat(),
    ))
}

/// The generation of the seed that a record needs.
pub(super) fn generation(sealed: &[u8]) -> Result<u32, SealError> {
    let (head, rest) = sealed
        .split_first_chunk::<2>()
        .ok_or(SealError::Truncated)?;
    if *head != [VERSION, AES_256_GCM_HKDF] {
        return Err(SealError::UnknownFormat);
    }
    let (generation, _) = rest.split_first_chunk::<4>().ok_or(SealError::Truncated)?;
    Ok(u32::from_be_bytes(*generation))
}

pub(super) fn open(
    seed: &[u8; 32],
    binding: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let rest = sealed.get(6..).ok_or(SealError::Truncated)?;
    let (salt, rest) = rest.split_first_chunk::<32>().ok_or(SealError::Truncated)?;
    let (stored_commitment, rest) = rest.split_first_chunk::<32>().ok_or(SealError::Truncated)?;
    let (nonce, body) = rest.split_first_chunk::<12>().ok_or(SealError::Truncated)?;
    let (key, commitment) = derive(seed, salt).ok_or(SealError::Commitment)?;
    constant_time::verify_slices_are_equal(commitment.as_slice(), stored_commitment)
        .map_err(|_| SealError::Commitment)?;
    let mut body = Zeroizing::new(body.to_vec());
    let padded = key
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(binding),
            &mut body,
        )
        .map_err(|_| SealError::Authentication)?;
    unpad(padded).ok_or(SealError::Authentication)
}

/// The record's own key, and the commitment to it.
fn derive(seed: &[u8; 32], salt: &[u8; 32]) -> Option<(LessSafeKey, Zeroizing<[u8; 32]>)> {
    let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(seed);
    let mut output = Zeroizing::new([0; 64]);
    pseudorandom
        .expand(&[INFO], Length(64))
        .ok()?
        .fill(output.as_mut_slice())
        .ok()?;
    let (key, commitment) = output.split_at(32);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    Some((key, Zeroizing::new(commitment.try_into().ok()?)))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// `length u32 | plaintext | zeros` up to a multiple of 64 bytes, so that a record's size says little of its secret.
fn pad(plaintext: &[u8]) -> Zeroizing<Vec<u8>> {
    let size = (plaintext.len() + 4).next_multiple_of(PADDING);
    let mut padded = Zeroizing::new(Vec::with_capacity(size + TAG));
    padded.extend_from_slice(
        &u32::try_from(plaintext.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
    );
    padded.extend_from_slice(plaintext);
    padded.resize(size, 0);
    padded
}

fn unpad(padded: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (length, rest) = padded.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    Some(Zeroizing::new(rest.get(..length)?.to_vec()))
}

const VERSION: u8 = 1;
const AES_256_GCM_HKDF: u8 = 1;
const INFO: &[u8] = b"regcred record v1";
const PADDING: usize = 64;
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const SEED: [u8; 32] = [3; 32];

    #[test]
    fn opens_only_unchanged_and_in_its_place() {
        let sealed = seal(&SEED, 1, b"here", b"hunter2", &SystemRandom).unwrap();
        assert_eq!(
            open(&SEED, b"here", sealed.as_bytes()).unwrap().as_slice(),
            b"hunter2"
        );
        assert_eq!(
            open(&SEED, b"there", sealed.as_bytes()),
            Err(SealError::Authentication)
        );
        assert_eq!(
            open(&[4; 32], b"here", sealed.as_bytes()),
            Err(SealError::Commitment)
        );
    }

    #[test]
    fn every_flipped_bit_of_every_byte_is_refused() {
        let sealed = seal(&SEED, 1, b"here", b"hunter2", &SystemRandom).unwrap();
        for index in 0..sealed.as_bytes().len() {
            for bit in 0..8 {
                let mut changed = sealed.as_bytes().to_vec();
                changed[index] ^= 1 << bit;
                // The key ring reads version, algorithm and generation, and finds no seed for another generation.
                let opened = match generation(&changed) {
                    Ok(1) => open(&SEED, b"here", &changed),
                    Ok(other) => Err(SealError::UnknownGeneration(other)),
                    Err(error) => Err(error),
                };
                assert!(opened.is_err(), "byte {index} bit {bit}");
            }
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let sealed = seal(&SEED, 1, b"here", b"hunter2", &SystemRandom).unwrap();
        for length in 0..sealed.as_bytes().len() {
            let cut = &sealed.as_bytes()[..length];
            assert!(
                generation(cut)
                    .and_then(|_| open(&SEED, b"here", cut))
                    .is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn sizes_are_padded_to_64_bytes() {
        let size = |length: usize| {
            seal(&SEED, 1, b"", &vec![b'x'; length], &SystemRandom)
                .unwrap()
                .as_bytes()
                .len()
        };
        assert_eq!(size(0), size(60));
        assert_eq!(size(61), size(60) + 64);
        assert_eq!(size(0), 2 + 4 + 32 + 32 + 12 + 64 + 16);
    }
}
