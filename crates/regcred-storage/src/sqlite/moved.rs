//! A note in the data directory that what lies there was moved elsewhere.
//!
//! Whoever starts the old service again by accident would take changes that are then in one place only. The database
//! itself is left as it is: without the note it is served again.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::directory::private;
use crate::installation::OpenError;

/// Where the installation in a data directory was moved to, if it was.
#[must_use]
pub fn moved_to(directory: &Path) -> Option<String> {
    let text = fs::read_to_string(directory.join(FILE)).ok()?;
    Some(text.trim().to_owned())
}

/// Notes where it was moved to.
pub fn note_moved(directory: &Path, to: &str) -> io::Result<()> {
    let mut file = private().truncate(true).open(directory.join(FILE))?;
    writeln!(file, "{to}")?;
    file.sync_all()?;
    fs::File::open(directory)?.sync_all()
}

pub(super) fn refuse_moved(directory: &Path) -> Result<(), OpenError> {
    let Some(to) = moved_to(directory) else {
        return Ok(());
    };
    let shown = directory.display();
    Err(OpenError::new(format!(
        "the installation in {shown} was moved to {to}; serve that one, with --database-url. To go back to what lies in \
         the directory, without what was changed since, remove {shown}/{FILE}"
    )))
}

const FILE: &str = "moved";
