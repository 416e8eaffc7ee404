//! What is wrong with credentials is told: in the log, in the metrics, and to webhooks, for which it is written down already.

use std::sync::Arc;

use regcred_core::alert::{AlertKind, Announced};
use regcred_core::verification::Verdict;
use tokio::sync::watch;

use crate::metrics::Metrics;

/// Tells of what is written down.
#[derive(Clone)]
pub(crate) struct Alerts {
    metrics: Metrics,
    waiting: Arc<watch::Sender<()>>,
}

impl Alerts {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            waiting: Arc::new(watch::Sender::new(())),
        }
    }

    /// Changes once something new waits to be delivered.
    pub(crate) fn waiting(&self) -> watch::Receiver<()> {
        self.waiting.subscribe()
    }

    /// Something may wait that another replica wrote down.
    pub(crate) fn wake(&self) {
        self.waiting.send_replace(());
    }

    /// Tells of alerts that were written down.
    pub(crate) fn tell(&self, announced: &[Announced]) {
        for Announced { alert, dropped } in announced {
            self.metrics.alert(alert.kind);
            let row = &alert.credentials;
            tracing::warn!(
                kind = alert.kind.word(),
                project = %alert.project,
                project_name = alert.project_name.as_str(),
                credentials = %row.id,
                registry_key = row.registry.key().as_str(),
                username = row.username.as_str(),
                version = row.version,
                verdict = alert.verdict.map(Verdict::word),
                expires_at = row.expires.map(|expires| expires.rfc3339(0)),
                jobs = alert.jobs.count,
                apps = alert.apps.count,
                "{}",
                message(alert.kind)
            );
            if *dropped > 0 {
                self.metrics.delivery("dropped", *dropped);
                tracing::error!(
                    dropped,
                    "too much waits for webhooks; the oldest deliveries are given up"
                );
            }
        }
        if !announced.is_empty() {
            self.waiting.send_replace(());
        }
    }
}

fn message(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Rejected => "credentials are refused by their registry now",
        AlertKind::Expiring => "credentials run out before long",
        AlertKind::Expired => "credentials have run out",
    }
}
