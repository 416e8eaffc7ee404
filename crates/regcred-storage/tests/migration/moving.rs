//! A migration without trouble.

use regcred_storage::Standing;

use crate::dump::{Dump, assert_same, of_postgres, of_sqlite};
use crate::fixture::Source;
use crate::replica::Replica;
use crate::scratch::Scratch;

#[tokio::test(flavor = "multi_thread")]
async fn all_rows_of_all_tables_move_as_they_are() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    let before = of_sqlite(source.path());
    something_is_everywhere(&before);
    let (sender, told) = std::sync::mpsc::channel();
    let options = scratch.options();
    let moved = source.migrate(&options, false, move |progress| {
        let told = (progress.doing.to_string(), progress.done, progress.of);
        sender.send(told).unwrap();
    });
    let moved = moved.await.unwrap();
    let rows: usize = before.values().map(Vec::len).sum();
    assert_eq!(moved, rows as u64);
    assert_same(&before, &of_postgres(&scratch).await);
    assert_same(&before, &of_sqlite(source.path()));
    let told: Vec<_> = told.iter().collect();
    assert!(
        told.is_sorted_by(|a, b| a.0 != b.0 || a.1 <= b.1),
        "{told:?}"
    );
    assert!(told.iter().all(|(_, done, of)| done <= of && *of == moved));

    // It is served like any other.
    let replica = Replica::open(&scratch.options(), &source.kek);
    assert!(replica.log_in("admin").await.expose().starts_with("rc_"));
    let events = before["audit_event"].len() as u64;
    assert_eq!(replica.service.verify_trail().await.unwrap(), events + 1);
}

/// A table or a column that nothing is put into by the fixture would prove nothing.
fn something_is_everywhere(dump: &Dump) {
    for (name, rows) in dump {
        let columns = rows.first().expect(name).split(' ');
        let columns = columns.filter_map(|cell| cell.split_once('=').map(|(column, _)| column));
        for column in columns {
            let nothing = format!("{column}=nothing");
            let empty = rows
                .iter()
                .all(|row| row.split(' ').any(|cell| cell == nothing));
            assert!(!empty, "{name}.{column}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_is_known_again_also_after_it_was_served() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    let options = scratch.options();
    source.migrate(&options, false, |_| {}).await.unwrap();
    let replica = Replica::open(&options, &source.kek);
    let admin = replica.log_in("admin").await;
    let admin = replica.caller(&admin).await.unwrap();
    replica.project(&admin, "later").await;
    replica.store.close().await;
    let standing = source.with(&options, false, |migration| migration.standing());
    assert_eq!(standing.await, Ok(Standing::Done));
    // With --restart, too, nothing of it is touched.
    assert_eq!(source.migrate(&options, true, |_| {}).await, Ok(0));
    assert_eq!(of_postgres(&scratch).await["project"].len(), 3);
}
