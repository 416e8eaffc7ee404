//! `regcred migrate`: an installation moves from its directory to PostgreSQL.
//!
//! First the source is proved, so that what is wrong with it is told before anything is moved. What has arrived is
//! proved in the same way, after all rows were compared. Only then the target becomes an installation that is served, and the
//! directory gets a note that it is one no more.

use std::path::Path;
use std::sync::Arc;

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_core::sealing::{Kek, KeyRing};
use regcred_core::service::Service;
use regcred_core::store::Store;
use regcred_storage::{
    Migration, PostgresOptions, PostgresStore, Progress, SqliteOptions, SqliteStore, Standing,
};
use tokio::runtime::Runtime;

use crate::logging;
use crate::operator::{OperatorError, grant, told};
use crate::settings::{KekSource, LogFormat, MigrateArgs};

/// What a migration tells while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// It is on its way with rows.
    Rows(Progress<'a>),
    /// It begins with something else.
    Begins(&'a str),
}

/// What was moved.
#[derive(Debug)]
pub struct Moved {
    /// What was done, and what to do next.
    pub summary: String,
    /// What did not go well at the very end, without harm to what was moved.
    pub warning: Option<String>,
}

/// Moves the installation, or goes on with that, and proves what has arrived.
pub fn migrate(args: MigrateArgs, tell: &mut dyn FnMut(Step<'_>)) -> Result<Moved, OperatorError> {
    let args = args.resolve()?;
    let (directory, to) = (&args.directory, args.to.as_ref());
    // What the operator is warned of, such as a key that lies beside the database.
    let _flush = logging::start("warn", Some(LogFormat::Human))?;
    if regcred_storage::moved_to(directory).is_some_and(|moved| moved == to.to_string()) {
        return Ok(done(&args.kek, directory, to, "was moved already"));
    }
    if !directory.join(regcred_storage::DATABASE_FILE).exists() {
        return Err(OperatorError::Failed(format!(
            "there is no database in {}; give the data directory of an installation",
            directory.display()
        )));
    }
    let kek = args.kek.read(Some(directory), false)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot be started: {error}"))?;
    let options = SqliteOptions::new(directory);
    let opened = SqliteStore::open(&options, &kek, &SystemClock, &SystemRandom);
    let (source, keys) = opened.map_err(|error| error.to_string())?;
    let source = Arc::new(source);
    let moved = move_all(&runtime, &source, &keys, to, &kek, args.restart, tell);
    runtime.block_on(source.close());
    let what = moved?;
    let mut moved = done(&args.kek, directory, to, &what);
    if let Err(error) = regcred_storage::note_moved(directory, &to.to_string()) {
        moved.warning = Some(format!(
            "{} could not be marked as moved ({error}): see that nobody serves it any more",
            directory.display()
        ));
    }
    Ok(moved)
}

/// What was done with the installation.
fn move_all(
    runtime: &Runtime,
    source: &Arc<SqliteStore>,
    keys: &Arc<KeyRing>,
    to: &PostgresOptions,
    kek: &Kek,
    restart: bool,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<String, OperatorError> {
    let failed = |error: regcred_storage::OpenError| error.to_string();
    let migration = Migration::open(source, to, restart).map_err(failed)?;
    match migration.standing() {
        Standing::Done => return Ok("is there already, with all its history".to_owned()),
        Standing::Begun => {}
        Standing::New => {
            tell(Step::Begins("proving what is to be moved"));
            refuse_obstacles(&migration)?;
            let shared = Arc::clone(source) as Arc<dyn Store>;
            let proved = runtime.block_on(prove(shared, Arc::clone(keys)));
            proved.map_err(|why| format!("{why}\nnothing was moved: mend that first"))?;
        }
    }
    let mut rows = |progress: Progress<'_>| tell(Step::Rows(progress));
    let moved = migration.copy(&mut rows).map_err(failed)?;
    let compared = migration.compare(&mut rows).map_err(failed)?;
    if moved != compared {
        return Err(OperatorError::Failed(format!(
            "{moved} rows have arrived, and there are {compared}; begin anew with --restart"
        )));
    }
    tell(Step::Begins("proving what has arrived"));
    let opened = migration.open_target(kek, &SystemClock, &SystemRandom);
    let (target, keys) = opened.map_err(failed)?;
    let target: Arc<PostgresStore> = Arc::new(target);
    let proved = runtime.block_on(async {
        let proved = prove(Arc::clone(&target) as Arc<dyn Store>, keys).await;
        target.close().await;
        proved
    });
    let (passwords, events) = proved.map_err(|why| {
        format!(
            "{why}\nthat is so in {to}, which is not served therefore: begin anew with --restart"
        )
    })?;
    migration.finish().map_err(failed)?;
    Ok(format!(
        "was moved: {moved} rows, all of them compared; {passwords} sealed passwords open; the audit trail is intact, \
         {events} events"
    ))
}

fn refuse_obstacles(migration: &Migration<'_>) -> Result<(), OperatorError> {
    let obstacles = migration.obstacles()?;
    if obstacles.is_empty() {
        return Ok(());
    }
    let named = obstacles
        .iter()
        .fold(String::new(), |text, obstacle| text + "\n  " + obstacle);
    Err(OperatorError::Failed(format!(
        "PostgreSQL cannot hold the character U+0000, which is in these texts; nothing was moved: start the service \
         on the directory, and give them others:{named}"
    )))
}

/// Opens every password and walks the audit trail: how many of both are intact, or what is not.
async fn prove(store: Arc<dyn Store>, keys: Arc<KeyRing>) -> Result<(u64, u64), String> {
    let told = |error| told(&error);
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let service = Service::new(store, keys, clock, random).map_err(told)?;
    let report = service
        .prove_records(&grant().map_err(told)?)
        .await
        .map_err(told)?;
    if !report.damaged.is_empty() {
        let damaged = report.damaged.iter().fold(String::new(), |text, record| {
            text + &format!("\n  {}: {}", record.what, record.reason)
        });
        return Err(format!(
            "{} sealed passwords do not open:{damaged}",
            report.damaged.len()
        ));
    }
    let events = service.verify_trail().await.map_err(told)?;
    Ok((report.intact, events))
}

fn done(kek: &KekSource, directory: &Path, to: &PostgresOptions, what: &str) -> Moved {
    let shown = directory.display();
    let key = match kek {
        KekSource::DataDir => format!(
            "Every replica needs the key-encryption key, which lies in {shown}/kek: copy it to each, readable by its \
             owner alone, and give its place with --kek-file.\n"
        ),
        _ => "Every replica needs the same key-encryption key as before.\n".to_owned(),
    };
    Moved {
        summary: format!(
            "the installation in {shown} {what}\nStart the service with --database-url for {to}. {key}Keep {shown} until \
             you are sure. It is marked as moved, so that nobody serves it by accident; to go back to it, without what \
             is changed from now on, remove {shown}/moved."
        ),
        warning: None,
    }
}
