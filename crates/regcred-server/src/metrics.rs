//! Metrics for Prometheus. No label comes from a request's text: routes are the table's own paths.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Encoder as _, HistogramVec, IntCounterVec, IntGauge, Registry, TextEncoder};
use prometheus::{histogram_opts, opts};
use regcred_core::alert::AlertKind;
use regcred_core::verification::Verdict;

/// The numbers of this process.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    logins: IntCounterVec,
    pulls: IntCounterVec,
    checks: IntCounterVec,
    alerts: IntCounterVec,
    deliveries: IntCounterVec,
    connections: IntGauge,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            opts!(
                "regcred_http_requests_total",
                "Requests answered, by route and status"
            ),
            &["route", "status"],
        )?;
        let durations = HistogramVec::new(
            histogram_opts!(
                "regcred_http_request_duration_seconds",
                "Time to answer a request, by route",
                DURATIONS.to_vec()
            ),
            &["route"],
        )?;
        let logins = IntCounterVec::new(
            opts!("regcred_logins_total", "Logins, by outcome"),
            &["outcome"],
        )?;
        let pulls = IntCounterVec::new(
            opts!("regcred_pulls_total", "Pulls of passwords, by outcome"),
            &["outcome"],
        )?;
        let checks = IntCounterVec::new(
            opts!(
                "regcred_checks_total",
                "Tries of credentials at their registry that nobody asked for, by verdict"
            ),
            &["verdict"],
        )?;
        let alerts = IntCounterVec::new(
            opts!(
                "regcred_alerts_total",
                "Credentials that are refused now, or run out, by kind"
            ),
            &["kind"],
        )?;
        let deliveries = IntCounterVec::new(
            opts!(
                "regcred_webhook_deliveries_total",
                "Attempts to deliver to webhooks, by outcome"
            ),
            &["outcome"],
        )?;
        for kind in AlertKind::ALL {
            // What may be waited for is there from the beginning.
            alerts.with_label_values(&[kind.word()]).inc_by(0);
        }
        let connections = IntGauge::new("regcred_connections", "Connections that are open")?;
        let build = prometheus::IntGaugeVec::new(
            opts!("regcred_build_info", "Always 1; the version is a label"),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(logins.clone()))?;
        registry.register(Box::new(pulls.clone()))?;
        registry.register(Box::new(checks.clone()))?;
        registry.register(Box::new(alerts.clone()))?;
        registry.register(Box::new(deliveries.clone()))?;
        registry.register(Box::new(connections.clone()))?;
        registry.register(Box::new(build))?;
        Ok(Self(Arc::new(Inner {
            registry,
            requests,
            durations,
            logins,
            pulls,
            checks,
            alerts,
            deliveries,
            connections,
        })))
    }

    /// A request was answered.
    pub(crate) fn request(&self, route: &str, status: u16, elapsed: Duration) {
        // Three digits are on the stack; a label needs a &str.
        self.0
            .requests
            .with_label_values(&[route, status.to_string().as_str()])
            .inc();
        self.0
            .durations
            .with_label_values(&[route])
            .observe(elapsed.as_secs_f64());
    }

    /// A login came to an end: `ok`, `wrong`, `throttled` or `failed`.
    pub(crate) fn login(&self, outcome: &str) {
        self.0.logins.with_label_values(&[outcome]).inc();
    }

    /// A pull came to an end: `ok`, or the code of the problem in lowercase.
    pub(crate) fn pull(&self, outcome: &str) {
        let outcome = outcome.to_ascii_lowercase();
        self.0.pulls.with_label_values(&[outcome.as_str()]).inc();
    }

    /// Credentials were tried at their registry without being asked for.
    pub(crate) fn check(&self, verdict: Verdict) {
        self.0.checks.with_label_values(&[verdict.word()]).inc();
    }

    /// Something is wrong with credentials, and was not before.
    pub(crate) fn alert(&self, kind: AlertKind) {
        self.0.alerts.with_label_values(&[kind.word()]).inc();
    }

    /// What came of so many deliveries to webhooks: `delivered`, `failed` (and is repeated), `gone`, `given_up`, or `dropped`
    /// because too much waits.
    pub(crate) fn delivery(&self, outcome: &str, count: u64) {
        let outcomes = &self.0.deliveries;
        outcomes.with_label_values(&[outcome]).inc_by(count);
    }

    /// The connections that are open.
    pub(crate) fn connections(&self) -> &IntGauge {
        &self.0.connections
    }

    /// Everything, in the text format.
    pub(crate) fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// Seconds: from a read in the page cache to the deadline of a request.
const DURATIONS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];
