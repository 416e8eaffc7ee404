//! The yardstick of pulls: the same answer, from constants.
//!
//! No token, no limits, no audit, no store. `static_pull ADDRESS` serves at any path until it is killed.

use std::error::Error;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    project: Option<String>,
    image: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    registry_key: &'static str,
    username: &'static str,
    password: &'static str,
    credentials_id: &'static str,
    expires_at: Option<&'static str>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args()
        .nth(1)
        .ok_or("usage: static_pull ADDRESS")?;
    let router = Router::new().fallback(answer);
    axum::serve(TcpListener::bind(address).await?, router).await?;
    Ok(())
}

async fn answer(body: Bytes) -> Result<impl IntoResponse, String> {
    let request: Request = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    if request.project.is_none() || request.image.is_empty() {
        return Err("which image of which project?".to_owned());
    }
    let answer = Answer {
        registry_key: "registry.example.com",
        username: "ci-bot",
        password: "correct horse battery staple",
        credentials_id: "0cb2662f-84eb-4a7d-93cb-2340f7773bc1",
        expires_at: None,
    };
    let json = serde_json::to_vec(&answer).map_err(|error| error.to_string())?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, json))
}
