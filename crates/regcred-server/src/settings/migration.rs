//! From where to where `regcred migrate` moves.

use std::path::PathBuf;

use clap::Args;
use regcred_storage::PostgresOptions;

use super::file::FileSettings;
use super::{KekSource, Place, SettingsError, StoreArgs};
use crate::operator::OperatorError;

/// The flags of `regcred migrate`. A URL may hold a password, so they have no `Debug`.
#[derive(Args, Clone)]
pub struct MigrateArgs {
    /// Where the installation lies: `sqlite:DIR` with its data directory, which nobody may serve meanwhile
    #[arg(long, value_name = "sqlite:DIR")]
    from: String,

    /// Where it is to lie: an empty database of PostgreSQL 15 or later, such as
    /// `postgres://regcred@db.example.com/regcred`
    #[arg(
        long,
        env = "REGCRED_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    to: Option<String>,

    /// Throw away what has arrived of a migration that is not finished, and begin anew
    #[arg(long)]
    restart: bool,

    /// File with settings (TOML), of which `database-url`, `database-password-file` and `kek-file` count; flags and variables
    /// override it
    #[arg(long, env = "REGCRED_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// File with the password of the database, readable by its owner alone, where the URL has none
    #[arg(long, env = "REGCRED_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    database_password_file: Option<PathBuf>,

    /// File with the key-encryption key of the installation [default: DIR/kek]. The variable `REGCRED_KEK` may hold the key
    /// itself instead
    #[arg(long, env = "REGCRED_KEK_FILE", value_name = "FILE")]
    kek_file: Option<PathBuf>,
}

/// What a migration goes by.
pub(crate) struct MigrateSettings {
    pub(crate) directory: PathBuf,
    pub(crate) to: Box<PostgresOptions>,
    pub(crate) kek: KekSource,
    pub(crate) restart: bool,
}

impl MigrateArgs {
    /// Merges the sources.
    pub(crate) fn resolve(self) -> Result<MigrateSettings, OperatorError> {
        let directory = match self.from.split_once(':') {
            Some(("sqlite", directory)) if !directory.is_empty() => PathBuf::from(directory),
            _ => return Err(OperatorError::Invalid(WRONG_SOURCE.to_owned())),
        };
        let mut file = FileSettings::read(self.config.as_deref())?;
        // The file may be that of the service which is to move: its directory is where it comes from.
        file.data_dir = None;
        let kek_file = self.kek_file.or(file.kek_file.take());
        let place = StoreArgs {
            database_url: self.to,
            database_password_file: self.database_password_file,
            ..StoreArgs::default()
        };
        let Some(Place::Server(to)) = Place::resolve(&place, &mut file).map_err(invalid)? else {
            return Err(OperatorError::Invalid(MISSING_TARGET.to_owned()));
        };
        Ok(MigrateSettings {
            directory,
            to,
            kek: KekSource::resolve(kek_file)?,
            restart: self.restart,
        })
    }
}

fn invalid(message: SettingsError) -> OperatorError {
    OperatorError::Invalid(message)
}

const WRONG_SOURCE: &str = "an installation is moved from sqlite:DIR to a database of PostgreSQL, and no other way; give \
                            its data directory, such as --from sqlite:/var/lib/regcred";
const MISSING_TARGET: &str =
    "no target is given; say which database of PostgreSQL it is with --to URL";
