//! Several replicas on one database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use regcred_core::access::{Caller, Role};
use regcred_core::audit::Action;
use regcred_core::clock::SystemClock;
use regcred_core::people::Login;
use regcred_core::store::UserChange;
use regcred_core::{Clock as _, ErrorKind, Result};

use crate::replica::{Replica, again, new_kek, operator, password};
use crate::scratch::Scratch;

struct Pair {
    one: Arc<Replica>,
    other: Arc<Replica>,
    admin: Caller,
    scratch: Scratch,
}

impl Pair {
    async fn open() -> Self {
        let (scratch, kek) = (Scratch::make().await, new_kek());
        // At once, as a rollout does: one of them makes the tables.
        let openings = [(), ()].map(|()| {
            let (options, kek) = (scratch.options(), kek.clone());
            tokio::task::spawn_blocking(move || Arc::new(Replica::open(&options, &kek)))
        });
        let [one, other] = openings;
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        let admin = one.admin("admin").await;
        Self {
            one,
            other,
            admin,
            scratch,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn have_a_stream_of_the_trail_each() {
    let pair = Pair::open().await;
    let project = pair.one.project(&pair.admin, "p").await;
    pair.one.create(&pair.admin, project, "a").await.unwrap();
    pair.other.create(&pair.admin, project, "b").await.unwrap();
    let streams = pair.one.store.audit_streams().await.unwrap();
    let ends: Vec<_> = streams
        .iter()
        .map(|(stream, head)| (*stream, head.as_ref().unwrap().sequence))
        .collect();
    assert_eq!(
        ends.iter().map(|(stream, _)| *stream).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(ends.iter().map(|(_, events)| events).sum::<u64>(), 5);
    assert_eq!(pair.other.service.verify_trail().await.unwrap(), 5);

    // One that comes instead of another writes its stream on.
    pair.other.store.close().await;
    let replaced = Pair {
        other: Arc::clone(&pair.one),
        ..pair
    };
    let streams = replaced.one.store.audit_streams().await.unwrap();
    assert_eq!(streams.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn lose_no_upgrade_that_they_make_at_once() {
    let pair = Pair::open().await;
    let project = pair.one.project(&pair.admin, "p").await;
    let id = pair.one.create(&pair.admin, project, "a").await.unwrap().id;
    let upgrades = [&pair.one, &pair.other].map(|replica| {
        let (replica, caller) = (Arc::clone(replica), again(&pair.admin));
        tokio::spawn(async move {
            let mut versions = Vec::new();
            for number in 0..40 {
                let password = format!("password-{number}");
                let upgraded = replica.upgrade(&caller, project, id, &password).await;
                versions.push(upgraded.unwrap().version);
            }
            versions
        })
    });
    let mut versions = Vec::new();
    for upgrading in upgrades {
        versions.append(&mut upgrading.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..=81).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn count_what_they_create_and_delete_at_once() {
    let pair = Pair::open().await;
    let mut projects = Vec::new();
    for number in 0..4 {
        projects.push(pair.one.project(&pair.admin, &format!("p{number}")).await);
    }
    let changes = (0..16).map(|worker: usize| {
        let replica = Arc::clone(if worker.is_multiple_of(2) {
            &pair.one
        } else {
            &pair.other
        });
        let (caller, projects) = (again(&pair.admin), projects.clone());
        tokio::spawn(async move {
            for number in 0..20 {
                let project = projects[(worker + number) % projects.len()];
                let username = format!("{worker}-{number}");
                let made = replica.create(&caller, project, &username).await.unwrap();
                if number % 3 == 0 {
                    let deleted = replica
                        .service
                        .delete_credentials(&caller, project, made.id, false);
                    deleted.await.unwrap();
                }
                // The couple that everybody wants goes to one of them.
                let wanted = replica
                    .create(&caller, project, &format!("wanted-{number}"))
                    .await;
                assert!(
                    wanted.is_ok()
                        || wanted.is_err_and(|error| error.kind() == ErrorKind::Conflict)
                );
            }
        })
    });
    for change in changes.collect::<Vec<_>>() {
        change.await.unwrap();
    }
    let client = pair.scratch.client().await;
    let sql = "SELECT p.credentials, (SELECT count(*) FROM docker_credentials WHERE project_id = p.id) FROM project p";
    let mut all = 0;
    for row in client.query(sql, &[]).await.unwrap() {
        let (counted, there): (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(counted, there);
        all += there;
    }
    // Of each of 16 seven of twenty are deleted; and each project has each wanted one.
    assert_eq!(all, 16 * 13 + 4 * 20);
    pair.one.service.verify_trail().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn leave_an_admin_however_they_are_asked() {
    let pair = Pair::open().await;
    for round in 0..10 {
        let login = format!("second{round}");
        pair.other.admin(&login).await;
        let (first, second) = tokio::join!(
            be_admin(&pair.one, "admin", false),
            be_admin(&pair.other, &login, false)
        );
        assert_ne!(first.is_ok(), second.is_ok(), "one of the two stays");
        be_admin(&pair.one, "admin", true).await.unwrap();
        let _ = be_admin(&pair.one, &login, false).await;
    }
}

async fn be_admin(replica: &Replica, login: &str, admin: bool) -> Result<bool> {
    let login = Login::parse(login).unwrap();
    let account = replica.store.user(&operator(), &login).await.unwrap();
    let change = UserChange {
        admin: Some(admin),
        groups: None,
    };
    let event = operator().event(
        SystemClock.now(),
        Action::SessionEnded {
            session: "of nobody".to_owned(),
        },
    );
    let id = account.unwrap().id;
    replica
        .store
        .update_user(&operator(), id, change, event)
        .await
}

/// Forgets at a replica what others change, as a running one does.
fn follow(replica: &Replica) {
    let follower = Arc::clone(&replica.service);
    tokio::spawn(async move {
        let mut seen = 0;
        loop {
            seen = follower.changed_elsewhere(seen).await;
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn hear_of_a_token_that_another_one_ended() {
    let pair = Pair::open().await;
    follow(&pair.other);
    let token = pair.one.log_in("admin").await;
    let caller = pair.other.caller(&token).await.unwrap();
    // What is remembered counts without a look.
    pair.one.service.end_session(&caller).await.unwrap();
    let ended = Instant::now();
    while pair.other.caller(&token).await.is_ok() {
        assert!(ended.elapsed() < Duration::from_secs(1), "it still counts");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn know_no_role_longer_than_five_seconds_whether_they_hear_of_it_or_not() {
    let pair = Pair::open().await;
    let project = pair.one.project(&pair.admin, "p").await;
    let user = pair.one.user("bob").await;
    let bob = Login::parse("bob").unwrap();
    let services = (&pair.one.service, &pair.other.service);
    for (hears, bound) in [(false, 5), (true, 1)] {
        if hears {
            follow(&pair.other);
        }
        let set = services
            .0
            .set_member(&pair.admin, project, &bob, Role::Viewer);
        set.await.unwrap();
        // What was given counts at once.
        let seen = || services.1.list_credentials(&user, project);
        assert_eq!(seen().await.unwrap(), []);
        let removed = services.0.remove_member(&pair.admin, project, &bob);
        removed.await.unwrap();
        let ended = Instant::now();
        while seen().await.is_ok() {
            let bound = Duration::from_secs(bound);
            assert!(ended.elapsed() < bound, "the role still counts");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hear_each_other_and_nobody_else() {
    let pair = Pair::open().await;
    let client = pair.scratch.client().await;
    let begun = Instant::now();
    // They listen once their sessions are open.
    let raw = loop {
        pair.one.service.tell_others("a word").await;
        let soon = Duration::from_millis(500);
        let heard = tokio::time::timeout(soon, pair.other.store.told_elsewhere());
        if let Ok(raw) = heard.await {
            break raw;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "nothing is heard"
        );
    };
    let (signature, said) = raw.split_once(' ').unwrap();
    let (moment, word) = said.split_once(' ').unwrap();
    assert_eq!(word, "a word");
    // Without a signature, with one of something else, and of another moment.
    for forged in [
        "login ::1 admin".to_owned(),
        format!("{signature} {moment} login ::1 admin"),
        format!("{signature} 1 a word"),
    ] {
        let payload = format!("0123456789abcdef {forged}");
        let sql = "SELECT pg_notify('regcred_said', $1)";
        client.execute(sql, &[&payload]).await.unwrap();
    }
    pair.one.service.tell_others("the last word").await;
    let heard = pair.other.service.told_elsewhere();
    let heard = tokio::time::timeout(Duration::from_secs(10), heard).await;
    assert_eq!(heard.unwrap(), "the last word");
}

#[tokio::test(flavor = "multi_thread")]
async fn forget_a_token_in_time_also_where_they_hear_nothing() {
    let pair = Pair::open().await;
    let token = pair.one.log_in("admin").await;
    let caller = pair.other.caller(&token).await.unwrap();
    pair.one.service.end_session(&caller).await.unwrap();
    let ended = Instant::now();
    assert!(
        pair.other.caller(&token).await.is_ok(),
        "it is remembered, so the rest shows something"
    );
    while pair.other.caller(&token).await.is_ok() {
        assert!(ended.elapsed() < Duration::from_secs(5), "it still counts");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_no_session_for_a_password_that_was_replaced() {
    let pair = Pair::open().await;
    let login = Login::parse("admin").unwrap();
    for _ in 0..5 {
        let candidate = pair.other.service.login_candidate(&login).await.unwrap();
        let proof = candidate.verify(&password()).unwrap().unwrap();
        let hash = password().hash(pair.one.service.random()).unwrap();
        let grant = operator();
        let replacing = pair.one.service.reset_password_as(&grant, &login, &hash);
        let opening = pair
            .other
            .service
            .open_session(proof, crate::replica::request());
        let (replaced, opened) = tokio::join!(replacing, opening);
        replaced.unwrap();
        if let Ok(token) = opened {
            let client = pair.scratch.client().await;
            let left: i64 = client
                .query_one("SELECT count(*) FROM session", &[])
                .await
                .unwrap()
                .get(0);
            assert_eq!(
                left,
                0,
                "a session of the password before: {}",
                token.expose().len()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn have_one_that_leads_and_another_one_soon_after() {
    let pair = Pair::open().await;
    let begun = Instant::now();
    while !pair.one.store.leads() && !pair.other.store.leads() {
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody leads");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_ne!(pair.one.store.leads(), pair.other.store.leads());
    let Pair { one, other, .. } = pair;
    let (leader, follower) = if one.store.leads() {
        (one, other)
    } else {
        (other, one)
    };
    leader.store.close().await;
    drop(leader);
    let begun = Instant::now();
    while !follower.store.leads() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it is not taken over"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
