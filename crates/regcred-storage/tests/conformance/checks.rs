//! What is done by itself: when credentials are tried, and when it is told that they run out.

use std::sync::Arc;
use std::time::Duration;

use regcred_core::access::Proving;
use regcred_core::alert::AlertKind::{Expired, Expiring};
use regcred_core::alert::Announcement;
use regcred_core::credentials::DockerCredentials;
use regcred_core::ids::ProjectId;
use regcred_core::store::{DecideExpiry, DecideProof, Present, Upgrade};
use regcred_core::verification::{
    Consequence, Counts, DueCheck, DueChecks, LeftAlone, ProofDecision, Tried, Verdict,
    Verification, schedule,
};
use regcred_core::{Result, Timestamp};

use crate::fixture::{Fixture, User, by_itself, event, now, sealed};

async fn add(
    fixture: &Fixture,
    user: &User,
    project: ProjectId,
    registry: &str,
    name: &str,
    expires: Option<Timestamp>,
) -> DockerCredentials {
    let mut new = fixture.credentials(project, Some(registry), name);
    new.credentials.expires = expires;
    let credentials = new.credentials.clone();
    let editor = fixture.editor(user, project).await;
    let added = fixture
        .store
        .create_credentials(&editor, new, event("create"));
    added.await.unwrap();
    credentials
}

async fn due(fixture: &Fixture, at: Timestamp, except: &[&str], limit: usize) -> DueChecks {
    let except = except.iter().copied().map(str::to_owned).collect();
    let due = fixture.store.due_checks(by_itself(), at, except, limit);
    due.await.unwrap()
}

fn hours(hours: u64) -> Timestamp {
    now().plus(Duration::from_hours(hours))
}

fn first(project: ProjectId, of: &DockerCredentials) -> DueCheck {
    DueCheck {
        project,
        credentials: of.id,
        version: of.version,
        username: of.username.clone(),
        host: of.registry.key().host().to_owned(),
        due: schedule::first(&of.id, of.version, of.last_update),
    }
}

pub(crate) async fn begin_with_the_first_of_each_host_and_leave_others_alone(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let mut planned = Vec::new();
    for (registry, name) in [
        ("a.x", "one"),
        ("a.x/team", "two"),
        ("a.x:5000", "one"),
        ("docker.io", "one"),
        ("docker.io", "two"),
        ("z.x", "one"),
    ] {
        let of = add(&fixture, &alice, project, registry, name, None).await;
        planned.push(first(project, &of));
    }
    planned.sort_by_key(|check| check.due);
    let first_of = |host: &str| planned.iter().find(|check| check.host == host).cloned();
    // Nothing is due at once.
    let none = due(&fixture, now(), &[], 10).await;
    assert_eq!(none, DueChecks::default());
    let one = due(&fixture, planned[0].due, &[], 10).await;
    assert_eq!(one.checks, planned[..1]);

    let mut expected: Vec<_> = ["a.x", "a.x:5000", "docker.io", "z.x"]
        .iter()
        .filter_map(|host| first_of(host))
        .collect();
    expected.sort_by_key(|check| check.due);
    let some = due(&fixture, hours(2), &[], 7).await;
    assert_eq!((&some.checks, some.more), (&expected, true));
    let some = due(&fixture, hours(2), &[], 2).await;
    assert_eq!((&some.checks[..], some.more), (&expected[..2], true));
    // Where there is room, it is more than one of each.
    let all = due(&fixture, hours(2), &[], 100).await;
    assert_eq!((&all.checks, all.more), (&planned, false));
    expected.retain(|check| check.host == "a.x:5000" || check.host == "z.x");
    let some = due(&fixture, hours(2), &["a.x", "docker.io", "gone"], 2).await;
    assert_eq!(some.checks, expected);
}

