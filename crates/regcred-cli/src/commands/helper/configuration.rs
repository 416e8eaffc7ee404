//! The configuration of `docker-credential-regcred`, `helper.toml`; docs/helpers.md documents it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use regcred_client::{CredentialsId, Secret};
use serde::{Deserialize, Serialize};

use crate::connection::{Place, RouteArgs, same_server, variable};
use crate::contexts::Token;
use crate::docker_config::places;
use crate::failure::{Failure, Result};
use crate::files;

/// What the file says.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Configuration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<Token>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ca_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<String>,
    /// One id or several of credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_id: Option<toml::Value>,
}

/// What is wrong with a configuration, and what to do.
pub(super) struct Problem {
    pub(super) what: String,
    pub(super) todo: String,
}

impl Problem {
    fn new(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            todo: todo.into(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::new(failure.message, failure.hint.unwrap_or_default())
    }
}

/// The token that is kept for the helper.
pub(super) enum Kept {
    Itself(Secret),
    /// Where it lies; an absolute path.
    InFile(PathBuf),
}

impl Configuration {
    /// That of a helper that goes to this place.
    pub(super) fn of(place: Place, token: Kept) -> Self {
        let (token, token_file) = match token {
            Kept::Itself(token) => (Some(Token(token)), None),
            Kept::InFile(path) => (None, Some(path)),
        };
        Self {
            url: Some(place.url),
            token,
            token_file,
            project: place.project,
            platform: place.platform.filter(|platform| *platform != 1),
            ca_file: place.ca_file,
            cache: None,
            credentials_id: None,
        }
    }

    /// As a text.
    pub(super) fn text(&self) -> Result<Secret> {
        let text = toml::to_string(self);
        text.map(Secret::new).map_err(|error| {
            Failure::internal(
                format!("the configuration cannot be written: {error}"),
                "give other values",
            )
        })
    }

