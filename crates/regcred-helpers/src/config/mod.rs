//! Where regcred is, and the token to ask it with: from variables, and from a file.
//!
//! A token goes to its own server only. It counts for the URL that was given in the same place, in the variables or in
//! the file; that a URL of one place and a token of the other are sent together is refused.

mod file;
mod pins;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use regcred_client::Secret;

use self::file::FileSettings;
pub(crate) use self::pins::Pins;
use crate::failure::{Failure, Result};

/// What a run is configured with.
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) token: Secret,
    /// What people call the place of the token.
    pub(crate) token_from: String,
    pub(crate) project: Option<String>,
    pub(crate) platform: u32,
    pub(crate) authorities: Vec<u8>,
    /// How long an answer may be used again; none where no cache is asked for.
    pub(crate) cache: Option<Duration>,
    /// Which credentials are meant where several accounts fit.
    pub(crate) pins: Pins,
}

/// The value of a variable, by its name.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Settings {
    /// Reads variables and file. Warnings for people go to `warn`.
    pub(crate) fn load(variables: Variables<'_>, warn: &dyn Fn(&str)) -> Result<Self> {
        let file = file::load(variables, warn)?;
        let given = text(variables, URL)?;
        let of_file_counts = match (&given, &file.url) {
            (Some(given), Some(url)) => same_server(given, url),
            _ => true,
        };
        let (token, token_from) = token(variables, given.as_deref(), &file, of_file_counts, warn)?;
        let cache = match text(variables, CACHE)? {
            Some(cache) => Some((cache, CACHE.to_owned())),
            None => file
                .cache
                .map(|cache| (cache, "`cache` of the file".to_owned())),
        };
        let cache = cache
            .map(|(cache, from)| duration(&cache, &from))
            .transpose()?;
        // What the file says of its own server says nothing of another one.
        let of_file = Some(()).filter(|()| of_file_counts);
        let platform = match text(variables, PLATFORM)? {
            Some(number) => Some(number.parse().map_err(|_| {
                Failure::new(
                    format!("{PLATFORM} is not the number of a platform"),
                    "give it a number such as 1, or unset it",
                )
            })?),
            None => of_file.and(file.platform),
        };
        let ca_file = text(variables, CA_FILE)?.map(PathBuf::from);
        let ca_file = ca_file.or_else(|| of_file.and(file.ca_file));
        let authorities = ca_file.map(|path| file::authorities(&path)).transpose()?;
        let project = text(variables, PROJECT)?.or_else(|| of_file.and(file.project));
        if project.as_deref() == Some("") {
            return Err(file::unusable(&file.path, "`project` is empty"));
        }
        let pins = match text(variables, CREDENTIALS_ID)? {
            Some(ids) => Pins::parse([ids.as_str()], CREDENTIALS_ID)?,
            None => Pins::of_file(of_file.and(file.credentials_id))?,
        };
        Ok(Self {
            pins,
            url: given.or(file.url).ok_or_else(no_url)?,
            token,
            token_from,
            project,
            platform: platform.unwrap_or(1),
            authorities: authorities.unwrap_or_default(),
            cache: cache.flatten(),
        })
    }
}

/// The token for the URL that is asked, and where it is from.
fn token(
    variables: Variables<'_>,
    given: Option<&str>,
    file: &FileSettings,
    of_file_counts: bool,
    warn: &dyn Fn(&str),
) -> Result<(Secret, String)> {
    let variable = match (text(variables, TOKEN)?, text(variables, TOKEN_FILE)?) {
        (Some(_), Some(_)) => return Err(both(TOKEN, TOKEN_FILE)),
        (Some(mut token), None) => {
            token.truncate(token.trim_ascii_end().len());
            Some((Secret::new(token), TOKEN))
        }
        (None, Some(path)) => Some((file::token(&PathBuf::from(path), warn)?, TOKEN_FILE)),
        (None, None) => None,
    };
    if let Some((token, variable)) = variable {
        if given.is_none() {
            return Err(Failure::new(
                format!(
                    "{variable} is set, but {URL} is not: nothing says for which server the token is"
                ),
                format!(
                    "set {URL} too; a token of the environment is not sent to the URL of a file"
                ),
            ));
        }
        return Ok((token, variable.to_owned()));
    }
    let path = file.path.display();
    let token = match (&file.token, &file.token_file) {
        (Some(_), Some(_)) => return Err(both("`token`", "`token-file`")),
        (Some(token), None) => (Secret::new(token.expose().to_owned()), format!("{path}")),
        (None, Some(of)) => {
            // Beside the configuration, unless it says otherwise.
            let of = file
                .path
                .parent()
                .map_or_else(|| of.clone(), |beside| beside.join(of));
            (file::token(&of, warn)?, format!("{}", of.display()))
        }
        (None, None) => {
            return Err(Failure::new(
                "there is no token to ask regcred with",
                format!(
                    "set {URL} and {TOKEN}, or put `url` and `token` into the configuration file"
                ),
            ));
        }
    };
    if file.url.is_none() || !of_file_counts {
        return Err(Failure::new(
            format!("the token of {path} is not for the URL in {URL}"),
            format!(
                "set {TOKEN} beside {URL}, or unset {URL}: a token goes to the URL of its own file only"
            ),
        ));
    }
    Ok(token)
}

/// A variable's value; empty is an error, because that is how a secret that is missing looks.
pub(crate) fn text(variables: Variables<'_>, name: &str) -> Result<Option<String>> {
    let Some(value) = variables(name) else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(value) if !value.is_empty() => Ok(Some(value)),
        Ok(_) => Err(Failure::new(
            format!("{name} is set, but empty"),
            "give it a value, or unset it",
        )),
        Err(_) => Err(Failure::new(
            format!("{name} is not UTF-8"),
            "give it a value that is",
        )),
    }
}

/// Whether two URLs are those of one server, as far as that can be seen.
fn same_server(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// `off`, or how long.
fn duration(text: &str, from: &str) -> Result<Option<Duration>> {
    if text == "off" {
        return Ok(None);
    }
    let duration: Option<SignedDuration> = text.parse().ok();
    let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
    match duration {
        Some(duration) if (Duration::from_secs(1)..=LONGEST).contains(&duration) => {
            Ok(Some(duration))
        }
        _ => Err(Failure::new(
            format!("{from} is neither `off` nor a duration from 1s to 5m"),
            "give it a duration such as `30s` or `5m`",
        )),
    }
}

fn both(one: &str, other: &str) -> Failure {
    Failure::new(
        format!("{one} and {other} are both set"),
        "leave one of them out",
    )
}

fn no_url() -> Failure {
    Failure::new(
        "nothing says where regcred is",
        format!("set {URL} and {TOKEN}, or put `url` and `token` into the configuration file"),
    )
}

const URL: &str = "REGCRED_URL";
const TOKEN: &str = "REGCRED_TOKEN";
const TOKEN_FILE: &str = "REGCRED_TOKEN_FILE";
const PROJECT: &str = "REGCRED_PROJECT";
const PLATFORM: &str = "REGCRED_PLATFORM";
const CA_FILE: &str = "REGCRED_CA_FILE";
const CREDENTIALS_ID: &str = "REGCRED_CREDENTIALS_ID";
const CACHE: &str = "REGCRED_HELPER_CACHE";
/// How long a cache may hold what was revoked meanwhile.
const LONGEST: Duration = Duration::from_mins(5);
