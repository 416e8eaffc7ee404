//! What waits to be told to webhooks.

use std::time::Duration;

use regcred_core::alert::{AlertKind, Announced, Announcement};
use regcred_core::credentials::DockerCredentials;
use regcred_core::ids::ProjectId;
use regcred_core::random::SystemRandom;
use regcred_core::store::{DecideExpiry, DecideProof};
use regcred_core::verification::{Consequence, Counts, ProofDecision, Verdict, Verification};
use regcred_core::webhook::{Delivery, MOST_WAITING, Target};
use regcred_core::workload::MOST_NAMED;

use crate::fixture::{Fixture, by_itself, event, now};
use crate::verifications::add;
use crate::workloads::job;

/// Writes down that credentials are refused, for these targets.
async fn refuse(
    fixture: &Fixture,
    project: ProjectId,
    of: &DockerCredentials,
    targets: &[Target],
) -> Announced {
    let verdict = Verdict::Rejected;
    let (kind, at) = (AlertKind::Rejected, now());
    let told = Announcement::new(kind, Some(verdict), at, targets, &SystemRandom).unwrap();
    let decide: DecideProof = Box::new(move |_| {
        Ok(ProofDecision {
            event: event("verify"),
            consequence: Some(Consequence {
                due: at,
                counts: Counts::default(),
                expires: None,
                announcement: Some(told.clone()),
            }),
        })
    });
    let proof = Verification {
        credentials: of.id,
        version: of.version,
        verdict,
        probed: false,
        at,
    };
    let proving = by_itself().proving(project);
    let recorded = fixture.store.record_verification(&proving, proof, decide);
    recorded.await.unwrap().unwrap().announced.unwrap()
}

async fn next(fixture: &Fixture, target: &Target) -> Option<Delivery> {
    let next = fixture.store.next_delivery(by_itself(), target);
    next.await.unwrap()
}

pub(crate) async fn wait_for_each_target_in_their_order(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let of = add(&fixture, &alice, project, "me").await;
    let [one, two] = ["https://one.x/", "https://two.x/?secret"].map(Target::of);
    let both = [one.clone(), two.clone()];
    for _ in 0..2 {
        refuse(&fixture, project, &of, &both).await;
    }
    let first = next(&fixture, &one).await.unwrap();
    assert!(first.body.contains(&of.id.to_string()) && first.attempts == 0);
    // A later one goes first while this one is put off.
    let later = first.due.plus(Duration::from_mins(1));
    let store = &fixture.store;
    let put_off = store.put_off_delivery(by_itself(), first.id, later);
    put_off.await.unwrap();
    let second = next(&fixture, &one).await.unwrap();
    assert_ne!(second.id, first.id);
    store.end_delivery(by_itself(), second.id).await.unwrap();
    // All of it is there after a restart.
    let fixture = fixture.reopened().await;
    let expected = Delivery {
        attempts: 1,
        due: later,
        ..first
    };
    assert_eq!(next(&fixture, &one).await, Some(expected));
    let store = &fixture.store;
    let forgotten = store.forget_deliveries(by_itself(), vec![one.clone()]);
    assert_eq!(forgotten.await.unwrap(), 2);
    assert_eq!(next(&fixture, &two).await, None);
    assert!(next(&fixture, &one).await.is_some());
}

pub(crate) async fn name_the_jobs_and_apps_that_are_concerned(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let of = add(&fixture, &alice, project, "me").await;
    let other = add(&fixture, &alice, project, "other").await;
    let target = Target::of("https://one.x/");
    let many = MOST_NAMED + 2;
    for number in 0..many {
        job(&fixture, &alice, project, &format!("job{number:02}"), of.id).await;
    }
    job(&fixture, &alice, project, "elsewhere", other.id).await;
    let announced = refuse(&fixture, project, &of, std::slice::from_ref(&target)).await;
    let alert = announced.alert;
    assert_eq!(
        (alert.jobs.named.len(), alert.jobs.count),
        (MOST_NAMED, many as u64)
    );
    assert_eq!((alert.apps.named.len(), alert.apps.count), (0, 0));
    assert_eq!(alert.jobs.named[0].name.as_str(), "job00");
    assert_eq!((alert.project_name.as_str(), announced.dropped), ("one", 0));
    let body = next(&fixture, &target).await.unwrap().body;
    assert_eq!(body, alert.body().unwrap());
    assert!(
        body.starts_with(r#"{"type":"credentials.rejected","timestamp":""#),
        "{body}"
    );
    assert!(body.contains(r#""counts":{"apps":0,"jobs":22}"#), "{body}");
    assert!(
        !body.contains("hunter2") && !body.contains("elsewhere"),
        "{body}"
    );
}

pub(crate) async fn are_bounded(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let of = add(&fixture, &alice, project, "me").await;
    // As many as that many webhooks would be.
    let targets: Vec<_> = (0..MOST_WAITING)
        .map(|number| Target::of(&number.to_string()))
        .collect();
    let full = refuse(&fixture, project, &of, &targets).await;
    assert_eq!(full.dropped, 0);
    let last = Target::of("last");
    let over = refuse(&fixture, project, &of, std::slice::from_ref(&last)).await;
    assert_eq!(over.dropped, 1);
    assert!(next(&fixture, &last).await.is_some(), "the oldest goes");
}

pub(crate) async fn leave_ends_to_be_told_until_there_is_room(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let mut new = fixture.credentials(project, Some("h.x"), "ending");
    let later = |hours| now().plus(Duration::from_hours(hours));
    new.credentials.expires = Some(later(1));
    let editor = fixture.editor(&alice, project).await;
    let created = fixture
        .store
        .create_credentials(&editor, new, event("create"));
    created.await.unwrap();
    let of = add(&fixture, &alice, project, "me").await;
    let targets: Vec<_> = (0..MOST_WAITING)
        .map(|number| Target::of(&number.to_string()))
        .collect();
    refuse(&fixture, project, &of, &targets).await;
    let told = async || {
        let to = targets[..1].to_vec();
        let tell: DecideExpiry = Box::new(move |_| {
            let kind = AlertKind::Expired;
            let told = Announcement::new(kind, None, now(), &to, &SystemRandom)?;
            Ok((told, None))
        });
        let told = fixture
            .store
            .announce_expiries(by_itself(), later(2), 10, tell);
        told.await.unwrap().len()
    };
    assert_eq!(told().await, 0, "it would push out what waits");
    let first = next(&fixture, &targets[7]).await.unwrap();
    let ended = fixture.store.end_delivery(by_itself(), first.id);
    ended.await.unwrap();
    assert_eq!(
        (told().await, told().await),
        (1, 0),
        "once there is room, and once"
    );
}
