//! The configuration file: which one, and what it says.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy as _, choose_base_strategy};
use regcred_client::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Variables, text};
use crate::failure::{Failure, Result};

/// What the file says. No key has a value of its own, so that the variables can stand in for any.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct FileSettings {
    pub(super) url: Option<String>,
    pub(super) token: Option<Secret>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) project: Option<String>,
    pub(super) platform: Option<u32>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) cache: Option<String>,
    pub(super) credentials_id: Option<Ids>,
    /// Where it was found.
    #[serde(skip)]
    pub(super) path: PathBuf,
}

/// Ids of credentials: a text, or a list of texts.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`credentials-id` is a text or a list of texts")]
pub(super) enum Ids {
    Text(String),
    List(Vec<String>),
}

/// The settings of the one file that counts; none where there is none.
pub(super) fn load(variables: Variables<'_>, warn: &dyn Fn(&str)) -> Result<FileSettings> {
    if let Some(named) = text(variables, "REGCRED_HELPER_CONFIG")? {
        let path = PathBuf::from(named);
        return match read(&path, warn)? {
            Some(settings) => Ok(settings),
            None => Err(unusable(&path, "it does not exist")),
        };
    }
    let own = choose_base_strategy().ok();
    let own = own.map(|strategy| strategy.config_dir().join("regcred").join("helper.toml"));
    for path in own.into_iter().chain([PathBuf::from(SYSTEM)]) {
        if let Some(settings) = read(&path, warn)? {
            return Ok(settings);
        }
    }
    Ok(FileSettings::default())
}

fn read(path: &Path, warn: &dyn Fn(&str)) -> Result<Option<FileSettings>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unusable(path, &error.to_string())),
    };
    let metadata = file.metadata();
    let mode = metadata.map(|metadata| metadata.permissions().mode());
    let mode = mode.map_err(|error| unusable(path, &error.to_string()))?;
    if mode & 0o002 != 0 {
        return Err(unusable(path, "everybody can change it: chmod o-w it"));
    }
    let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES));
    let read = file.take(MOST_BYTES as u64).read_to_string(&mut text);
    read.map_err(|error| unusable(path, &error.to_string()))?;
    let mut settings: FileSettings = toml::from_str(&text).map_err(|error| {
        // Its own text would show the line, which may hold a token.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        unusable(path, &format!("line {line}: {}", plain(error.message())))
    })?;
    if settings.token.is_some() && mode & READABLE != 0 {
        let path = path.display();
        warn(&format!(
            "{path} holds a token and can be read by others: chmod 600 {path}"
        ));
    }
    if mode & CHANGEABLE != 0 {
        let path = path.display();
        warn(&format!(
            "{path} can be changed by others: chmod go-w {path}"
        ));
    }
    path.clone_into(&mut settings.path);
    Ok(Some(settings))
}

/// What a library says, in one line.
fn plain(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of a file that holds a token and nothing else.
pub(super) fn token(path: &Path, warn: &dyn Fn(&str)) -> Result<Secret> {
    let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES));
    let read = File::open(path).and_then(|file| {
        let mode = file.metadata()?.permissions().mode();
        file.take(MOST_BYTES as u64).read_to_string(&mut text)?;
        Ok(mode)
    });
    let mode = read.map_err(|error| {
        Failure::new(
            format!(
                "the file {} of the token cannot be read: {error}",
                path.display()
            ),
            "name a file that holds a token",
        )
    })?;
    for (bits, what) in [(READABLE, "read"), (CHANGEABLE, "changed")] {
        if mode & bits != 0 {
            let path = path.display();
            warn(&format!(
                "{path} holds a token and can be {what} by others: chmod 600 {path}"
            ));
        }
    }
    let length = text.trim_ascii_end().len();
    text.truncate(length);
    Ok(Secret::new(std::mem::take(&mut *text)))
}

/// The PEM certificates of a file.
pub(super) fn authorities(path: &Path) -> Result<Vec<u8>> {
    let mut pem = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(MOST_CERTIFICATES + 1).read_to_end(&mut pem))
        .and_then(|length| {
            if length as u64 > MOST_CERTIFICATES {
                return Err(io::Error::other("it holds more than 1 MiB"));
            }
            Ok(())
        });
    read.map(|()| pem).map_err(|error| {
        Failure::new(
            format!(
                "the file {} of certificates cannot be read: {error}",
                path.display()
            ),
            "name a file of PEM certificates in REGCRED_CA_FILE, or as `ca-file` in the file",
        )
    })
}

pub(super) fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(
        format!("the configuration {} cannot be used: {why}", path.display()),
        "mend it; its keys are url, token, token-file, project, platform, ca-file, cache and credentials-id",
    )
}

const SYSTEM: &str = "/etc/regcred/helper.toml";
/// More than a configuration or a token has.
const MOST_BYTES: usize = 64 << 10;
/// More than all authorities that there are.
const MOST_CERTIFICATES: u64 = 1 << 20;
/// By the group, or by everybody.
const READABLE: u32 = 0o044;
/// Likewise.
const CHANGEABLE: u32 = 0o022;
