//! An installation moves from a directory to PostgreSQL: all rows of all tables, as they are, nothing opened.
//!
//! [`mod@tables`] is what there is to move, [`rows`] how it is read, [`obstacles`] what cannot be moved, [`state`] by what
//! source and target are known again after an interruption. [`crate::postgres::Incoming`] is the target. At the end all
//! rows of both are compared with each other, so whatever happened meanwhile to either is found.

mod obstacles;
mod rows;
mod state;
mod tables;

use std::fmt;
use std::sync::Arc;

use regcred_core::ids::InstallationId;
use regcred_core::sealing::{Kek, KeyRing};
use regcred_core::{Clock, Error, Random, Result};

use rows::MOST_ROWS;
pub(crate) use rows::Record;
use tables::tables;
pub(crate) use tables::{TABLES, Table};

use crate::installation::OpenError;
use crate::postgres::{Found, Incoming, Part, PostgresOptions, PostgresStore};
use crate::sqlite::SqliteStore;

/// A migration under way.
pub struct Migration<'a> {
    source: &'a SqliteStore,
    target: Incoming,
    options: &'a PostgresOptions,
    installation: InstallationId,
    tables: Vec<Table>,
    standing: Standing,
    /// How the source was before anything was moved.
    part: Part,
}

/// How far a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The target is empty.
    New,
    /// A part of the installation is there.
    Begun,
    /// All of it is there, and was served since, perhaps.
    Done,
}

/// What is being done, and how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is done.
    pub doing: Doing,
    /// With which table.
    pub table: &'a str,
    /// With so many rows, of all tables.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

/// What is done with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// They are moved.
    Moving,
    /// Those of the source are compared with those of the target.
    Comparing,
}

impl<'a> Migration<'a> {
    /// Looks at both ends, and keeps other migrations away from the target; changes nothing. Refuses a target that holds
    /// anything but a part of this installation, or all of it with all its history. To be called where blocking is allowed.
    pub fn open(
        source: &'a SqliteStore,
        options: &'a PostgresOptions,
        restart: bool,
    ) -> Result<Self, OpenError> {
        let (tables, installation, described) = source.backend().look(|db| {
            let tables = tables(db)?;
            let installation = state::installation(db)?
                .ok_or_else(|| Error::internal("there is no installation in the source"))?;
            let described = state::described(db, &tables)?;
            Ok((tables, installation, described))
        })?;
        let target = Incoming::open(options)?;
        let part = Part {
            installation,
            source: described,
        };
        let refused = |why: &str| Err(OpenError::new(format!("{options} holds {why}")));
        let standing = match target.look()? {
            Found::Nothing => Standing::New,
            Found::Part(there) if there.installation != installation => {
                return refused(
                    "a part of another installation, whose migration is not finished; nothing was changed: give an \
                     empty database",
                );
            }
            Found::Part(_) if restart => Standing::New,
            Found::Part(there) if there == part => Standing::Begun,
            Found::Part(there) => {
                let difference = difference(&there.source, &part.source);
                return Err(OpenError::new(format!(
                    "the source was used since its migration into {options} began ({difference}); nothing was changed: \
                     see that nobody serves it, and begin anew with --restart, which throws away what has arrived"
                )));
            }
            Found::Whole => {
                let there = target.database();
                let same = state::installation(there)? == Some(installation);
                if !same {
                    return refused(
                        "another installation; nothing was changed: give an empty database",
                    );
                }
                let whole = source
                    .backend()
                    .look(|db| state::history_is_in(db, there))?;
                if !whole {
                    return refused(
                        "this installation already, and the source has changes that are not in it; nothing was changed: \
                         give an empty database, and decide which of both is to count",
                    );
                }
                Standing::Done
            }
        };
        Ok(Self {
            source,
            target,
            options,
            installation,
            tables,
            standing,
            part,
        })
    }

    /// How far it is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What of the source cannot be moved: texts with U+0000 in them, each named by table, column and row.
    pub fn obstacles(&self) -> Result<Vec<String>> {
        let backend = self.source.backend();
        backend.look(|db| obstacles::obstacles(db, &self.tables))
    }

