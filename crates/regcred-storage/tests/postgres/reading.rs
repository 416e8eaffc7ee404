//! Pulls that come together are read together, and none of them can tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use regcred_core::access::{self, Caller, Editor, Grant};
use regcred_core::ids::CredentialsId;
use regcred_core::registry::{PullTarget, RegistryKey};
use regcred_core::store::StoredPassword;
use regcred_core::{ErrorKind, Result};
use regcred_storage::PostgresOptions;
use tokio::task::JoinHandle;

use crate::proxy::{Mode, Proxy};
use crate::replica::{Replica, new_kek};
use crate::scratch::Scratch;

/// A replica with credentials for Docker Hub, and somebody who reads them.
struct Reader {
    replica: Replica,
    admin: Caller,
    editor: Grant<Editor>,
    id: CredentialsId,
}

impl Reader {
    async fn new(options: &PostgresOptions) -> Arc<Self> {
        let replica = Replica::open(options, &new_kek());
        let admin = replica.admin("admin").await;
        let project = replica.project(&admin, "p").await;
        let created = replica.create(&admin, project, "whole").await;
        let editor = access::check(replica.store.as_ref(), &admin, project).await;
        Arc::new(Self {
            replica,
            admin,
            editor: editor.unwrap(),
            id: created.unwrap().id,
        })
    }

    async fn read(&self) -> Result<Vec<StoredPassword>> {
        self.read_of(&self.editor).await
    }

    async fn read_of(&self, editor: &Grant<Editor>) -> Result<Vec<StoredPassword>> {
        let unsealing = editor.unsealing();
        let store = &self.replica.store;
        store.sealed_of_first(&unsealing, &hub(), 10).await
    }

    /// So many reads that come together.
    fn reads(self: &Arc<Self>, count: usize) -> Vec<JoinHandle<Result<Vec<StoredPassword>>>> {
        let reads = (0..count).map(|_| {
            let reader = Arc::clone(self);
            tokio::spawn(async move { reader.read().await })
        });
        reads.collect()
    }
}

fn hub() -> Vec<RegistryKey> {
    let image = PullTarget::image("library/app").unwrap();
    image.covering().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_read_was_asked_is_read() {
    let scratch = Scratch::make().await;
    let reader = Reader::new(&scratch.options()).await;
    let acknowledged = Arc::new(AtomicU32::new(1));
    let last = 60;
    let reading = (0..24).map(|_| {
        let (reader, acknowledged) = (Arc::clone(&reader), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            let mut before = 0;
            while before < last {
                before = acknowledged.load(Ordering::SeqCst);
                let read = reader.read().await.unwrap();
                let version = read[0].credentials.version;
                assert!(version >= before, "{version} was read behind {before}");
            }
        })
    });
    let reading: Vec<_> = reading.collect();
    let project = reader.editor.project();
    while acknowledged.load(Ordering::SeqCst) < last {
        let upgraded = reader
            .replica
            .upgrade(&reader.admin, project, reader.id, "another");
        let version = upgraded.await.unwrap().version;
        acknowledged.store(version, Ordering::SeqCst);
    }
    for reading in reading {
        reading.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_the_server_ends_cost_no_read() {
    let scratch = Scratch::make().await;
    let reader = Reader::new(&scratch.options()).await;
    let client = scratch.client().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..10 {
        let reads = reader.reads(60);
        client.execute(end, &[]).await.unwrap();
        for read in reads {
            assert_eq!(read.await.unwrap().unwrap().len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_while_nothing_passes_are_answered_in_time_and_go_on_afterwards() {
    let scratch = Scratch::make().await;
    let proxy = Proxy::before(&scratch).await;
    let reader = Reader::new(&proxy.options(&scratch)).await;
    reader.read().await.unwrap();
    proxy.set(Mode::Hole);
    let begun = Instant::now();
    let (gone, asked) = (reader.reads(20), reader.reads(40));
    for gone in gone {
        gone.abort();
    }
    for asked in asked {
        let error = asked.await.unwrap().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    let taken = begun.elapsed();
    assert!(taken < Duration::from_secs(9), "{taken:?}");

    proxy.set(Mode::Open);
    let begun = Instant::now();
    while reader.read().await.is_err() {
        let taken = begun.elapsed();
        assert!(taken < Duration::from_secs(9), "no read after {taken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_closed_answers_every_read() {
    let scratch = Scratch::make().await;
    let reader = Reader::new(&scratch.options()).await;
    let reads = reader.reads(200);
    reader.replica.store.close().await;
    for read in reads {
        // Before it was closed or afterwards.
        if let Err(error) = read.await.unwrap() {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
    }
    assert!(reader.read().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_cannot_read_fails_for_those_alone_who_ask_for_it() {
    let scratch = Scratch::make().await;
    let reader = Reader::new(&scratch.options()).await;
    let other = reader.replica.project(&reader.admin, "broken").await;
    let created = reader.replica.create(&reader.admin, other, "broken").await;
    created.unwrap();
    let broken: Grant<Editor> = access::check(reader.replica.store.as_ref(), &reader.admin, other)
        .await
        .unwrap();
    let broken = Arc::new(broken);
    // To read the one row is an error of the server, which fails the statement.
    let client = scratch.client().await;
    let damage = "ALTER TABLE docker_credentials RENAME TO kept; \
         CREATE VIEW docker_credentials AS SELECT project_id, id, registry, registry_key, username, \
         version / (username <> 'broken')::int::bigint AS version, last_update, password, expires_at, last_version, probe, \
         secret FROM kept";
    client.batch_execute(damage).await.unwrap();
    let whole = reader.reads(30);
    let failing = (0..30).map(|_| {
        let (reader, broken) = (Arc::clone(&reader), Arc::clone(&broken));
        tokio::spawn(async move {
            let read = reader.read_of(&broken).await;
            read.map(drop).unwrap_err().kind()
        })
    });
    let failing: Vec<_> = failing.collect();
    let more = reader.reads(30);
    for read in whole.into_iter().chain(more) {
        assert_eq!(read.await.unwrap().unwrap().len(), 1);
    }
    for failing in failing {
        assert_eq!(failing.await.unwrap(), ErrorKind::Internal);
    }
}
