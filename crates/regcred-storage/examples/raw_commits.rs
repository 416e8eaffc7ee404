//! The yardstick of durable writes: what SQLite does when each row is a commit of its own.
//!
//! `raw_commits DIRECTORY SECONDS` writes rows as large as those of Docker credentials with their event, one after the
//! other, with the journal and the durability that the store uses, and prints how many it committed in a second.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(seconds)) = (arguments.next(), arguments.next()) else {
        return Err("usage: raw_commits DIRECTORY SECONDS".into());
    };
    let limit = Duration::from_secs(seconds.parse()?);
    let db = Connection::open(Path::new(&directory).join("raw.db"))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS credentials (id BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, row BLOB);",
    )?;
    let mut credentials = db.prepare("INSERT INTO credentials VALUES (randomblob(16), ?)")?;
    let mut event = db.prepare("INSERT INTO event (row) VALUES (?)")?;
    let (start, mut commits) = (Instant::now(), 0_u32);
    while start.elapsed() < limit {
        let transaction = db.unchecked_transaction()?;
        credentials.execute(params![[0_u8; 300]])?;
        event.execute(params![[0_u8; 500]])?;
        transaction.commit()?;
        commits += 1;
    }
    write(f64::from(commits) / start.elapsed().as_secs_f64());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the number is the result")]
fn write(rate: f64) {
    println!("{rate:.1}");
}
