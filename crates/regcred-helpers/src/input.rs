//! Standard input, up to a bound, without copies that nobody wipes.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;

use zeroize::Zeroizing;

use crate::failure::{Failure, Result};

/// All of standard input, which is text of at most so many bytes.
pub(crate) fn read(most: usize) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    // The library's standard input would keep a copy in its buffer.
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    stdin
        .and_then(|stdin| File::from(stdin).take(limit).read_to_end(&mut bytes))
        .map_err(|error| refused(format!("standard input cannot be read: {error}")))?;
    if bytes.len() > most {
        let message = format!("standard input holds more than {} KiB", most >> 10);
        return Err(refused(message));
    }
    String::from_utf8(std::mem::take(&mut *bytes))
        .map(Zeroizing::new)
        .map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            refused("standard input is not UTF-8".to_owned())
        })
}

fn refused(message: String) -> Failure {
    Failure::new(message, "nothing was sent")
}
