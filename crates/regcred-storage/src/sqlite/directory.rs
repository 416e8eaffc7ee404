//! The data directory: made for its owner alone, and used by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::open::OpenError;

/// Makes the data directory, mode 0700, with its parents, where it is absent.
pub fn prepare_directory(directory: &Path) -> Result<(), OpenError> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).map_err(|error| OpenError::directory(directory, &error))?;
    }
    DirBuilder::new()
        .mode(0o700)
        .create(directory)
        .map_err(|error| OpenError::directory(directory, &error))
}

/// The exclusive lock on a data directory; it is free again when this is dropped or the process dies.
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::directory(directory, &error);
        let mut file = private()
            .read(true)
            .open(directory.join(LOCK_FILE))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(OpenError::locked(directory, holder.trim()));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // For the message of whoever comes second.
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Makes an empty file for its owner alone, where it is absent.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    private().open(path).map(drop)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

const LOCK_FILE: &str = "lock";
