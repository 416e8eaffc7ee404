//! A session that began when there was next to nothing does well with what there is later.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::replica::{Replica, again, new_kek};
use crate::scratch::Scratch;

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_found_by_their_id_also_where_there_were_none_when_that_was_planned() {
    let scratch = Scratch::make().await;
    let client = scratch.client().await;
    let replica = Arc::new(Replica::open(&scratch.options(), &new_kek()));
    // Nobody counts what is in it, after which the server would plan anew.
    let no_count = "ALTER TABLE docker_credentials SET (autovacuum_enabled = off)";
    client.batch_execute(no_count).await.unwrap();
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    let create = async |numbers: std::ops::Range<usize>| {
        let creating = numbers.map(|number| {
            let (replica, caller) = (Arc::clone(&replica), again(&admin));
            tokio::spawn(async move {
                let username = format!("user{number}");
                let created = replica.create(&caller, project, &username).await;
                created.unwrap();
            })
        });
        for creating in creating.collect::<Vec<_>>() {
            creating.await.unwrap();
        }
    };
    // Alone, so that the session is used as often.
    for number in 0..600 {
        create(number..number + 1).await;
    }
    create(600..1600).await;
    // A session that ends tells what it has read.
    replica.store.close().await;
    let rows = read(&client, 1600).await;
    // All that were there, each time, would be more than a million.
    assert!(rows < 300_000, "{rows} were read for 1600");
    // Those that came at once were counted at once.
    let counted = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'project'";
    let counted: i64 = client.query_one(counted, &[]).await.unwrap().get(0);
    assert!((600..1100).contains(&counted), "{counted} times for 1600");
}

/// How many rows were found by the indexes of credentials, once it is told of so many creates.
async fn read(client: &Client, creates: i64) -> i64 {
    let sql = "SELECT n_tup_ins, (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes i WHERE i.relid = t.relid) \
               FROM pg_stat_user_tables t WHERE relname = 'docker_credentials'";
    let begun = Instant::now();
    loop {
        let row = client.query_one(sql, &[]).await.unwrap();
        if row.get::<_, i64>(0) == creates {
            return row.get(1);
        }
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(30), "the server tells nothing");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
