//! An installation on SQLite with something in each column of each table, and its move.

use std::path::Path;
use std::sync::Arc;

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_core::sealing::Kek;
use regcred_core::service::Service;
use regcred_core::store::Store;
use regcred_storage::{
    DATABASE_FILE, Migration, OpenError, PostgresOptions, Progress, SqliteOptions, SqliteStore,
    Standing,
};
use tempfile::TempDir;

use crate::replica::{Replica, new_kek, operator};

/// A data directory and the text of its key.
pub(crate) struct Source {
    pub(crate) directory: TempDir,
    pub(crate) kek: String,
}

impl Source {
    /// With something of everything.
    pub(crate) async fn full() -> Self {
        let source = Self {
            directory: TempDir::new().unwrap(),
            kek: new_kek(),
        };
        let replica = source.serve();
        let admin = replica.admin("admin").await;
        for name in ["p", "q"] {
            let project = replica.project(&admin, name).await;
            for number in 0..40 {
                let username = format!("user{number}");
                let made = replica.create(&admin, project, &username).await.unwrap();
                // What counted before is held.
                let upgraded = replica.upgrade(&admin, project, made.id, "new").await;
                upgraded.unwrap();
            }
        }
        replica.store.close().await;
        drop(replica);
        source.change(REST);
        source
    }

    /// The use cases over it.
    pub(crate) fn serve(&self) -> Replica {
        let (store, keys) = self.open().unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let service = Service::new(Arc::clone(&store), keys, clock, random).unwrap();
        Replica {
            store,
            service: Arc::new(service),
        }
    }

    fn open(&self) -> Result<(SqliteStore, Arc<regcred_core::sealing::KeyRing>), OpenError> {
        let options = SqliteOptions::new(self.path());
        SqliteStore::open(&options, &self.kek(), &SystemClock, &SystemRandom)
    }

    pub(crate) fn kek(&self) -> Kek {
        Kek::parse(&self.kek).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Changes it behind the store's back.
    pub(crate) fn change(&self, sql: &str) {
        self.database().execute_batch(sql).unwrap();
    }

    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join(DATABASE_FILE)).unwrap()
    }

    /// What lies there, with something done to it while it is open for a migration.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        target: &PostgresOptions,
        restart: bool,
        work: impl FnOnce(Migration<'_>) -> T + Send + 'static,
    ) -> Result<T, String> {
        let (source, _) = self.open().map_err(|error| error.to_string())?;
        let target = target.clone();
        let done = tokio::task::spawn_blocking(move || {
            let opened = Migration::open(&source, &target, restart);
            let done = opened.map(work).map_err(|error| error.to_string());
            (done, source)
        });
        let (done, source) = done.await.unwrap();
        source.close().await;
        done
    }

    /// Moves it, or goes on with that, up to the end; the number of rows.
    pub(crate) async fn migrate(
        &self,
        target: &PostgresOptions,
        restart: bool,
        mut tell: impl FnMut(Progress<'_>) + Send + 'static,
    ) -> Result<u64, String> {
        let kek = self.kek();
        let done = self.with(target, restart, move |migration| {
            if migration.standing() == Standing::Done {
                return Ok(0);
            }
            let told = |error: OpenError| error.to_string();
            let moved = migration.copy(&mut tell).map_err(told)?;
            assert_eq!(migration.compare(&mut tell).map_err(told)?, moved);
            let opened = migration.open_target(&kek, &SystemClock, &SystemRandom);
            let (target, keys) = opened.map_err(told)?;
            let target = Arc::new(target);
            let store = Arc::clone(&target) as Arc<dyn Store>;
            let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
            let service = Service::new(store, keys, clock, random).unwrap();
            tokio::runtime::Handle::current().block_on(async {
                let report = service.prove_records(&operator()).await.unwrap();
                assert_eq!((report.damaged.len(), report.intact), (0, 161));
                service.verify_trail().await.unwrap();
                target.close().await;
            });
            migration.finish().map_err(told)?;
            Ok(moved)
        });
        done.await?
    }
}

/// What the use cases above leave out. Identifiers and texts have every kind of byte and letter in them.
const REST: &str = "
INSERT INTO user_group SELECT id, 'Größe, \u{1F980}' FROM user_account;
INSERT INTO project_group SELECT id, 'team', 'viewer' FROM project;
INSERT INTO service_token VALUES (randomblob(16), randomblob(32), 'ci', 'pull', 'admin', -1, 9223372036854775807);
INSERT INTO service_token_project SELECT service_token.id, project.id FROM service_token, project;
UPDATE project SET description = 'two\nlines\t\u{1}\u{7F}' WHERE name = 'p';
UPDATE project SET description = '' WHERE name = 'q';
UPDATE docker_credentials SET registry = 'Docker.io', expires_at = 5, probe = 'library/busybox';
UPDATE credentials_version SET registry = 'docker.io', expires_at = 7, probe = 'library/alpine';
UPDATE credentials_version SET base = 2, superseded_at = NULL, hold_until = NULL
    WHERE credentials_id = (SELECT min(credentials_id) FROM credentials_version);
UPDATE credentials_check SET alert_at = due_at WHERE credentials_id = (SELECT min(credentials_id) FROM credentials_check);
INSERT INTO credentials_use_day SELECT project_id, id, 20000, 3, 1728000000000123, randomblob(16), 'ci' FROM docker_credentials;
INSERT INTO credentials_use_day SELECT project_id, id, 19999, 4, NULL, NULL, NULL FROM docker_credentials;
INSERT INTO credentials_puller
    SELECT project_id, id, randomblob(16), 'ghcr.io/' || char(0x61 + (abs(random()) % 26)) || '/ü', 'ci', 1, 5
    FROM docker_credentials;
INSERT INTO credentials_verification SELECT project_id, id, 7, 1, 'valid', 1 FROM docker_credentials;
INSERT INTO webhook_delivery WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
    SELECT randomblob(16), 't', '{}' || n, 0, n FROM n;
INSERT INTO webhook_delivery WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 150)
    SELECT randomblob(16), 'long', replace(hex(zeroblob(9000)), '0', 'ü'), 0, n FROM n;
INSERT INTO workload SELECT id, 'job', randomblob(16), 'Job \"A\"', 'job \"a\"', 'a', 'd', 'Extraction', 't', 'admin', 1, '{}'
    FROM project;
INSERT INTO workload_version SELECT id, 1, project_id, 1, 'admin', 1, 'a/b', 'docker.io/a/b', randomblob(16), '{}' FROM workload;
INSERT INTO workload_version SELECT id, 2, project_id, 0, 'admin', 1, NULL, NULL, NULL, '{\"a\": \"\\u0000\"}' FROM workload;
";
