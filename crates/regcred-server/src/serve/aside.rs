//! What goes on beside the requests, until the service stops.

use std::sync::Arc;
use std::time::Duration;

use regcred_core::service::Service;
use regcred_registry::Courier;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::Backend;
use crate::checks::{self, Checks};
use crate::limits::LoginOutcome;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::webhooks::{self, Deliveries, Rest};

/// The tasks beside the requests.
pub(super) struct Aside {
    stopping: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Aside {
    pub(super) fn start(
        settings: Settings,
        backend: &Arc<Backend>,
        metrics: &Metrics,
        courier: Courier,
    ) -> Self {
        let stopping = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(purge(Arc::clone(&backend.service), stopping.subscribe()));
        let expiries = checks::tell_expiries(Arc::clone(backend), stopping.subscribe());
        tasks.spawn(expiries);
        if settings.verify_every.is_some() {
            let checks = Checks::new(Arc::clone(backend), metrics.clone());
            tasks.spawn(checks.run(stopping.subscribe()));
        }
        tasks.spawn(webhooks::forget_others(
            Arc::clone(backend),
            stopping.subscribe(),
        ));
        tasks.spawn(follow(Arc::clone(backend), stopping.subscribe()));
        let courier = Arc::new(courier);
        for webhook in settings.webhooks {
            let deliveries = Deliveries {
                backend: Arc::clone(backend),
                metrics: metrics.clone(),
                courier: Arc::clone(&courier),
                webhook,
                rest: Rest::default(),
            };
            tasks.spawn(deliveries.run(stopping.subscribe()));
        }
        Self { stopping, tasks }
    }

    /// Set to true once nothing new is to begin.
    pub(super) fn stopping(&self) -> watch::Sender<bool> {
        self.stopping.clone()
    }

    /// Waits until nothing new is to begin, and then for what is under way, for some seconds.
    pub(super) async fn finish(mut self) {
        // It cannot be closed: the sender is here.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|stopping| *stopping)
            .await;
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(MOST_TIME_TO_FINISH, all)
            .await
            .is_err()
        {
            tracing::warn!(
                "a try of credentials, or a delivery, did not finish in time and is cut"
            );
        }
    }
}

/// Removes sessions and tokens that ran out, now and then.
async fn purge(service: Arc<Service>, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopping.changed() => return,
            () = tokio::time::sleep(PURGE_EVERY) => {}
        }
        if !service.leads() {
            continue;
        }
        if let Err(error) = service.purge_expired().await {
            tracing::warn!(
                detail = error.detail(),
                "expired sessions could not be removed: {error}"
            );
        }
    }
}

/// Takes notice of what other replicas changed.
async fn follow(backend: Arc<Backend>, mut stopping: watch::Receiver<bool>) {
    let mut seen = 0;
    loop {
        tokio::select! {
            _ = stopping.changed() => return,
            changes = backend.service.changed_elsewhere(seen) => {
                seen = changes;
                backend.alerts.wake();
            }
            said = backend.service.told_elsewhere() => {
                if let Some(outcome) = LoginOutcome::parse(&said) {
                    backend.logins.learn(&outcome, backend.now());
                }
            }
        }
    }
}

const PURGE_EVERY: Duration = Duration::from_mins(10);
/// Less than the ten seconds in which the service stops.
const MOST_TIME_TO_FINISH: Duration = Duration::from_secs(9);
