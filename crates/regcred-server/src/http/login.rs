//! `POST /authentication/api/open/authenticate`: login and password for a session's token.
//!
//! 401 is one and the same for an unknown user, a wrong password and a wrong realm.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use regcred_core::access::RequestId;
use regcred_core::people::{Login, LoginPassword};
use regcred_core::secret::SecretText;
use regcred_core::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::body;
use super::problem::Problem;
use super::request::Peer;
use crate::app::{App, log_fault};

pub(super) async fn authenticate(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    body::expect_json(&headers)?;
    app.backend
        .logins
        .admit(peer.0, app.backend.now())
        .map_err(|error| refused(&app, &error, &request))?;
    let body = body::read(&headers, body, MAX_BODY, 0).await?;
    let object = body.trim_ascii_start().starts_with(b"{");
    let given = serde_json::from_slice(&body).ok().filter(|_| object);
    let given: Given = given.ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "send a JSON object with `login` and `password`, both strings, each once",
        )
    })?;
    let token = session(&app, peer, &headers, given, request.clone())
        .await
        .map_err(|error| refused(&app, &error, &request))?;
    app.metrics.login("ok");
    // The platform's answer is the bare token.
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, token.expose().to_owned()).into_response())
}

async fn session(
    app: &App,
    peer: Peer,
    headers: &HeaderMap,
    given: Given,
    request: RequestId,
) -> Result<SecretText> {
    // What no user can have, and another realm, are wrong like any other: they cost the same, and count.
    let (login, password) = match (
        Login::parse(&given.login),
        LoginPassword::presented(given.password),
    ) {
        (Ok(login), Ok(password)) if realm_fits(app, headers) => (login, password),
        _ => (Login::decoy(), LoginPassword::presented("-".to_owned())?),
    };
    let verified = app
        .backend
        .prove(peer.0, &login, password)
        .await?
        .ok_or_else(wrong)?;
    app.backend.service.open_session(verified, request).await
}

fn realm_fits(app: &App, headers: &HeaderMap) -> bool {
    app.realm.as_ref().is_none_or(|realm| {
        headers
            .get("saagie-realm")
            .is_some_and(|given| given == realm.as_str())
    })
}

fn wrong() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "the login or the password is wrong",
    )
}

fn refused(app: &App, error: &Error, request: &RequestId) -> Problem {
    app.metrics.login(match error.kind() {
        ErrorKind::Unauthenticated => "wrong",
        ErrorKind::Throttled(_) => "throttled",
        _ => "failed",
    });
    log_fault(error, request);
    Problem::of(error)
}

#[derive(Deserialize)]
struct Given {
    login: String,
    password: String,
}

const MAX_BODY: usize = 4 * 1024;
