//! Where an installation lies.

use std::fmt;
use std::path::PathBuf;

use regcred_core::secret::SecretText;
use regcred_storage::PostgresOptions;

use super::file::FileSettings;
use super::{SettingsError, StoreArgs, private};

/// Where an installation lies.
#[derive(Clone)]
pub(crate) enum Place {
    /// In a directory, in a database that one process has to itself.
    Directory(PathBuf),
    /// In a database of PostgreSQL, which replicas share.
    Server(Box<PostgresOptions>),
}

impl Place {
    /// What flags, variables and file say; `None` where they say nothing. A flag of one kind counts before the file's
    /// other kind.
    pub(super) fn resolve(
        args: &StoreArgs,
        file: &mut FileSettings,
    ) -> Result<Option<Self>, SettingsError> {
        let given = args.data_dir.is_some() || args.database_url.is_some();
        let (directory, url) = if given {
            (args.data_dir.clone(), args.database_url.clone())
        } else {
            (file.data_dir.take(), file.database_url.take())
        };
        let password = args.database_password_file.clone();
        let password = password.or(file.database_password_file.take());
        match (directory, url) {
            (Some(_), Some(_)) => Err(
                "a data directory and a database URL are both given; give --data-dir for a database of this process \
                 alone, or --database-url for one of PostgreSQL"
                    .to_owned(),
            ),
            (Some(directory), None) => Ok(Some(Self::Directory(directory))),
            (None, Some(url)) => {
                let hint = "give the file that holds it";
                let read = |file: PathBuf| private::read(&file, "the database's password", hint);
                let password = password.map(read).transpose()?;
                let password = password.map(|text| {
                    SecretText::new(text.expose().trim_end_matches(['\r', '\n']).to_owned())
                });
                let options = PostgresOptions::parse(&SecretText::new(url), password.as_ref());
                let options = options.map_err(|error| error.to_string())?;
                Ok(Some(Self::Server(Box::new(options))))
            }
            (None, None) => Ok(None),
        }
    }

    /// For a command that does its work and is gone.
    pub(crate) fn passing_by(self) -> Self {
        match self {
            Self::Server(options) => Self::Server(Box::new(options.passing_by())),
            directory @ Self::Directory(_) => directory,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => write!(f, "{}", directory.display()),
            Self::Server(options) => write!(f, "{options}"),
        }
    }
}