    /// Moves what is not there yet, and returns the number of rows that are then. It may be ended at any moment.
    pub fn copy(&self, tell: &mut dyn FnMut(Progress<'_>)) -> Result<u64, OpenError> {
        if self.standing == Standing::New {
            self.target.begin(&self.part)?;
        }
        let of = self.rows().map_err(interrupted)?;
        let mut done = 0;
        for table in &self.tables {
            let told = |rows| Progress {
                doing: Doing::Moving,
                table: table.name,
                done: rows,
                of,
            };
            self.copy_table(table, &mut done, &mut |rows| tell(told(rows)))
                .map_err(interrupted)?;
        }
        self.target.analyze().map_err(interrupted)?;
        Ok(done)
    }

    fn copy_table(&self, table: &Table, done: &mut u64, tell: &mut dyn FnMut(u64)) -> Result<()> {
        let mut key = table.last_key(self.target.database())?;
        *done += table.count(self.target.database())?;
        loop {
            tell(*done);
            let rows = self.source_rows(table, key.as_ref())?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            key = Some(table.key_of(last));
            self.target.add(table, &rows)?;
            *done += rows.len() as u64;
        }
    }

    /// Compares all rows of both ends, and returns their number; an error names the first one that differs.
    pub fn compare(&self, tell: &mut dyn FnMut(Progress<'_>)) -> Result<u64, OpenError> {
        let of = self.rows().map_err(interrupted)?;
        let mut done = 0;
        for table in &self.tables {
            let mut key = None;
            loop {
                tell(Progress {
                    doing: Doing::Comparing,
                    table: table.name,
                    done,
                    of,
                });
                let here = self.source_rows(table, key.as_ref());
                let here = here.map_err(interrupted)?;
                let limit = here.len().max(1);
                let there = table.rows_behind(self.target.database(), key.as_ref(), limit);
                self.same(table, &here, &there.map_err(interrupted)?)?;
                let Some(last) = here.last() else { break };
                key = Some(table.key_of(last));
                done += here.len() as u64;
            }
        }
        Ok(done)
    }

    fn same(&self, table: &Table, here: &[Record], there: &[Record]) -> Result<(), OpenError> {
        let mut pairs = here.iter().zip(there);
        let differing = pairs.find(|(here, there)| here != there);
        let row = match differing {
            Some((here, _)) => here,
            None if here.len() == there.len() => return Ok(()),
            // One of both goes on where the other one ends.
            None => match here.get(there.len()).or(there.get(here.len())) {
                Some(row) => row,
                None => return Ok(()),
            },
        };
        Err(OpenError::new(format!(
            "{} is not the same in source and target ({}): one of both was changed meanwhile; see that nobody uses \
             either, and begin anew with --restart",
            table.named(row),
            self.options
        )))
    }

    /// Opens the target before the migration is finished, to prove what has arrived.
    pub fn open_target(
        &self,
        kek: &Kek,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<(PostgresStore, Arc<KeyRing>), OpenError> {
        PostgresStore::open_unfinished(self.options, kek, clock, random)
    }

    /// Makes the target an installation that is served like any other.
    pub fn finish(self) -> Result<(), OpenError> {
        let same = state::installation(self.target.database())? == Some(self.installation);
        if !same {
            return Err(OpenError::new(format!(
                "the installation did not arrive in {}",
                self.options
            )));
        }
        self.target.finish().map_err(interrupted)
    }

    fn rows(&self) -> Result<u64> {
        self.source.backend().look(|db| {
            let counts = self.tables.iter().map(|table| table.count(db));
            counts.sum()
        })
    }

    fn source_rows(&self, table: &Table, behind: Option<&Record>) -> Result<Vec<Record>> {
        let backend = self.source.backend();
        backend.look(|db| table.rows_behind(db, behind, MOST_ROWS))
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Moving => "moving",
            Self::Comparing => "comparing",
        })
    }
}

/// An end that went away, or could not be read or written.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what errors are mapped with"
)]
fn interrupted(error: Error) -> OpenError {
    OpenError::new(format!(
        "{}; what has arrived stays: run the same command again, and it goes on from there",
        error.detail().unwrap_or(error.message())
    ))
}

/// The first line of what the source was that is no longer so, by the name of what it is about.
fn difference(then: &str, now: &str) -> String {
    let now: Vec<_> = now.lines().collect();
    let changed = then.lines().find(|line| !now.contains(line));
    let line = changed.unwrap_or("its audit trail has another stream");
    // A head is nothing to read.
    let words: Vec<_> = line.split(' ').collect();
    match words.as_slice() {
        ["stream", number, ..] => format!("stream {number} of its audit trail has gone on"),
        [table, rows] => format!("{table} had {rows} rows, and has not any more"),
        _ => line.to_owned(),
    }
}
