//! Where the key-encryption key comes from.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use regcred_core::random::SystemRandom;
use regcred_core::sealing::Kek;
use regcred_core::secret::SecretText;

use super::{SettingsError, private};

/// Where the key-encryption key comes from.
pub(crate) enum KekSource {
    /// The variable `REGCRED_KEK`.
    Variable(SecretText),
    /// A file that somebody else keeps; it must be there.
    File(PathBuf),
    /// `kek` in the data directory, made at the first start.
    DataDir,
    /// A key for a database that is thrown away with it.
    ThrowAway,
}

impl KekSource {
    pub(super) fn resolve(file: Option<PathBuf>) -> Result<Self, SettingsError> {
        let variable = std::env::var_os("REGCRED_KEK").filter(|value| !value.is_empty());
        match (variable, file) {
            (Some(_), Some(_)) => {
                Err("REGCRED_KEK and --kek-file are both given; give one of them".to_owned())
            }
            (Some(value), None) => {
                let text = value
                    .into_string()
                    .map_err(|_| "REGCRED_KEK is not text; it must be base64".to_owned())?;
                Ok(Self::Variable(SecretText::new(text)))
            }
            (None, Some(path)) => Ok(Self::File(path)),
            (None, None) => Ok(Self::DataDir),
        }
    }

    /// Reads the key; where it is to lie in the data directory, if there is one, and `fresh` says that nothing is there
    /// yet, makes it.
    pub(crate) fn read(&self, data_dir: Option<&Path>, fresh: bool) -> Result<Kek, SettingsError> {
        match self {
            Self::Variable(text) => {
                tracing::warn!(
                    "the key-encryption key comes from REGCRED_KEK, which other processes of this user can read; \
                     a file is safer (--kek-file)"
                );
                Kek::parse(text.expose()).map_err(|error| format!("REGCRED_KEK: {error}"))
            }
            Self::File(path) => read_file(path),
            Self::ThrowAway => Kek::generate(&SystemRandom)
                .map_err(|error| error.to_string())
                .and_then(|text| Kek::parse(text.expose()).map_err(|error| error.to_string())),
            Self::DataDir => {
                let path = data_dir.ok_or(MISSING)?.join("kek");
                if fresh && !path.exists() {
                    make_file(&path)?;
                    tracing::warn!(
                        path = %path.display(),
                        "a key-encryption key was made beside the database; move it elsewhere, keep a copy, and give its \
                         place with --kek-file: without it nothing can be read, with it and the database everything can"
                    );
                }
                read_file(&path)
            }
        }
    }
}

const MISSING: &str = "no key-encryption key is given, and every replica on a database needs the same one; make it once, \
                       with `head -c 32 /dev/urandom | base64 > kek && chmod 0400 kek`, keep a copy, and give its place \
                       with --kek-file";

fn read_file(path: &Path) -> Result<Kek, SettingsError> {
    let hint = "give the file that was made with the database";
    let text = private::read(path, "the key-encryption key", hint)?;
    Kek::parse(text.expose()).map_err(|error| format!("{}: {error}", path.display()))
}

/// Makes the key, whole or not at all; where somebody else made one meanwhile, that one counts.
fn make_file(path: &Path) -> Result<(), SettingsError> {
    let failed = |error| {
        format!(
            "the key-encryption key {} cannot be made: {error}",
            path.display()
        )
    };
    let text = Kek::generate(&SystemRandom).map_err(|error| error.to_string())?;
    let directory = path.parent().unwrap_or(path);
    let mut part = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    writeln!(part, "{}", text.expose()).map_err(failed)?;
    part.as_file()
        .set_permissions(Permissions::from_mode(0o400))
        .map_err(failed)?;
    // The database is worth nothing without its key: the key is on disk before the first row.
    part.as_file().sync_all().map_err(failed)?;
    match part.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error.error)),
    }
    fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(failed)
}
