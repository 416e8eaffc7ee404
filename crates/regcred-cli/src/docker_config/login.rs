//! One login, and `auth`: the base64 of `username:password` in which all of these files keep it.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine as _, alphabet};
use regcred_client::Secret;

use super::lenient::Fields;

/// A username with its password. The username is not empty; the password neither.
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: Secret,
}

impl Login {
    /// A login; or why this is none, as the end of a sentence that begins with the key.
    pub(crate) fn of(username: String, password: Secret) -> Result<Self, String> {
        if username == IDENTITY_TOKEN {
            return Err(no_login("an identity token"));
        }
        if username.is_empty() {
            return Err("has an empty username".to_owned());
        }
        if password.expose().is_empty() {
            return Err("has an empty password".to_owned());
        }
        Ok(Self { username, password })
    }

    /// Whether two are the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.username, self.password.expose()) == (&other.username, other.password.expose())
    }

    /// What the fields of an entry say, and what is odd about it; or why they are no login.
    pub(super) fn from_fields(fields: Fields) -> Result<(Self, Vec<String>), String> {
        for (token, name) in [
            (&fields.identity_token, "an identity token"),
            (&fields.registry_token, "a registry token"),
        ] {
            if token.is_filled() {
                return Err(no_login(name));
            }
        }
        let mut odd = fields.odd;
        let auth = fields.auth.text("auth", &mut odd)?;
        let username = fields.username.text("username", &mut odd)?;
        let password = fields.password.text("password", &mut odd)?;
        let login = match (auth, username, password) {
            (Some(auth), username, password) => {
                let login = Self::from_auth(auth.expose(), &mut odd)?;
                let differs = |given: Option<&Secret>, counts: &str| {
                    given.is_some_and(|given| given.expose() != counts)
                };
                if differs(username.as_ref(), &login.username) {
                    odd.push(format!(
                        "`auth` is of the user {:?}, `username` says otherwise; `auth` counts, as it does for clients",
                        login.username
                    ));
                }
                if differs(password.as_ref(), login.password.expose()) {
                    odd.push(
                        "`auth` and `password` hold different passwords; `auth` counts, as it does for clients"
                            .to_owned(),
                    );
                }
                login
            }
            (None, Some(username), Some(password)) => {
                Self::of(username.expose().to_owned(), password)?
            }
            (None, None, None) => {
                return Err("is empty; a credential helper may hold what belongs here".to_owned());
            }
            (None, Some(_), None) => return Err("has a username, but no password".to_owned()),
            (None, None, Some(_)) => return Err("has a password, but no username".to_owned()),
        };
        Ok((login, odd))
    }

    /// Whether docker takes this for an `auth`; or why not, as the end of a sentence that begins with the entry. Unlike
    /// [`Self::from_fields`], it takes an empty password and what is no UTF-8.
    pub(super) fn is_auth(auth: &str) -> Result<(), &'static str> {
        let pair = decoded(auth).ok_or(NO_BASE64)?;
        let colon = pair.iter().position(|byte| *byte == b':');
        match colon.ok_or(NO_COLON)? {
            0 => Err(NO_USERNAME),
            _ => Ok(()),
        }
    }

    /// The login that `auth` holds: split at the first colon.
    fn from_auth(auth: &str, odd: &mut Vec<String>) -> Result<Self, String> {
        let bytes = decoded(auth).ok_or(NO_BASE64)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| "has an `auth` that is no UTF-8; log in again to mend it")?;
        let text = Secret::new(text);
        let (username, password) = text.expose().split_once(':').ok_or(NO_COLON)?;
        if username.is_empty() {
            return Err(NO_USERNAME.to_owned());
        }
        let trimmed = password.trim_matches('\0');
        if trimmed.len() < password.len() {
            odd.push("NULs around the password are left out, as clients leave them out".to_owned());
        }
        Self::of(username.to_owned(), Secret::new(trimmed.to_owned()))
    }
}

/// `auth` of a login. The username has no colon; [`super::write()`] sees to that.
pub(super) fn auth(username: &str, password: &Secret) -> Secret {
    let password = password.expose();
    let mut pair = String::with_capacity(username.len() + 1 + password.len());
    pair.push_str(username);
    pair.push(':');
    pair.push_str(password);
    encoded(&Secret::new(pair))
}

/// The base64 of a text.
pub(super) fn encoded(text: &Secret) -> Secret {
    Secret::new(STANDARD.encode(text.expose()))
}

/// What base64 stands for, as docker and Kubernetes decode it: line breaks in it do not count, nor do bits behind the last
/// byte.
pub(super) fn decoded(base64: &str) -> Option<Vec<u8>> {
    if !base64.contains(['\r', '\n']) {
        return AS_GO.decode(base64).ok();
    }
    let joined = Secret::new(base64.replace(['\r', '\n'], ""));
    AS_GO.decode(joined.expose()).ok()
}

fn no_login(what: &str) -> String {
    format!("holds {what}, which is none of a username and a password; log in with those instead")
}

/// The username by which clients mark a password as an identity token.
const IDENTITY_TOKEN: &str = "<token>";
const AS_GO: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);
const NO_BASE64: &str = "has an `auth` that is no base64; log in again to mend it";
const NO_COLON: &str =
    "has an `auth` without a colon between username and password; log in again to mend it";
const NO_USERNAME: &str = "has an `auth` without a username";
