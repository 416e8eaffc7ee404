//! `/api/v1/pull`: the one place where a password leaves, what a token may pull, and why a pull ends as it does.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use regcred_core::access::{Caller, Principal, RequestId};
use regcred_core::credentials::DockerCredentials;
use regcred_core::ids::CredentialsId;
use regcred_core::pull::Verdict;
use regcred_core::registry::PullTarget;
use regcred_core::service::{Explained, PullRefusal, PullRequest};
use regcred_core::{Error, Timestamp};
use serde::{Deserialize, Serialize};

use super::json::{json, secret_json};
use super::problem::{Candidate, Problem};
use super::{bearer, body};
use crate::app::{App, log_fault};
use crate::limits::UnderWay;

/// `POST /api/v1/pull`: the credentials that match, with their password.
pub(super) async fn hand_out(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let handed_out = pulled(&app, &headers, body, &request).await;
    app.metrics.pull(match &handed_out {
        Ok(_) => "ok",
        Err(problem) => problem.code(),
    });
    handed_out
}

async fn pulled(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    request: &RequestId,
) -> Result<Response, Problem> {
    let (caller, asked) = asked(app, headers, body, request).await?;
    let _under_way = begin(app, &caller).map_err(told(request))?;
    let pulled = app.backend.service.pull(&caller, asked).await;
    let pulled = pulled.map_err(|refusal| refused(refusal, request))?;
    let row = &pulled.credentials;
    let (key, username) = (row.registry.key().as_str(), row.username.as_str());
    let password = pulled.password.expose();
    let body = PulledBody {
        registry_key: key,
        username,
        password,
        credentials_id: row.id.to_string(),
        expires_at: row.expires.map(moment),
    };
    // However it is escaped.
    let longest = 512 + 6 * (key.len() + username.len() + password.len());
    secret_json(&body, longest)
}

/// Lets a token begin something of the pull, as often at once as it may; users are bounded by their connections.
fn begin(app: &App, caller: &Caller) -> Result<Option<UnderWay>, Error> {
    match &caller.principal {
        Principal::Token(token) => app.backend.pulls.begin(token.id).map(Some),
        Principal::User(_) => Ok(None),
    }
}

/// `GET /api/v1/pull`: what the token may pull, without passwords.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = bearer::caller(&app.backend, &headers, request.clone())
        .await
        .map_err(told(&request))?;
    let _under_way = begin(&app, &caller).map_err(told(&request))?;
    let Query(query) = query.map_err(|_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "the only parameter is `project`, an id or a name, once",
        )
    })?;
    let pullable = app
        .backend
        .service
        .pullable(&caller, query.project.as_deref())
        .await
        .map_err(told(&request))?;
    json(&ListBody {
        project: pullable.project.to_string(),
        credentials: pullable.credentials.iter().map(Metadata::of).collect(),
    })
}

/// `POST /api/v1/pull/explain`: what would come of a pull, and by which rule.
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, asked) = asked(&app, &headers, body, &request).await?;
    let _under_way = begin(&app, &caller).map_err(told(&request))?;
    let explained = app
        .backend
        .service
        .explain_pull(&caller, asked)
        .await
        .map_err(told(&request))?;
    json(&ExplainBody {
        project: explained.project.to_string(),
        registry_key: explained.target.key().to_string(),
        host: explained.target.host(),
        path: explained.target.path(),
        outcome: match (explained.chosen, explained.ambiguous) {
            (Some(_), _) => "MATCH",
            (None, true) => "AMBIGUOUS",
            (None, false) => "NO_MATCH",
        },
        rule: &explained.rule,
        chosen: explained.chosen.map(|id| id.to_string()),
        candidates: explained.candidates.iter().map(CandidateBody::of).collect(),
    })
}

/// Who asks, and for what. The token counts when the body is there: what was revoked while it came does not.
async fn asked(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    request: &RequestId,
) -> Result<(Caller, PullRequest), Problem> {
    let caller = || bearer::caller(&app.backend, headers, request.clone());
    caller().await.map_err(told(request))?;
    body::expect_json(headers)?;
    let body = body::read(headers, body, MAX_BODY, PATIENCE).await?;
    let caller = caller().await.map_err(told(request))?;
    let object = body.trim_ascii_start().starts_with(b"{");
    let given = serde_json::from_slice::<Asked>(&body)
        .ok()
        .filter(|_| object);
    let given = given.ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "send a JSON object with `image` or `server`, and if need be `project` and `dockerCredentialsId`, all strings, \
             each once",
        )
    })?;
    let asked = given.read().map_err(told(request))?;
    let asked = asked.ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "give either `image` or `server`, one of them",
        )
    })?;
    Ok((caller, asked))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    project: Option<String>,
    image: Option<String>,
    server: Option<String>,
    docker_credentials_id: Option<String>,
}

