//! Answers: the platform's error codes, `data` null where anything went wrong, at most ten errors.

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use regcred_core::access::RequestId;
use regcred_core::verification::Verdict;
use regcred_core::{Error, ErrorKind};

use crate::app::log_fault;

/// The platform's word for a kind of error.
fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "NOT_FOUND",
        // A wrong password inside a request that has a valid token.
        ErrorKind::Forbidden | ErrorKind::Unauthenticated => "FORBIDDEN",
        ErrorKind::Conflict => "CONFLICT",
        ErrorKind::InUse => "IN_USE",
        ErrorKind::Invalid => "INVALID",
        ErrorKind::Throttled(_) | ErrorKind::Unavailable => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}

/// The answer to a request that is refused before it is executed.
pub(crate) fn refusal(error: &Error, request: &RequestId) -> Response {
    log_fault(error, request);
    let mut refused = ServerError::new(error.message(), None);
    let told = Told::of(error);
    extend(&mut refused, told, request);
    Response::from_errors(vec![refused])
}

/// Gives each error its code and what the caller may read of it; with an error there is no data.
pub(crate) fn finish(mut response: Response, request: &RequestId) -> Response {
    if response.errors.is_empty() {
        return response;
    }
    response.data = Value::Null;
    response.errors.truncate(MAX_ERRORS);
    for error in &mut response.errors {
        let told = match error.source::<Error>() {
            Some(source) => {
                log_fault(source, request);
                Told::of(source)
            }
            // The library's own: a document or a value that does not fit the schema.
            None => Told {
                code: "INVALID",
                field: None,
                verdict: None,
            },
        };
        extend(error, told, request);
    }
    response
}

/// What a program is told of an error.
#[derive(Clone, Copy)]
struct Told {
    code: &'static str,
    field: Option<&'static str>,
    verdict: Option<Verdict>,
}

impl Told {
    fn of(error: &Error) -> Self {
        Self {
            code: code(error.kind()),
            field: error.field(),
            verdict: error.verdict(),
        }
    }
}

fn extend(error: &mut ServerError, told: Told, request: &RequestId) {
    let extensions = error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", told.code);
    extensions.set("requestId", request.as_str());
    if let Some(field) = told.field {
        extensions.set("field", field);
    }
    if let Some(verdict) = told.verdict {
        extensions.set("verdict", verdict.word().to_uppercase());
    }
}

const MAX_ERRORS: usize = 10;
