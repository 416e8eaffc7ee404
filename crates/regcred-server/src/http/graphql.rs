//! The two GraphQL endpoints: method, token, platform, type, size; then the door.

use std::sync::Arc;

use async_graphql::Executor;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use regcred_core::access::RequestId;
use regcred_core::{Error, ErrorKind};

use super::bearer;
use super::body::{self, BodyError};
use super::json::json;
use super::problem::Problem;
use super::request::Peer;
use crate::app::{App, Asker};
use crate::door::Door;
use crate::graphql;

/// `POST /projects/api/platform/{id}/graphql`
pub(super) async fn platform(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(request): Extension<RequestId>,
    platform: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    // Before anything of the body is read.
    if let Err(error) = bearer::caller(&app.backend, &headers, request.clone()).await {
        return refused(&error, &request);
    }
    if !platform.is_ok_and(|Path(platform)| platform == app.number.to_string()) {
        return Err(Problem::not_found(
            "there is no such platform; see the number in the service's configuration",
        ));
    }
    answer(&app, &app.platform, &request, peer, &headers, body).await
}

/// `POST /gateway/api/graphql`
pub(super) async fn gateway(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    match bearer::caller(&app.backend, &headers, request.clone()).await {
        Ok(_) => answer(&app, &app.gateway, &request, peer, &headers, body).await,
        Err(error) => refused(&error, &request),
    }
}

/// A token that does not count is a 401, upon which the platform's client logs in again; anything else that goes wrong
/// is told as GraphQL tells it.
fn refused(error: &Error, request: &RequestId) -> Result<Response, Problem> {
    if error.kind() == ErrorKind::Unauthenticated {
        return Err(Problem::of(error));
    }
    json(&graphql::refusal(error, request))
}

async fn answer<S: Executor>(
    app: &App,
    door: &Door<S>,
    request: &RequestId,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    body::expect_json(headers)?;
    let body = match body::read(headers, body, MAX_BODY, PATIENCE).await {
        Ok(body) => body,
        Err(error @ BodyError::TooLarge(_)) => {
            return json(&graphql::refusal(&Error::invalid(error.message()), request));
        }
        Err(error) => return Err(error.into()),
    };
    // The body may have taken its time: what was revoked meanwhile does not count any more.
    let caller = match bearer::caller(&app.backend, headers, request.clone()).await {
        Ok(caller) => caller,
        Err(error) => return refused(&error, request),
    };
    let asker = Asker::new(Arc::clone(&app.backend), caller, peer.0);
    json(&door.answer(&body, asker).await)
}

const MAX_BODY: usize = 64 * 1024;
/// An authenticated caller may send so much before the connection is cut.
const PATIENCE: usize = 1024 * 1024;
