//! What an error of SQLite means to the domain.

use regcred_core::Error;
use rusqlite::{ErrorCode, ffi};

/// Out of space, out of reach or busy is `Unavailable`: nothing was changed and it may pass. The rest is a fault.
pub(super) fn told(error: &rusqlite::Error) -> Error {
    let detail = format!("SQLite: {error}");
    if is_of_sync(error) {
        // All is written, and perhaps it is on the disk.
        return Error::uncertain(detail);
    }
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::OperationInterrupted,
        ) => Error::unavailable(detail),
        _ => Error::internal(detail),
    }
}

/// Whether the disk was told to keep something, and did not say that it does.
pub(super) fn is_of_sync(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    matches!(
        extended,
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    )
}

/// Turns the errors of a driver's call into the domain's.
pub(super) trait Told<T> {
    fn told(self) -> regcred_core::Result<T>;
}

impl<T> Told<T> for rusqlite::Result<T> {
    fn told(self) -> regcred_core::Result<T> {
        self.map_err(|error| told(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regcred_core::ErrorKind;

    #[test]
    fn what_may_pass_is_unavailable_and_the_rest_a_fault() {
        let kind = |code| told(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).kind();
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_READONLY,
        ] {
            assert_eq!(kind(code), ErrorKind::Unavailable, "{code}");
        }
        assert_eq!(kind(ffi::SQLITE_CORRUPT), ErrorKind::Internal);
        let synced = told(&rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_IOERR_FSYNC),
            None,
        ));
        assert!(synced.message().contains("may have been made"), "{synced}");
    }
}
