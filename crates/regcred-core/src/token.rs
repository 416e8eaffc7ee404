//! Opaque bearer tokens: `rc_<kind>_<id>_<random>`.
//!
//! The server keeps only an HMAC of the whole text, so a copy of the database lets nobody in. The id finds the
//! row without a scan; the 256 random bits are the secret.

use std::fmt::Write as _;

use aws_lc_rs::{constant_time, hmac};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::TokenId;
use crate::random::{self, Random};
use crate::secret::SecretText;

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A user who has logged in.
    Session,
    /// A service token, for one or more projects.
    Service,
}

impl TokenKind {
    fn word(self) -> &'static str {
        match self {
            Self::Session => "ses",
            Self::Service => "svc",
        }
    }
}

/// The HMAC under which a token is stored.
#[derive(Clone, Copy)]
pub struct TokenMac([u8; 32]);

impl TokenMac {
    /// From the stored bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

/// A fresh token: the text for its owner, once, and the HMAC for the store.
pub struct MintedToken {
    /// The id in the text.
    pub id: TokenId,
    /// The text that its owner presents.
    pub text: SecretText,
    /// What the store keeps.
    pub mac: TokenMac,
}

/// Makes and recognises tokens.
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// From 32 secret bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// A fresh token of `kind`.
    pub fn mint(
        &self,
        kind: TokenKind,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<MintedToken> {
        let id = TokenId::generate(now, random)?;
        let secret = Zeroizing::new(random::bytes::<32>(random)?);
        let mut text = String::with_capacity(TOKEN_LENGTH);
        text.push_str("rc_");
        text.push_str(kind.word());
        text.push('_');
        push_hex(&mut text, id.as_bytes());
        text.push('_');
        push_hex(&mut text, secret.as_slice());
        let mac = self.mac(&text);
        Ok(MintedToken {
            id,
            text: SecretText::new(text),
            mac,
        })
    }

    /// Reads a presented token: its kind, its id, and the HMAC to compare with the stored one.
    pub fn read(&self, text: &str) -> Result<(TokenKind, TokenId, TokenMac)> {
        parse(text)
            .map(|(kind, id)| (kind, id, self.mac(text)))
            .ok_or_else(Error::unauthenticated)
    }

    fn mac(&self, text: &str) -> TokenMac {
        let tag = hmac::sign(&self.0, text.as_bytes());
        let mut mac = [0; 32];
        mac.copy_from_slice(tag.as_ref());
        TokenMac(mac)
    }
}

fn parse(text: &str) -> Option<(TokenKind, TokenId)> {
    if text.len() != TOKEN_LENGTH
        || !text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_'))
    {
        return None;
    }
    let mut parts = text.split('_');
    let (prefix, kind, id, secret) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let kind = [TokenKind::Session, TokenKind::Service]
        .into_iter()
        .find(|known| known.word() == kind)?;
    if prefix != "rc" || secret.len() != 64 || parts.next().is_some() {
        return None;
    }
    let id = uuid::Uuid::try_parse(id).ok()?;
    Some((kind, TokenId::from_bytes(id.into_bytes())))
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
}

const TOKEN_LENGTH: usize = "rc_ses_".len() + 32 + 1 + 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_minted_token_is_read_back_and_a_changed_one_does_not_match() {
        let key = TokenKey::new(&[7; 32]);
        let token = key
            .mint(TokenKind::Service, Timestamp::from_micros(0), &SystemRandom)
            .unwrap();
        let (kind, id, mac) = key.read(token.text.expose()).unwrap();
        assert_eq!((kind, id), (TokenKind::Service, token.id));
        assert!(mac.matches(&token.mac));

        let text = token.text.expose();
        let last = if text.ends_with('0') { "1" } else { "0" };
        let changed = format!("{}{last}", &text[..text.len() - 1]);
        assert!(!key.read(&changed).unwrap().2.matches(&token.mac));
        assert!(
            !TokenKey::new(&[8; 32])
                .read(text)
                .unwrap()
                .2
                .matches(&token.mac)
        );
    }

    #[test]
    fn what_is_no_token_is_refused_alike() {
        let key = TokenKey::new(&[7; 32]);
        for text in [
            "",
            "rc_ses_",
            "Bearer x",
            &"x".repeat(TOKEN_LENGTH),
            &"_".repeat(TOKEN_LENGTH),
            "🔐",
        ] {
            let error = key.read(text).err().unwrap();
            assert_eq!(error.message(), Error::unauthenticated().message());
        }
    }
}
