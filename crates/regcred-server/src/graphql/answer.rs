//! Answers: the platform's error codes, `data` null where anything went wrong, at most ten errors.

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use regcred_core::access::RequestId;
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
    extend(&mut refused, code(error.kind()), error.field(), request);
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
        let (code, field) = match error.source::<Error>() {
            Some(source) => {
                log_fault(source, request);
                (code(source.kind()), source.field())
            }
            // The library's own: a document or a value that does not fit the schema.
            None => ("INVALID", None),
        };
        extend(error, code, field, request);
    }
    response
}

fn extend(error: &mut ServerError, code: &str, field: Option<&str>, request: &RequestId) {
    let extensions = error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code);
    extensions.set("requestId", request.as_str());
    if let Some(field) = field {
        extensions.set("field", field);
    }
}

const MAX_ERRORS: usize = 10;