pub(crate) async fn of_an_account_are_put_off_together(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let [one, two] = [
        fixture.project(&alice, "one").await,
        fixture.project(&alice, "two").await,
    ];
    let mut all = Vec::new();
    for (project, registry, name) in [
        (one, "a.x", "shared"),
        (two, "a.x", "shared"),
        (two, "a.x/team", "shared"),
        (two, "a.x", "other"),
        (two, "b.x", "shared"),
    ] {
        let of = add(&fixture, &alice, project, registry, name, None).await;
        all.push(first(project, &of));
    }
    for (refused, stay) in [
        (None, &[3, 4][..]),
        (Some(1), &[3, 4]),
        (Some(7), &[2, 3, 4]),
    ] {
        let account = LeftAlone {
            host: "a.x".to_owned(),
            username: all[0].username.clone(),
            until: hours(40),
            refused: refused.map(|version| (all[2].credentials, version)),
        };
        // Only what is due.
        let store = &fixture.store;
        let nothing = store.put_off_checks(by_itself(), account.clone(), now());
        nothing.await.unwrap();
        let mut left = due(&fixture, hours(39), &[], 100).await.checks;
        assert!(left.len() >= stay.len());
        let done = store.put_off_checks(by_itself(), account, hours(39));
        done.await.unwrap();
        left = due(&fixture, hours(39), &[], 100).await.checks;
        let ids = |checks: Vec<DueCheck>| {
            let mut ids: Vec<_> = checks.iter().map(|check| check.credentials).collect();
            ids.sort();
            ids
        };
        let mut expected: Vec<_> = stay.iter().map(|index| all[*index].credentials).collect();
        expected.sort();
        assert_eq!(ids(left), expected, "{refused:?}");
        // And due again.
        for check in due(&fixture, hours(40), &[], 100).await.checks {
            let claimed = store.claim_check(by_itself(), &check, hours(1));
            claimed.await.unwrap();
        }
    }
}

pub(crate) async fn are_claimed_once_and_put_off(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let of = add(&fixture, &alice, project, "a.x", "me", None).await;
    let (check, again) = (first(project, &of), hours(9));
    let events = fixture.events().await;
    let claim = || fixture.store.claim_check(by_itself(), &check, again);
    let stored = claim().await.unwrap().unwrap();
    assert_eq!((stored.project, &stored.credentials), (project, &of));
    let opened = fixture
        .keys
        .open_record(&stored.binding(), &stored.password);
    assert_eq!(*opened.unwrap(), b"hunter2");
    assert!(claim().await.unwrap().is_none(), "it is no longer due");
    let left = due(&fixture, hours(2), &[], 10).await;
    assert_eq!(left.checks, []);
    assert_eq!(due(&fixture, again, &[], 10).await.checks[0].due, again);
    assert_eq!(fixture.events().await, events, "the proof has the event");
}

fn counted(refusals: u32, failures: u32) -> Counts {
    Counts { refusals, failures }
}

fn consequence(due: Timestamp, failures: u32, expires: Option<Timestamp>) -> DecideProof {
    Box::new(move |_| {
        Ok(ProofDecision {
            event: event("verify"),
            consequence: Some(Consequence {
                due,
                counts: Counts {
                    refusals: 2,
                    failures,
                },
                expires,
                announcement: None,
            }),
        })
    })
}

async fn prove(fixture: &Fixture, proving: &Proving, of: &DockerCredentials, decide: DecideProof) {
    let proof = Verification {
        credentials: of.id,
        version: of.version,
        verdict: Verdict::Ok,
        probed: false,
        at: now(),
    };
    let recorded = fixture.store.record_verification(proving, proof, decide);
    assert!(recorded.await.unwrap().unwrap().announced.is_none());
}

