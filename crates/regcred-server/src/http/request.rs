//! What every request passes: an id, merged slashes, the routes, a log line, a measurement.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Request, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use regcred_core::Error;
use regcred_core::access::RequestId;
use tower::ServiceExt as _;

use super::problem::Problem;
use crate::app::{App, log_fault};

/// Whoever is at the other end of the connection.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Answers requests.
#[derive(Clone)]
pub(crate) struct Answerer {
    app: Arc<App>,
    router: Router,
}

impl Answerer {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self {
            router: super::router(Arc::clone(&app)),
            app,
        }
    }

    /// Answers one request of a connection.
    pub(crate) async fn answer(
        self,
        peer: Peer,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let started = Instant::now();
        let Ok(id) = RequestId::generate(self.app.backend.service.random()) else {
            // Without randomness there is no id, either.
            return Ok((StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response());
        };
        let mut request = request.map(Body::new);
        merge_slashes(request.uri_mut());
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(id.clone());
        let method = request.method().clone();
        // A task of its own: whoever hangs up does not stop half-way what was begun, such as counting a failed login or
        // forgetting a token that was revoked.
        let mut response = match tokio::spawn(self.router.oneshot(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(error) => {
                log_fault(&Error::internal(error.to_string()), &id);
                Problem::of(&Error::internal("")).into_response()
            }
        };
        let route = response
            .extensions()
            .get::<Matched>()
            .map_or("none", |matched| matched.0);
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            let allow = response.headers_mut().remove(axum::http::header::ALLOW);
            response = problem.answer(&id);
            if let Some(allow) = allow {
                response
                    .headers_mut()
                    .insert(axum::http::header::ALLOW, allow);
            }
        }
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert("x-request-id", value);
        }
        let (status, elapsed) = (response.status(), started.elapsed());
        self.app.metrics.request(route, status.as_u16(), elapsed);
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        if status.is_server_error() {
            tracing::error!(request_id = %id, peer = %peer.0, %method, route, status = status.as_u16(), micros, "request failed");
        } else {
            tracing::debug!(request_id = %id, peer = %peer.0, %method, route, status = status.as_u16(), micros, "request");
        }
        Ok(response)
    }
}

/// The route that answered: for logs and metrics, which must not hold what a stranger wrote into a path.
#[derive(Clone, Copy)]
pub(super) struct Matched(pub(super) &'static str);

/// `//authentication/...` is `/authentication/...`: the platform's client sends it so.
fn merge_slashes(uri: &mut Uri) {
    if !uri.path().contains("//") {
        return;
    }
    let mut merged = String::with_capacity(uri.path().len());
    for character in uri.path().chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    if let Some(query) = uri.query() {
        merged.push('?');
        merged.push_str(query);
    }
    if let Ok(merged) = PathAndQuery::try_from(merged) {
        *uri = Uri::from(merged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_slashes_are_merged_in_the_path_only() {
        for (given, expected) in [
            (
                "//authentication//api/open/authenticate",
                "/authentication/api/open/authenticate",
            ),
            ("/a?b=//c", "/a?b=//c"),
            ("///a?b=//c", "/a?b=//c"),
            ("http://host//a", "/a"),
        ] {
            let mut uri: Uri = given.parse().unwrap();
            merge_slashes(&mut uri);
            assert_eq!(uri.to_string(), expected);
        }
    }
}
