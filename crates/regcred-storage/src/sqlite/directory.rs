//! The data directory: made for its owner alone, and used by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::installation::OpenError;

/// Makes the data directory, mode 0700, with its parents, where it is absent.
pub fn prepare_directory(directory: &Path) -> Result<(), OpenError> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).map_err(|error| unusable(directory, &error))?;
    }
    DirBuilder::new()
        .mode(0o700)
        .create(directory)
        .map_err(|error| unusable(directory, &error))
}

/// The exclusive lock on a data directory, on the directory itself, since a file in it can be removed. It is free again
/// when this is dropped or the process dies.
pub(super) struct DirectoryLock {
    _directory: File,
}

impl DirectoryLock {
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        let failed = |error| unusable(directory, &error);
        let held = File::open(directory).map_err(failed)?;
        let holder = directory.join(HOLDER_FILE);
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(holder).unwrap_or_default();
                return Err(in_use(directory, holder.trim()));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // For the message of whoever comes second.
        private()
            .truncate(true)
            .open(holder)
            .and_then(|mut file| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        warn_if_open_to_others(directory);
        Ok(Self { _directory: held })
    }
}

fn warn_if_open_to_others(directory: &Path) {
    let mode = fs::metadata(directory).map_or(0, |data| data.permissions().mode());
    if mode & 0o022 != 0 {
        tracing::warn!(
            directory = %directory.display(),
            "others may write to the data directory (mode {:04o}), and replace what is in it; run `chmod 0700` on it",
            mode & 0o7777
        );
    }
}

/// Makes a file its owner's alone, an empty one where it is absent.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    let file = private().open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

/// Holds the number of the process that has the lock.
const HOLDER_FILE: &str = "lock";

pub(super) fn unusable(directory: &Path, error: &io::Error) -> OpenError {
    OpenError::new(format!(
        "the data directory {} cannot be used: {error}; give one that this user may write, with --data-dir",
        directory.display()
    ))
}

fn in_use(directory: &Path, holder: &str) -> OpenError {
    let holder = if holder.is_empty() {
        String::new()
    } else {
        format!(" ({holder})")
    };
    OpenError::new(format!(
        "the data directory {} is in use by another process{holder}; stop that one first, or give another directory",
        directory.display()
    ))
}
