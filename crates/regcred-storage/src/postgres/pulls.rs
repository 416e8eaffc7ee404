//! What pulls read, asked for together: the accounts of many keys in one statement, which only PostgreSQL takes.

use std::collections::{BTreeMap, BTreeSet};

use regcred_core::ids::ProjectId;
use regcred_core::registry::RegistryKey;
use regcred_core::store::StoredPassword;
use regcred_core::{Error, Result};

use super::LONGEST_READ;
use super::link::Link;
use super::pool::{Pool, Turn};
use super::reading::Question;
use super::value::columns_of;
use crate::sql::Columns;
use crate::statements::credentials;

/// The pulls' question.
pub(super) struct Pulls(pub(super) Pool);

/// What a pull asks for, as [`credentials::sealed_of_first`] has it.
pub(super) struct Wanted {
    pub(super) project: ProjectId,
    pub(super) keys: Vec<RegistryKey>,
    pub(super) limit: usize,
}

impl Question for Pulls {
    type Asked = Wanted;
    type Answer = Vec<StoredPassword>;
    type Turn = Turn;

    async fn turn(&self) -> Result<Turn> {
        self.0.turn().await
    }

    async fn ask(
        &self,
        turn: Turn,
        asked: Vec<Wanted>,
    ) -> Result<Vec<Result<Vec<StoredPassword>>>> {
        let read = turn.read(LONGEST_READ, move |link| sealed_of_first(link, &asked));
        read.await
    }
}

/// What each of several pulls reads, as [`credentials::sealed_of_first`] does one by one.
fn sealed_of_first(link: &Link, wanted: &[Wanted]) -> Result<Vec<Result<Vec<StoredPassword>>>> {
    let places: BTreeSet<_> = wanted.iter().flat_map(Wanted::places).collect();
    let places: Vec<_> = places.into_iter().collect();
    let found = match of_places(link, &places) {
        Ok(found) => found,
        // It may be one of them: each is read for itself.
        Err(_) if link.was_refused() => {
            let alone =
                |of: &Wanted| credentials::sealed_of_first(link, of.project, &of.keys, of.limit);
            return Ok(wanted.iter().map(alone).collect());
        }
        Err(error) => return Err(error),
    };
    let read = |of: &Wanted| {
        credentials::first_of(&of.keys, credentials::key_of_stored, |keys| {
            let rows = keys.iter().filter_map(|key| found.get(&of.place(key)));
            rows.flatten().cloned().collect()
        })
    };
    Ok(wanted.iter().map(read).collect())
}

impl Wanted {
    fn place<'a>(&self, key: &'a RegistryKey) -> OfKey<'a> {
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        (self.project, key.as_str(), limit)
    }

    fn places(&self) -> impl Iterator<Item = OfKey<'_>> {
        self.keys.iter().map(|key| self.place(key))
    }
}

/// A key in a project, and of how many accounts at most it is told.
type OfKey<'a> = (ProjectId, &'a str, i64);

/// The rows of each place, ordered by username. One that cannot be read is an error of its own.
fn of_places<'a>(
    link: &Link,
    places: &[OfKey<'a>],
) -> Result<BTreeMap<OfKey<'a>, Vec<Result<StoredPassword>>>> {
    let projects: Vec<_> = places
        .iter()
        .map(|(project, ..)| project.as_bytes().as_slice())
        .collect();
    let keys: Vec<_> = places.iter().map(|(_, key, _)| *key).collect();
    let limits: Vec<_> = places.iter().map(|(.., limit)| *limit).collect();
    let statement = link.prepared(SEALED_OF_KEYS)?;
    let rows = link.wait(
        link.client()
            .query(&statement, &[&projects, &keys, &limits]),
    )?;
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in &rows {
        // Places are counted from one.
        let number: i64 = row.get(PLACE);
        let place = usize::try_from(number - 1).ok();
        let place = place.and_then(|place| places.get(place));
        let place = place.ok_or_else(|| Error::internal("a row of a key nobody asked for"))?;
        let row = columns_of(row);
        let stored = credentials::stored(&Columns::new(credentials::TABLE, &row));
        found.entry(*place).or_default().push(stored);
    }
    Ok(found)
}

const SEALED_OF_KEYS: &str = concat!(
    "SELECT d.*, g.place FROM unnest($1::bytea[], $2::text[], $3::bigint[]) WITH ORDINALITY \
    AS g (project, key, most, place), LATERAL (",
    credentials::select_sealed!(
        "WHERE project_id = g.project AND registry_key = g.key ORDER BY username LIMIT g.most"
    ),
    ") AS d ORDER BY g.place, d.username"
);
/// Its column, behind those that are read of each.
const PLACE: &str = "place";