pub(crate) async fn follow_what_a_proof_decides(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let of = add(&fixture, &alice, project, "a.x", "me", None).await;
    let proving = by_itself().proving(project);
    let (next, expires) = (hours(30), hours(24 * 60));
    prove(&fixture, &proving, &of, consequence(next, 3, Some(expires))).await;
    assert_eq!(due(&fixture, hours(29), &[], 10).await.checks, []);
    assert_eq!(due(&fixture, next, &[], 10).await.checks[0].due, next);
    let sight = fixture.viewer(&alice, project).await.sight();
    let read = || async {
        let read = fixture.store.credentials(&sight, of.id).await;
        read.unwrap().unwrap()
    };
    assert_eq!(read().await.expires, Some(expires));
    let counted: DecideProof = Box::new(move |tried: &Tried<'_>| {
        assert_eq!(
            (tried.counts, tried.credentials.expires),
            (counted(2, 3), Some(expires))
        );
        consequence(next, 4, None)(tried)
    });
    prove(&fixture, &proving, &of, counted).await;
    assert_eq!(read().await.expires, Some(expires), "it stays known");

    // An upgrade begins anew, at its own host.
    let editor = fixture.editor(&alice, project).await;
    let new = fixture.credentials(project, Some("b.x"), "me").credentials;
    let keys = Arc::clone(&fixture.keys);
    let upgrade = Box::new(move |present: &Present<'_>| {
        let at = now();
        Ok(Upgrade {
            registry: new.registry.clone(),
            username: new.username.clone(),
            version: present.next,
            at,
            expires: None,
            password: sealed(&keys, b"new"),
            probe: None,
            secret: present.next,
            proof: None,
            hold_until: present.grace.end(at),
            event: event("upgrade"),
        })
    });
    let upgraded = fixture.store.upgrade_credentials(&editor, of.id, upgrade);
    let upgraded = upgraded.await.unwrap().unwrap();
    let left = due(&fixture, hours(2), &[], 10).await;
    assert_eq!(left.checks, [first(project, &upgraded)]);
    let anew: DecideProof = Box::new(|tried: &Tried<'_>| {
        let known = (tried.counts, tried.credentials.version);
        assert_eq!(known, (Counts::default(), 2));
        consequence(now(), 0, None)(tried)
    });
    prove(&fixture, &proving, &of, anew).await;
}

/// Tells it to nobody, as the service decides it at `at`.
fn tell(at: Timestamp) -> DecideExpiry {
    Box::new(move |expires| -> Result<_> {
        let (kind, next) = schedule::expiry_alert(expires, at);
        let announcement = Announcement {
            kind,
            verdict: None,
            at,
            to: Vec::new(),
        };
        Ok((announcement, next))
    })
}

pub(crate) async fn tell_of_an_end_when_it_is_time(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let days = |days: u64| hours(days * 24);
    let soon = add(&fixture, &alice, project, "a.x", "soon", Some(days(8))).await;
    let late = add(&fixture, &alice, project, "a.x", "late", Some(days(90))).await;
    add(&fixture, &alice, project, "a.x", "never", None).await;
    let told = |at: Timestamp, limit| {
        let fixture = &fixture;
        async move {
            let told = fixture
                .store
                .announce_expiries(by_itself(), at, limit, tell(at))
                .await;
            let told = told.unwrap().into_iter();
            told.map(|announced| (announced.alert.credentials.id, announced.alert.kind))
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(told(now(), 10).await, []);
    assert_eq!(told(days(2), 10).await, [(soon.id, Expiring)]);
    assert_eq!(told(days(2), 10).await, [], "once");
    assert_eq!(told(days(9), 10).await, [(soon.id, Expired)]);
    assert_eq!(told(days(80), 10).await, [], "for good");
    assert_eq!(
        told(days(100), 10).await,
        [(late.id, Expired)],
        "not both at once"
    );

    // What is learnt by a proof is told, too, and of how many at a time is bounded.
    let proving = by_itself().proving(project);
    for number in 0..3 {
        let of = add(&fixture, &alice, project, "b.x", &number.to_string(), None).await;
        prove(
            &fixture,
            &proving,
            &of,
            consequence(days(1), 0, Some(days(20))),
        )
        .await;
    }
    assert_eq!(
        (told(days(14), 2).await.len(), told(days(14), 2).await.len()),
        (2, 1)
    );
}

pub(crate) async fn go_with_their_credentials(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let gone = add(&fixture, &alice, project, "a.x", "gone", Some(hours(9))).await;
    let editor = fixture.editor(&alice, project).await;
    let deleted =
        fixture
            .store
            .delete_credentials(&editor, gone.id, false, Box::new(|_, _| event("delete")));
    assert!(deleted.await.unwrap());
    let was = first(project, &gone);
    let claimed = fixture.store.claim_check(by_itself(), &was, hours(1));
    assert!(claimed.await.unwrap().is_none());
    assert_eq!(due(&fixture, hours(2), &[], 10).await, DueChecks::default());
    let told = fixture
        .store
        .announce_expiries(by_itself(), hours(99), 10, tell(hours(99)));
    assert!(told.await.unwrap().is_empty());
}