impl Asked {
    /// `None` where both or neither of image and server are given.
    fn read(self) -> Result<Option<PullRequest>, Error> {
        let target = match (self.image, self.server) {
            (Some(image), None) => PullTarget::image(&image)?,
            (None, Some(server)) => PullTarget::server(&server)?,
            _ => return Ok(None),
        };
        let pin = self
            .docker_credentials_id
            .map(|id| CredentialsId::parse(&id));
        Ok(Some(PullRequest {
            project: self.project,
            target,
            pin: pin
                .transpose()
                .map_err(|error| error.in_field("dockerCredentialsId"))?,
        }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    project: Option<String>,
}

fn refused(refusal: PullRefusal, request: &RequestId) -> Problem {
    match refusal {
        PullRefusal::NoMatch(error) => Problem::of(&error).with_code("NO_MATCH"),
        PullRefusal::Ambiguous(error, several) => {
            let several = several.iter().take(MOST_NAMED).map(|row| Candidate {
                credentials_id: row.id.to_string(),
                registry_key: row.registry.key().to_string(),
                username: row.username.as_str().to_owned(),
            });
            Problem::of(&error).with_candidates(several.collect())
        }
        PullRefusal::Other(error) => told(request)(error),
    }
}

/// An error for the caller; what only the log may know goes there.
fn told(request: &RequestId) -> impl Fn(Error) -> Problem {
    move |error| {
        log_fault(&error, request);
        Problem::of(&error)
    }
}

fn moment(moment: Timestamp) -> String {
    moment.rfc3339(3)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PulledBody<'a> {
    registry_key: &'a str,
    username: &'a str,
    password: &'a str,
    credentials_id: String,
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct ListBody<'a> {
    project: String,
    credentials: Vec<Metadata<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    credentials_id: String,
    registry_key: &'a str,
    username: &'a str,
    last_update: String,
    expires_at: Option<String>,
}

impl<'a> Metadata<'a> {
    fn of(row: &'a DockerCredentials) -> Self {
        Self {
            credentials_id: row.id.to_string(),
            registry_key: row.registry.key().as_str(),
            username: row.username.as_str(),
            last_update: moment(row.last_update),
            expires_at: row.expires.map(moment),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainBody<'a> {
    project: String,
    registry_key: String,
    host: &'a str,
    path: &'a str,
    outcome: &'a str,
    rule: &'a str,
    chosen: Option<String>,
    candidates: Vec<CandidateBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CandidateBody<'a> {
    #[serde(flatten)]
    metadata: Metadata<'a>,
    verdict: &'a str,
    reason: &'a str,
    last_used: Option<String>,
    /// What verifying them at the registry gave; null where that was not done.
    verification: Option<VerificationBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationBody {
    verdict: String,
    checked_at: String,
    probed: bool,
    version: u32,
}

impl<'a> CandidateBody<'a> {
    fn of(explained: &'a Explained) -> Self {
        let (verdict, reason) = match explained.verdict {
            Verdict::Chosen => ("CHOSEN", "these are used"),
            Verdict::SameScope => (
                "SAME_SCOPE",
                "another account has the same scope; pin one of them, or give each a path of its own",
            ),
            Verdict::NotPinned => (
                "NOT_PINNED",
                "the pull, or the jobs and apps that run this image, name others",
            ),
            Verdict::ShorterScope => ("SHORTER_SCOPE", "others have a longer scope that covers it"),
            Verdict::OtherPath => ("OTHER_PATH", "they are for another path of the registry"),
            Verdict::OtherPort => (
                "OTHER_PORT",
                "they are for another port, which is another registry; the port counts as it is typed",
            ),
        };
        Self {
            metadata: Metadata::of(&explained.credentials),
            verdict,
            reason,
            last_used: explained.used.as_ref().map(|used| moment(used.last)),
            verification: explained.proved.map(|proof| VerificationBody {
                verdict: proof.verdict.word().to_ascii_uppercase(),
                checked_at: moment(proof.at),
                probed: proof.probed,
                version: proof.version,
            }),
        }
    }
}

const MAX_BODY: usize = 16 * 1024;
/// So much is read and thrown away before the connection is cut.
const PATIENCE: usize = 1024 * 1024;
const MOST_NAMED: usize = 100;
