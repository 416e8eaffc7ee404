//! What makes a database an installation: its id, its wrapped keys, and the beginning of its audit trail.

use std::fmt;

use regcred_core::ids::InstallationId;
use regcred_core::sealing::{Kek, KeyPurpose, KeyRing, KeyRingError, WrappedKey};
use regcred_core::{Clock, Error, Random};

use crate::sql::{Database, all, execute, first, params};
use crate::trail::Trail;

/// The keys of the installation that is in the database.
pub(crate) fn keys(db: &dyn Database, kek: &Kek) -> Result<KeyRing, OpenError> {
    let installation = first(
        db,
        "installation",
        "SELECT id FROM installation",
        params![],
        |row| row.id(0, "id", InstallationId::from_bytes),
    )?
    .ok_or(OpenError::from(KeyRingError::Missing))?;
    let sql = "SELECT purpose, generation, wrapped FROM wrapped_key ORDER BY purpose, generation";
    let keys = all(db, "wrapped_key", sql, params![], |row| {
        Ok(WrappedKey {
            purpose: row.parsed(0, "purpose", KeyPurpose::from_word)?,
            generation: row.get(1, "generation")?,
            wrapped: row.get(2, "wrapped")?,
        })
    })?;
    Ok(KeyRing::open(installation, &keys, kek)?)
}

/// Makes a new installation in a database that has the schema and nothing else; the caller has opened a transaction.
pub(crate) fn make(
    db: &dyn Database,
    kek: &Kek,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<KeyRing, OpenError> {
    let installation = InstallationId::generate(clock.now(), random)?;
    execute(
        db,
        "INSERT INTO installation (singleton, id) VALUES (1, ?)",
        [installation.as_bytes()],
    )?;
    for key in KeyRing::create(installation, kek, random)? {
        execute(
            db,
            "INSERT INTO wrapped_key (purpose, generation, wrapped) VALUES (?, ?, ?)",
            params![key.purpose.word(), key.generation, &key.wrapped],
        )?;
    }
    let keys = keys(db, kek)?;
    Trail::begin(db, &keys)?;
    Ok(keys)
}

/// Why an installation cannot be opened, in a sentence that says what to do.
#[derive(Debug)]
pub struct OpenError(String);

impl OpenError {
    pub(crate) fn new(sentence: String) -> Self {
        Self(sentence)
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        Self(error.detail().unwrap_or(error.message()).to_owned())
    }
}

impl From<KeyRingError> for OpenError {
    fn from(error: KeyRingError) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}
