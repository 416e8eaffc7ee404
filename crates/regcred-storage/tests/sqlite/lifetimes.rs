//! How long a session and a service token count, by a clock that is set by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use regcred_core::access::{Right, Rights};
use regcred_core::secret::SecretText;
use regcred_core::service::CreateToken;
use regcred_core::{Clock, Timestamp};

use crate::installation::{Installation, Running};

/// A clock that stands until it is moved.
struct HandSet(AtomicI64);

impl Clock for HandSet {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

impl HandSet {
    fn pass(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60_000_000, Ordering::Relaxed);
    }
}

async fn started() -> (Installation, Arc<HandSet>, Running) {
    let (installation, clock) = (
        Installation::new(),
        Arc::new(HandSet(AtomicI64::new(1_650_982_817_118_482))),
    );
    let running = installation
        .open_at(Arc::clone(&clock) as Arc<dyn Clock>)
        .unwrap();
    running.admin().await;
    (installation, clock, running)
}

/// The same installation after a restart, which remembers no token.
async fn restarted(installation: &Installation, clock: &Arc<HandSet>, running: Running) -> Running {
    running.close().await;
    installation
        .open_at(Arc::clone(clock) as Arc<dyn Clock>)
        .unwrap()
}

#[tokio::test]
async fn a_session_falls_idle_after_thirty_minutes() {
    let (installation, clock, running) = started().await;
    let (used, unused) = (running.token().await, running.token().await);
    for _ in 0..3 {
        clock.pass(29);
        assert!(running.counts(&used).await);
    }
    assert!(!running.counts(&unused).await, "never used, 87 minutes old");
    clock.pass(31);
    assert!(!running.counts(&used).await);

    let remembered = running.token().await;
    assert!(running.counts(&remembered).await);
    clock.pass(29);
    let running = restarted(&installation, &clock, running).await;
    assert!(running.counts(&remembered).await);
    clock.pass(31);
    let running = restarted(&installation, &clock, running).await;
    assert!(!running.counts(&remembered).await);
    running.close().await;
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_of_use() {
    let (installation, clock, running) = started().await;
    let token = running.token().await;
    for _ in 0..(12 * 60 / 20 - 1) {
        clock.pass(20);
        assert!(running.counts(&token).await);
    }
    clock.pass(20);
    assert!(!running.counts(&token).await);
    let running = restarted(&installation, &clock, running).await;
    assert!(!running.counts(&token).await);
    running.close().await;
}

#[tokio::test]
async fn a_service_token_counts_for_as_long_as_it_was_made_for() {
    let (installation, clock, running) = started().await;
    let admin = running.login().await;
    let project = running.project(&admin, "one").await;
    let create = async |life| -> SecretText {
        let token = CreateToken {
            name: "ci".to_owned(),
            projects: vec![project],
            rights: Rights::new(vec![Right::View]).unwrap(),
            life,
        };
        let created = running.service.create_token(&admin, token).await;
        created.unwrap().text
    };
    let day = Duration::from_hours(24);
    let (short, long) = (create(Some(day)).await, create(None).await);
    clock.pass(24 * 60 - 1);
    assert!(running.counts(&short).await && running.counts(&long).await);
    clock.pass(1);
    assert!(!running.counts(&short).await && running.counts(&long).await);
    clock.pass(89 * 24 * 60 - 1);
    let running = restarted(&installation, &clock, running).await;
    assert!(running.counts(&long).await);
    clock.pass(1);
    assert!(!running.counts(&long).await);
    assert_eq!(
        running.service.purge_expired().await.unwrap(),
        4,
        "two tokens and two sessions"
    );
    running.close().await;
}
