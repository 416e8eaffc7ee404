//! The table of routes, and what every request passes on its way to one.

mod bearer;
mod body;
mod graphql;
mod health;
mod json;
mod login;
mod problem;
mod pull;
mod request;

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

use tower::util::MapResponseLayer;

pub(crate) use request::{Answerer, Peer};

use crate::app::App;
use problem::Problem;
use request::Matched;

struct Route {
    method: Method,
    path: &'static str,
    handler: MethodRouter<Arc<App>>,
}

/// Every route there is, as `METHOD /path`: what the access matrix of the tests goes through.
#[must_use]
pub fn route_table() -> Vec<String> {
    routes()
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect()
}

fn routes() -> Vec<Route> {
    let route = |method, path, handler| Route {
        method,
        path,
        handler,
    };
    vec![
        route(
            Method::POST,
            "/authentication/api/open/authenticate",
            post(login::authenticate),
        ),
        route(
            Method::POST,
            "/projects/api/platform/{platform}/graphql",
            post(graphql::platform),
        ),
        route(Method::POST, "/gateway/api/graphql", post(graphql::gateway)),
        route(Method::POST, "/api/v1/pull", post(pull::hand_out)),
        route(Method::GET, "/api/v1/pull", get(pull::list)),
        route(Method::POST, "/api/v1/pull/explain", post(pull::explain)),
        route(Method::GET, "/livez", get(health::live)),
        route(Method::GET, "/readyz", get(health::ready)),
        route(Method::GET, "/metrics", get(health::metrics)),
    ]
}

fn router(app: Arc<App>) -> Router {
    routes()
        .into_iter()
        .fold(Router::new(), |router, Route { path, handler, .. }| {
            // Two methods of one path are merged by the router.
            let noted = MapResponseLayer::new(move |mut response: Response| {
                response.extensions_mut().insert(Matched(path));
                response
            });
            router.route(path, handler.layer(noted))
        })
        .fallback(|| async { Problem::not_found("there is nothing at this path") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(app)
}
