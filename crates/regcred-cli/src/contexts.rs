//! The contexts: where one is logged in, kept in a file of the user's configuration directory.
//!
//! The file holds tokens, never passwords. It is 0600 in a directory that is 0700, and is replaced as a whole, so that
//! no interruption leaves half of it. Whoever changes it holds a lock, so that no two changes lose one another.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy as _, choose_base_strategy};
use regcred_client::Secret;
use serde::{Deserialize, Serialize, Serializer};

use crate::failure::{Exit, Failure, Result};
use crate::files;
use crate::output::note;

/// What the file holds.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The name of the one that is used unless another is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// The contexts by their names.
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// A place to be logged in to, and as whom.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Context {
    pub(crate) url: String,
    pub(crate) platform: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) realm: Option<String>,
    pub(crate) login: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allow_http: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Token>,
}

/// A token as the file keeps it: the only place where one is written.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Token(pub(crate) Secret);

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl Contexts {
    /// What the file holds now; nothing where there is none yet.
    pub(crate) fn load() -> Result<Self> {
        read(&file()?)
    }

    /// Changes what the file holds, and writes it.
    pub(crate) fn change<T>(change: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let path = file()?;
        let directory = path.parent().unwrap_or(Path::new("."));
        files::make_private(directory)
            .map_err(|error| unusable("the directory", directory, &error.to_string()))?;
        let lock = directory.join("contexts.lock");
        let lock = private(&lock)
            .and_then(files::locked)
            .map_err(|error| unusable("the file", &lock, &error.to_string()))?;
        let mut contexts = read(&path)?;
        let done = change(&mut contexts)?;
        contexts.write(&path)?;
        drop(lock);
        Ok(done)
    }

    /// The context of this name.
    pub(crate) fn get(&self, name: &str) -> Result<&Context> {
        self.contexts.get(name).ok_or_else(|| unknown(name))
    }

    /// The same, taken out, with its name.
    pub(crate) fn take(&mut self, name: &str) -> Result<(String, Context)> {
        let taken = self.contexts.remove_entry(name);
        taken.ok_or_else(|| unknown(name))
    }

    fn write(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self)
            .map_err(|error| unusable("the file", path, &error.to_string()))?;
        files::replace(path, &Secret::new(text))
            .map_err(|error| unusable("the file", path, &error.to_string()))
    }
}

/// That there is no context of this name.
pub(crate) fn unknown(name: &str) -> Failure {
    Failure::new(
        Exit::NotFound,
        format!("there is no context {name:?}"),
        "see those that there are with `regcred context list`, or make it with `regcred login URL --context NAME`",
    )
}

/// The file of the contexts: `regcred/contexts.toml` below `$XDG_CONFIG_HOME` or `~/.config`.
fn file() -> Result<PathBuf> {
    let strategy = choose_base_strategy().map_err(|_| {
        Failure::internal(
            "there is no home directory to keep contexts in",
            "set HOME or XDG_CONFIG_HOME, or give REGCRED_URL and REGCRED_TOKEN instead of a login",
        )
    })?;
    Ok(strategy.config_dir().join("regcred").join("contexts.toml"))
}

fn read(path: &Path) -> Result<Contexts> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Secret::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Contexts::default()),
        Err(error) => return Err(unusable("the file", path, &error.to_string())),
    };
    if files::is_open(path) {
        let path = path.display();
        note(
            false,
            &format!("warning: {path} can be read by others, and holds tokens: chmod 600 {path}"),
        );
    }
    toml::from_str(text.expose()).map_err(|error| {
        // Its own text would show the line, which may hold a token.
        let before = error
            .span()
            .and_then(|span| text.expose().get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        let what = format!("line {line}: {}", error.message());
        unusable("the file", path, &what)
            .with_hint("mend it, or move it away and log in again; it is left as it is")
    })
}

fn unusable(what: &str, path: &Path, error: &str) -> Failure {
    Failure::internal(
        format!("{what} {} cannot be used: {error}", path.display()),
        "mend it, or point XDG_CONFIG_HOME to a directory of yours",
    )
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
}