    /// Reads the file as the helper does; `None` where there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Problem> {
        let shown = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Secret::new(text),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                if variable("REGCRED_HELPER_CONFIG")?.is_some() {
                    let todo = "correct REGCRED_HELPER_CONFIG, or unset it";
                    return Err(Problem::new("it is named, but is not there", todo));
                }
                return Ok(None);
            }
            Err(error) => {
                return Err(Problem::new(
                    format!("{shown} cannot be read: {error}"),
                    "make it yours to read",
                ));
            }
        };
        if files::is_open_to_changes(path) {
            return Err(Problem::new(
                format!("everybody can change {shown}, so the helper refuses it"),
                format!("chmod 600 {shown}"),
            ));
        }
        let read: Result<Self, _> = toml::from_str(text.expose());
        // The error's own text would show the line, which may hold a token.
        let mut read = read.map_err(|error| {
            let why = error
                .message()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            Problem::new(
                format!("{shown} does not fit: {why}"),
                "mend it, or write it anew with --force",
            )
        })?;
        // Beside the configuration, unless it says otherwise.
        read.token_file = read.token_file.map(|file| match path.parent() {
            Some(beside) => beside.join(file),
            None => file,
        });
        Ok(Some(read))
    }

    /// The file that counts: the user's, or the machine's.
    pub(super) fn path() -> Result<PathBuf> {
        let users = places::helper()?;
        let machines = Path::new(OF_THE_MACHINE);
        let is_named = variable("REGCRED_HELPER_CONFIG")?.is_some();
        if !is_named && !users.exists() && machines.exists() {
            return Ok(machines.to_owned());
        }
        Ok(users)
    }

    /// The same with what the environment says, which counts more. A token of one place never goes to the URL of another,
    /// and what the file says counts for its own server only.
    pub(super) fn with_variables(self) -> Result<Self, Problem> {
        let text = |name| variable(name).map_err(Problem::from);
        let (url, token, token_file) = (
            text("REGCRED_URL")?,
            text("REGCRED_TOKEN")?,
            text("REGCRED_TOKEN_FILE")?,
        );
        let platform = text("REGCRED_PLATFORM")?.map(|number| {
            let hint = "give it a number such as 1, or unset it";
            number
                .parse()
                .map_err(|_| Problem::new("REGCRED_PLATFORM is no number", hint))
        });
        let in_file = self.cache.clone().map(|cache| (cache, "`cache`"));
        let given = text("REGCRED_HELPER_CACHE")?.map(|cache| (cache, "REGCRED_HELPER_CACHE"));
        let cache = given.or(in_file).map(|(cache, from)| cache_of(cache, from));
        let is_of_file = match (&url, &self.url) {
            (Some(given), Some(url)) => same_server(given, url),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let of_file = if is_of_file { self } else { Self::default() };
        let given = token.is_some() || token_file.is_some();
        if given && url.is_none() {
            return Err(Problem::new(
                "a token is set in the environment, but REGCRED_URL is not: nothing says for which server it is",
                "set REGCRED_URL too, or unset the token",
            ));
        }
        let credentials_id = match text("REGCRED_CREDENTIALS_ID")? {
            Some(ids) => Some(ids_of(ids.into(), "REGCRED_CREDENTIALS_ID")),
            None => of_file
                .credentials_id
                .map(|ids| ids_of(ids, "`credentials-id`")),
        };
        let project = text("REGCRED_PROJECT")?.or(of_file.project);
        if project.as_deref() == Some("") {
            return Err(Problem::new(
                "`project` is empty",
                "name the project, or leave it out",
            ));
        }
        let of_file_token = (of_file.token, of_file.token_file);
        let (token, token_file) = if given {
            (
                token.map(|token| Token(Secret::new(token))),
                token_file.map(PathBuf::from),
            )
        } else {
            of_file_token
        };
        Ok(Self {
            url: url.or(of_file.url),
            token,
            token_file,
            project,
            platform: platform.transpose()?.or(of_file.platform),
            ca_file: text("REGCRED_CA_FILE")?
                .map(PathBuf::from)
                .or(of_file.ca_file),
            cache: cache.transpose()?,
            credentials_id: credentials_id.transpose()?,
        })
    }

    /// The token itself.
    pub(super) fn secret(&self) -> Result<Secret, Problem> {
        match (&self.token, &self.token_file) {
            (Some(_), Some(_)) => Err(Problem::new(
                "there are both a token and a file of one",
                "leave one of them out",
            )),
            (Some(token), None) => Ok(Secret::new(token.0.expose().trim_ascii_end().to_owned())),
            (None, Some(path)) => {
                let shown = path.display();
                let text = std::fs::read_to_string(path).map(Secret::new);
                let text = text.map_err(|error| {
                    let what = format!("the token file {shown} cannot be read: {error}");
                    Problem::new(what, "put the token there, or name another file")
                })?;
                match text.expose().trim_ascii_end() {
                    "" => Err(Problem::new(
                        format!("the token file {shown} is empty"),
                        "put the token there",
                    )),
                    token => Ok(Secret::new(token.to_owned())),
                }
            }
            (None, None) => Err(Problem::new(
                "the helper has no token",
                "give it one with `regcred helper install --token-stdin` or --token-file FILE",
            )),
        }
    }

    /// The file that holds the token, and can be read by others than its owner.
    pub(super) fn open_file(&self, path: &Path) -> Option<PathBuf> {
        let holding = match (&self.token, &self.token_file) {
            (Some(_), _) => Some(path.to_owned()),
            (None, file) => file.clone(),
        };
        holding.filter(|holding| files::is_open(holding))
    }

    /// Which credentials are meant where several accounts fit. What is no id was refused before.
    pub(super) fn pins(&self) -> Vec<CredentialsId> {
        let texts = match &self.credentials_id {
            Some(toml::Value::Array(texts)) => texts.as_slice(),
            Some(text) => std::slice::from_ref(text),
            None => &[],
        };
        let ids = texts.iter().filter_map(toml::Value::as_str);
        let ids = ids.flat_map(|text| text.split(','));
        ids.filter_map(|id| id.trim_ascii().parse().ok()).collect()
    }

    /// How its server is reached.
    pub(super) fn route(&self) -> RouteArgs {
        RouteArgs {
            platform: self.platform,
            ca_file: self.ca_file.clone(),
            allow_http: false,
            timeout: MOST_SECONDS,
        }
    }
}

/// How long the helper may use an answer again, if it takes that.
fn cache_of(cache: String, from: &str) -> Result<String, Problem> {
    let long = cache.parse::<SignedDuration>();
    if cache == "off" || long.is_ok_and(|long| (LEAST_CACHE..=MOST_CACHE).contains(&long)) {
        return Ok(cache);
    }
    Err(Problem::new(
        format!("{from} is neither `off` nor a duration from 1s to 5m"),
        "give it a duration such as `30s` or `5m`",
    ))
}

/// Ids of credentials, if the helper takes them.
fn ids_of(ids: toml::Value, from: &str) -> Result<toml::Value, Problem> {
    let texts = match &ids {
        toml::Value::Array(all) => all.iter().map(toml::Value::as_str).collect(),
        one => Some(vec![one.as_str().unwrap_or_default()]),
    };
    let all = texts.unwrap_or_default();
    let mut all = all.iter().flat_map(|text| text.split(',')).peekable();
    let is_some = all.peek().is_some();
    if is_some && all.all(|id| id.trim_ascii().parse::<CredentialsId>().is_ok()) {
        return Ok(ids);
    }
    Err(Problem::new(
        format!("{from} does not hold ids of credentials"),
        "give it one id, or several with commas, as `regcred credentials list` shows them; or leave it out",
    ))
}

const LEAST_CACHE: SignedDuration = SignedDuration::from_secs(1);
const MOST_CACHE: SignedDuration = SignedDuration::from_mins(5);
const OF_THE_MACHINE: &str = "/etc/regcred/helper.toml";
/// As long as the helper itself waits.
const MOST_SECONDS: u64 = 10;
