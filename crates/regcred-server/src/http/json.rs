//! Answers in JSON, which nobody between is to keep.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::Serialize;
use zeroize::Zeroizing;

use super::problem::Problem;

/// The answer that `body` is.
pub(super) fn json(body: &impl Serialize) -> Result<Response, Problem> {
    serde_json::to_vec(body)
        .map(|json| answer(json.into()))
        .map_err(unwritable)
}

/// The same of a body with a secret in it, which is wiped once it is sent. `longest` is room for all of it: where a
/// buffer grows, a copy stays behind.
pub(super) fn secret_json(body: &impl Serialize, longest: usize) -> Result<Response, Problem> {
    let mut json = Zeroizing::new(Vec::with_capacity(longest));
    serde_json::to_writer(&mut *json, body).map_err(unwritable)?;
    Ok(answer(Bytes::from_owner(json)))
}

fn answer(json: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, json).into_response()
}

fn unwritable(_: serde_json::Error) -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the answer cannot be written as JSON",
    )
}
