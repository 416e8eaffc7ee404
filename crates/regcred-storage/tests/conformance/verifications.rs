//! Proofs of credentials.

use std::time::Duration;

use regcred_core::credentials::DockerCredentials;
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::random::SystemRandom;
use regcred_core::store::DecideProof;
use regcred_core::verification::schedule::{self, Jitter};
use regcred_core::verification::{
    Consequence, Counts, PROOFS_KEPT, ProofDecision, Tried, Verdict, Verification,
};

use crate::fixture::{Fixture, User, event, now};

pub(crate) async fn add(
    fixture: &Fixture,
    user: &User,
    project: ProjectId,
    name: &str,
) -> DockerCredentials {
    let new = fixture.credentials(project, Some("h.x"), name);
    let credentials = new.credentials.clone();
    let editor = fixture.editor(user, project).await;
    let added = fixture
        .store
        .create_credentials(&editor, new, event("create"));
    added.await.unwrap();
    credentials
}

async fn record(fixture: &Fixture, user: &User, project: ProjectId, proof: Verification) -> bool {
    let proving = fixture.editor(user, project).await.proving();
    let nothing: DecideProof = Box::new(|_| Ok(without_consequence()));
    let recorded = fixture.store.record_verification(&proving, proof, nothing);
    recorded.await.unwrap().is_some()
}

fn without_consequence() -> ProofDecision {
    ProofDecision {
        event: event("verify"),
        consequence: None,
    }
}

pub(crate) async fn decide_on_what_was_counted_however_much_proved_nothing_meanwhile(
    fixture: Fixture,
) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let of = add(&fixture, &alice, project, "me").await;
    let proving = fixture.editor(&alice, project).await.proving();
    let (start, mut counted) = (now(), Counts::default());
    // As often as it is kept and once more: what is known does not hang on how many proofs are kept.
    let silent = u32::try_from(PROOFS_KEPT).unwrap() + 1;
    let tries = std::iter::once(Verdict::Rejected)
        .chain(std::iter::repeat_n(Verdict::RateLimited, silent as usize))
        .chain([Verdict::NoPullRight, Verdict::Ok]);
    for (number, verdict) in (0..).zip(tries) {
        let proof = Verification {
            credentials: of.id,
            version: 1,
            verdict,
            probed: false,
            at: start.plus(Duration::from_secs(number)),
        };
        let expected = (of.clone(), counted);
        let (_, counts) = schedule::after(verdict, counted, DAY, DAY, Jitter::NONE);
        let decide: DecideProof = Box::new(move |tried: &Tried<'_>| {
            let known = (tried.credentials.clone(), tried.counts);
            assert_eq!(known, expected, "{number}");
            Ok(ProofDecision {
                event: event("verify"),
                consequence: Some(Consequence {
                    due: proof.at,
                    counts,
                    expires: None,
                    announcement: None,
                }),
            })
        });
        let recorded = fixture.store.record_verification(&proving, proof, decide);
        assert_eq!(recorded.await.unwrap().unwrap().verification, proof);
        counted = counts;
    }
    assert_eq!(counted, Counts::default());
    // What is refused leaves nothing.
    let before = fixture.events().await;
    let proof = Verification {
        credentials: of.id,
        version: 1,
        verdict: Verdict::Ok,
        probed: false,
        at: now(),
    };
    let sight = fixture.viewer(&alice, project).await.sight();
    let kept = || fixture.store.verifications(&sight, Some(of.id));
    let known = kept().await.unwrap();
    let refuse: DecideProof = Box::new(|_| Err(regcred_core::Error::conflict("no")));
    let refused = fixture.store.record_verification(&proving, proof, refuse);
    assert!(refused.await.is_err());
    assert_eq!(kept().await.unwrap(), known);
    assert_eq!(fixture.events().await, before);
}

pub(crate) async fn are_kept_the_latest_first_and_no_more_than_so_many(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let (one, other) = (
        add(&fixture, &alice, project, "one").await,
        add(&fixture, &alice, project, "other").await,
    );
    let start = now();
    let proof = |of: &DockerCredentials, number: u32, verdict| Verification {
        credentials: of.id,
        version: number,
        verdict,
        probed: number.is_multiple_of(2),
        at: start.plus(Duration::from_secs(number.into())),
    };
    let many = u32::try_from(PROOFS_KEPT).unwrap() + 3;
    let of_other = proof(&other, 1, Verdict::NoPullRight);
    assert!(record(&fixture, &alice, project, of_other).await);
    let mut expected = Vec::new();
    for number in 1..=many {
        let verdict = Verdict::ALL[number as usize % Verdict::ALL.len()];
        let proof = proof(&one, number, verdict);
        assert!(record(&fixture, &alice, project, proof).await);
        expected.insert(0, proof);
    }
    expected.truncate(PROOFS_KEPT);
    // The last one that said anything of the version that counts stays, however old it is.
    expected.push(proof(&one, 1, Verdict::ALL[1]));
    let sight = fixture.viewer(&alice, project).await.sight();
    let kept = fixture.store.verifications(&sight, Some(one.id)).await;
    assert_eq!(kept.unwrap(), expected);
    expected.push(of_other);
    let kept = fixture.store.verifications(&sight, None).await;
    assert_eq!(kept.unwrap(), expected);

    // They go with the credentials.
    let editor = fixture.editor(&alice, project).await;
    let gone =
        fixture
            .store
            .delete_credentials(&editor, one.id, false, Box::new(|_, _| event("delete")));
    assert!(gone.await.unwrap());
    let kept = fixture.store.verifications(&sight, None).await;
    assert_eq!(kept.unwrap(), [of_other]);
}

pub(crate) async fn of_what_is_gone_or_foreign_leave_nothing(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let foreign = fixture.project(&alice, "foreign").await;
    let theirs = add(&fixture, &alice, foreign, "theirs").await;
    let nowhere = CredentialsId::generate(now(), &SystemRandom).unwrap();
    let before = fixture.store.audit_rows(1, 0, 1_000).await.unwrap().len();
    for credentials in [theirs.id, nowhere] {
        let proof = Verification {
            credentials,
            version: 1,
            verdict: Verdict::Ok,
            probed: false,
            at: now(),
        };
        assert!(!record(&fixture, &alice, project, proof).await);
    }
    let after = fixture.store.audit_rows(1, 0, 1_000).await.unwrap().len();
    assert_eq!(before, after);
}

const DAY: Duration = Duration::from_hours(24);
