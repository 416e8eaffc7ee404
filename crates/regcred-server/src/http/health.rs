//! Whether the process lives, whether it can serve, and its numbers.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use regcred_core::access::RequestId;

use super::problem::Problem;
use crate::app::{App, log_fault};

/// `GET /livez`: the process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the store answers, too.
pub(super) async fn ready(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
) -> Result<&'static str, Problem> {
    app.backend
        .service
        .ready()
        .await
        .map(|()| "ok\n")
        .map_err(|error| {
            log_fault(&error, &request);
            Problem::of(&error)
        })
}

/// `GET /metrics`: the text format of Prometheus.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let text = app.metrics.text().map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the metrics cannot be written",
        )
    })?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
