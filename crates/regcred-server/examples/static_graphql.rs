//! The yardstick of reads: the list of three credentials, answered by the same GraphQL library from constants.
//!
//! No tokens, no limits, no store. `static_graphql ADDRESS` serves at any path until it is killed.

use std::error::Error;

use async_graphql::{
    EmptyMutation, EmptySubscription, InputValueError, InputValueResult, Object, Request, Scalar,
    ScalarType, Schema, SimpleObject, Value,
};
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use tokio::net::TcpListener;

struct Uuid(String);

#[Scalar(name = "UUID")]
impl ScalarType for Uuid {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            _ => Err(InputValueError::custom("a UUID is a string")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[derive(SimpleObject)]
struct DockerCredentials {
    id: Uuid,
    registry: Option<String>,
    username: String,
    last_update: String,
    jobs: Option<Vec<Job>>,
}

#[derive(SimpleObject)]
struct Job {
    id: Uuid,
}

struct Query;

#[Object]
impl Query {
    async fn all_docker_credentials(&self, project_id: Uuid) -> Option<Vec<DockerCredentials>> {
        let _ = project_id;
        let credentials = |number: u32| DockerCredentials {
            id: Uuid(format!("0cb2662f-84eb-4a7d-93cb-2340f7773bc{number}")),
            registry: Some("registry.example.com".to_owned()),
            username: format!("user{number}"),
            last_update: "2022-04-26T14:20:17.118Z".to_owned(),
            jobs: Some(Vec::new()),
        };
        Some((0..3).map(credentials).collect())
    }
}

type Static = Schema<Query, EmptyMutation, EmptySubscription>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args()
        .nth(1)
        .ok_or("usage: static_graphql ADDRESS")?;
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let router = Router::new().fallback(answer).with_state(schema);
    axum::serve(TcpListener::bind(address).await?, router).await?;
    Ok(())
}

async fn answer(State(schema): State<Static>, body: Bytes) -> Result<impl IntoResponse, String> {
    let request: Request = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let response = schema.execute(request).await;
    let json = serde_json::to_vec(&response).map_err(|error| error.to_string())?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
}
