//! Files with secrets, which only their owner may read.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use regcred_core::secret::SecretText;

use super::SettingsError;

/// The text of a file that nobody but its owner can read; `what` names it, and `unreadable` says what to do where it cannot be
/// read.
pub(super) fn read(path: &Path, what: &str, unreadable: &str) -> Result<SecretText, SettingsError> {
    let shown = path.display();
    let failed = |error: io::Error| format!("{what} {shown} cannot be read: {error}; {unreadable}");
    let mode = fs::metadata(path).map_err(failed)?.mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "{what} {shown} can be read by others (mode {:04o}); run `chmod 0400` on it",
            mode & 0o7777
        ));
    }
    Ok(SecretText::new(fs::read_to_string(path).map_err(failed)?))
}
