//! Errors outside GraphQL: `application/problem+json` (RFC 9457).
//!
//! Each has a `code` of its own beside the status, for programs: the words of the platform's GraphQL errors and a few
//! more. None of them has a key `errors` or `data`: the platform's client takes a 401 with one of these for a GraphQL
//! answer, and does not log in again.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use regcred_core::access::RequestId;
use regcred_core::{Error, ErrorKind};
use serde::Serialize;

/// An error answer. The request's id is added on its way out.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<&'static str>,
    candidates: Vec<Candidate>,
    retry_after: Option<u64>,
}

/// Docker credentials that stand against others.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    pub(super) credentials_id: String,
    pub(super) registry_key: String,
    pub(super) username: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: match status {
                StatusCode::NOT_FOUND => "NOT_FOUND",
                status if status.is_server_error() => "INTERNAL",
                _ => "INVALID",
            },
            detail: detail.into(),
            field: None,
            candidates: Vec::new(),
            retry_after: None,
        }
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path does not serve this method; the header `allow` names what it serves",
        )
    }

    /// What the domain's error is over HTTP.
    pub(super) fn of(error: &Error) -> Self {
        let (status, code, retry_after) = match error.kind() {
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND", None),
            ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN", None),
            ErrorKind::Conflict => (StatusCode::CONFLICT, "CONFLICT", None),
            ErrorKind::InUse => (StatusCode::CONFLICT, "IN_USE", None),
            ErrorKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "INVALID", None),
            ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", None),
            ErrorKind::Throttled(wait) => (
                StatusCode::TOO_MANY_REQUESTS,
                "THROTTLED",
                Some(wait.as_secs()),
            ),
            ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", Some(1)),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", None),
        };
        Self {
            code,
            field: error.field(),
            retry_after,
            ..Self::new(status, error.message())
        }
    }

    /// The word for programs.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// The same with another code.
    pub(super) fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// The same with the credentials that stand against each other.
    pub(super) fn with_candidates(mut self, candidates: Vec<Candidate>) -> Self {
        self.candidates = candidates;
        self
    }

    /// The answer, with the id of its request.
    pub(super) fn answer(&self, request: &RequestId) -> Response {
        let body = Body {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            field: self.field,
            candidates: &self.candidates,
            request_id: request.as_str(),
        };
        let json = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            json,
        )
            .into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"regcred\""),
            );
        }
        response
    }
}

/// A problem travels as an extension of an empty response until the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    candidates: &'a [Candidate],
    request_id: &'a str,
}
