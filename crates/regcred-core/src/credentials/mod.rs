//! Docker credentials: what the API shows of them, and where their password is sealed.

pub mod version;

use std::collections::BTreeMap;

use crate::clock::{Day, Timestamp};
use crate::error::{Error, Result};
use crate::ids::{CredentialsId, ProjectId, TokenId};
use crate::registry::{ImageReference, PullTarget, Registry, RegistryKey};
use crate::sealing::Binding;
use crate::text::plain;

/// Docker credentials without their password, which goes in and never comes out of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerCredentials {
    /// Their id, for their whole life.
    pub id: CredentialsId,
    /// The registry as it was typed, with its key.
    pub registry: Registry,
    /// The login to the registry.
    pub username: Username,
    /// The version of the password that counts: 1 when created, and a higher one with each upgrade.
    pub version: u32,
    /// When the password, username or registry last changed.
    pub last_update: Timestamp,
    /// When the password runs out, where that is known.
    pub expires: Option<Timestamp>,
    /// An image of the registry that they are to be able to pull: with it, a proof is of that, too.
    pub probe: Option<ImageReference>,
    /// The first of the held versions with this same password; that of the version itself where it is the first one.
    pub secret: u32,
}

impl DockerCredentials {
    /// The image to probe with, once they are for another registry: one that is not pulled from there is dropped.
    #[must_use]
    pub fn probe_at(&self, registry: &Registry) -> Option<ImageReference> {
        let kept = self.probe.as_ref();
        kept.filter(|image| PullTarget::of(image).is_covered_by(registry.key()))
            .cloned()
    }
}

/// Reads an image to probe with. `Invalid` where it is none, or none that credentials for the registry pull.
pub fn read_probe(text: &str, registry: &RegistryKey) -> Result<ImageReference> {
    let image = PullTarget::read_image(text).map_err(|error| error.in_field("probe"))?;
    if PullTarget::of(&image).is_covered_by(registry) {
        return Ok(image);
    }
    Err(Error::invalid(format!(
        "the image is none that credentials for `{registry}` are pulled with; give one below it"
    ))
    .in_field("probe"))
}

/// How credentials were pulled lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsUse {
    /// The credentials.
    pub credentials: CredentialsId,
    /// When they were last pulled.
    pub last: Timestamp,
    /// By which token.
    pub token: TokenId,
    /// The token's name at that time.
    pub token_name: String,
    /// The days with a pull, the latest first, as far as they were asked for.
    pub days: Vec<PullsOfDay>,
}

/// Who pulled credentials for what, the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puller {
    /// The credentials.
    pub credentials: CredentialsId,
    /// By which token.
    pub token: TokenId,
    /// The token's name at that time.
    pub token_name: String,
    /// For which image or server, in canonical form, without tag and digest.
    pub target: RegistryKey,
    /// Which version of the password it was handed.
    pub version: u32,
    /// When.
    pub last: Timestamp,
}

/// The tokens that pulled last when this version counted, whatever they pulled: those that have not asked for another one
/// since. `pullers` are those of one of the credentials.
#[must_use]
pub fn last_handed(pullers: &[Puller], version: u32) -> Vec<&Puller> {
    let mut latest: BTreeMap<TokenId, &Puller> = BTreeMap::new();
    for puller in pullers {
        let of_token = latest.entry(puller.token).or_insert(puller);
        if puller.last > of_token.last {
            *of_token = puller;
        }
    }
    let latest = latest.into_values();
    latest.filter(|puller| puller.version == version).collect()
}

/// How often credentials were pulled on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullsOfDay {
    /// The day.
    pub day: Day,
    /// How often.
    pub pulls: u64,
}

/// The login to a registry: 1 to 255 characters, kept exactly as given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(String);

impl Username {
    /// Refuses control characters, and `:`, which no registry login can hold: HTTP Basic authentication (RFC 7617)
    /// and every docker file format split at the first colon.
    pub fn parse(text: String) -> Result<Self> {
        plain("the username", &text, MAX_USERNAME)?;
        if text.contains(':') {
            return Err(Error::invalid(
                "the username contains `:`, which HTTP Basic authentication cannot carry; remove it",
            ));
        }
        Ok(Self(text))
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// When a password runs out, as given with it at `now`. `Invalid` where that is over already.
pub fn expiry(given: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>> {
    match given {
        Some(expires) if expires <= now => Err(Error::invalid(format!(
            "the password would have run out at {} already; give a moment to come, or leave it out",
            expires.rfc3339(0)
        ))
        .in_field("expiresAt")),
        given => Ok(given),
    }
}

/// The place to which a password is sealed.
#[must_use]
pub fn binding<'a>(
    project: &'a ProjectId,
    id: &'a CredentialsId,
    version: u32,
    registry: &'a Registry,
    username: &'a Username,
) -> Binding<'a> {
    Binding {
        table: "docker_credentials",
        column: "password",
        project: project.as_bytes(),
        row: id.as_bytes(),
        version,
        registry_key: registry.key().as_str(),
        username: username.as_str(),
    }
}

/// The most credentials that a project may have: a list of them is one answer.
pub const MOST_IN_PROJECT: usize = 50_000;
/// For each credentials, so many couples of a token and what it pulled are kept, the latest ones.
pub const MOST_PULLERS: usize = 100;
/// For so many days it is kept how often credentials were pulled.
pub const DAYS_OF_USE: u32 = 90;
const MAX_USERNAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_pulled_something_later_has_another_version() {
        let puller = |token: u8, target: &str, version, at| Puller {
            credentials: CredentialsId::from_bytes([0; 16]),
            token: TokenId::from_bytes([token; 16]),
            token_name: String::new(),
            target: RegistryKey::parse(target).unwrap(),
            version,
            last: Timestamp::from_micros(at),
        };
        let pullers = [
            puller(1, "h.x/a", 1, 10),
            puller(1, "h.x/b", 2, 20),
            puller(2, "h.x/a", 1, 30),
        ];
        let tokens = |version| {
            let last = last_handed(&pullers, version);
            last.iter().map(|puller| puller.token).collect::<Vec<_>>()
        };
        assert_eq!(tokens(1), [TokenId::from_bytes([2; 16])]);
        assert_eq!(tokens(2), [TokenId::from_bytes([1; 16])]);
        assert!(tokens(3).is_empty());
    }

    #[test]
    fn usernames_are_kept_or_refused_with_a_reason() {
        for good in [
            "myuser",
            "robot$name",
            "<token>",
            "用户 🐳",
            "a@b.c",
            &"é".repeat(255),
        ] {
            assert_eq!(Username::parse(good.to_owned()).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", "empty"),
            (&*"x".repeat(2000), "2000"),
            ("a\u{7}b", "U+0007"),
            ("a:b", "`:`"),
        ] {
            let error = Username::parse(bad.to_owned()).unwrap_err();
            assert!(error.message().contains(why), "{error}");
        }
    }
}
