//! The seal of an entry: `version u8 | salt 32 | ciphertext | tag 16`.
//!
//! HKDF-SHA256 makes the key and the nonce of each entry from the token and a random salt, so no key is used twice. Who
//! has the file without the token has nothing. What the entry is an answer to is authenticated with it.

use std::fmt::Write as _;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use regcred_client::Secret;
use zeroize::Zeroizing;

/// The entry as it is written; `None` where the library fails.
pub(super) fn seal(
    token: &Secret,
    salt: &[u8; SALT],
    binding: &[u8],
    plaintext: &[u8],
) -> Option<Vec<u8>> {
    let (key, nonce) = derive(token, salt)?;
    let size = plaintext.len().next_multiple_of(PADDING);
    let mut body = Zeroizing::new(Vec::with_capacity(size + AES_256_GCM.tag_len()));
    body.extend_from_slice(plaintext);
    // Blanks behind a text in JSON are nothing, and hide how long a password is.
    body.resize(size, b' ');
    key.seal_in_place_append_tag(nonce, Aad::from(binding), &mut *body)
        .ok()?;
    Some([&[VERSION], salt.as_slice(), &body].concat())
}

/// What was sealed; `None` where the entry is of another token, for something else, or was changed.
pub(super) fn open(token: &Secret, binding: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (version, rest) = sealed.split_first()?;
    let (salt, body) = rest.split_first_chunk()?;
    if *version != VERSION {
        return None;
    }
    let (key, nonce) = derive(token, salt)?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(binding), &mut body)
        .ok()?
        .len();
    body.truncate(length);
    Some(body)
}

/// The name of the entry's file: without the token, nobody can tell what it is an answer to.
pub(super) fn name(token: &Secret, binding: &[u8]) -> Option<String> {
    let key = expand::<32>(token, &[], b"regcred helper cache name v1")?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), binding);
    let mut name = String::new();
    for byte in tag.as_ref() {
        write!(name, "{byte:02x}").ok()?;
    }
    Some(name)
}

fn derive(token: &Secret, salt: &[u8; SALT]) -> Option<(LessSafeKey, Nonce)> {
    let output = expand::<44>(token, salt, b"regcred helper cache entry v1")?;
    let (key, nonce) = output.split_at(32);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    Some((key, Nonce::try_assume_unique_for_key(nonce).ok()?))
}

fn expand<const N: usize>(token: &Secret, salt: &[u8], info: &[u8]) -> Option<Zeroizing<[u8; N]>> {
    let secret = token.expose().as_bytes();
    let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut output = Zeroizing::new([0; N]);
    let info = [info];
    let material = pseudorandom.expand(&info, Length(N)).ok()?;
    material.fill(output.as_mut_slice()).ok()?;
    Some(output)
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

pub(super) const SALT: usize = 32;
const VERSION: u8 = 1;
const PADDING: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn it_opens_unchanged_with_its_token_for_its_request_only() {
        let sealed = seal(&token("t"), &[7; SALT], b"a", b"hunter2").unwrap();
        assert_eq!(
            open(&token("t"), b"a", &sealed).unwrap().trim_ascii_end(),
            b"hunter2"
        );
        assert!(open(&token("u"), b"a", &sealed).is_none());
        assert!(open(&token("t"), b"b", &sealed).is_none());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(open(&token("t"), b"a", &changed).is_none(), "{place}");
        }
        for length in 0..sealed.len() {
            assert!(
                open(&token("t"), b"a", &sealed[..length]).is_none(),
                "{length}"
            );
        }
        let other = seal(&token("t"), &[8; SALT], b"a", b"hunter2").unwrap();
        assert_ne!(sealed[1 + SALT..], other[1 + SALT..]);
        assert_ne!(name(&token("t"), b"a"), name(&token("t"), b"b"));
        assert_ne!(name(&token("t"), b"a"), name(&token("u"), b"a"));
    }
}
