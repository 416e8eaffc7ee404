//! What the problems (RFC 9457) of regcred's own routes mean.

use serde::Deserialize;

use super::pulls::Account;
use crate::error::{Error, shown};
use crate::transport::{Answer, Effect};

/// The error of an answer that is not 200. Only a code that is there to be read tells an absence from a server that
/// does not know the route.
pub(super) fn refused(answer: &Answer, effect: Effect) -> Error {
    let problem = answer.problem();
    let message = problem.detail.as_deref().map(shown);
    let message = message.unwrap_or_else(|| "the server gives no reason".to_owned());
    match (answer.status, problem.code.as_deref()) {
        (404, None) => Error::Unsupported { what: PULLS },
        (404, Some("NO_MATCH")) => Error::NoMatch { message },
        (404, Some("NOT_FOUND")) => Error::NotFound { message },
        (409, Some("CONFLICT")) => Error::Ambiguous {
            message,
            candidates: candidates(answer),
        },
        (400..500, Some("INVALID")) => Error::Invalid {
            field: problem.field.as_deref().map(shown),
            message,
        },
        (status @ 500..600, Some(_)) => Error::Refused {
            message: match problem.request_id.as_deref().map(shown) {
                Some(id) if !message.contains(&id) => format!("{message} (request {id})"),
                _ => message,
            },
            code: Some(format!("HTTP {status}")),
            outcome: effect.unanswered(),
        },
        _ => answer.refused(effect),
    }
}

/// The accounts to choose from, which only an ambiguity names.
fn candidates(answer: &Answer) -> Vec<Account> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Ambiguity {
        candidates: Vec<Account>,
    }
    let Ambiguity { candidates } = serde_json::from_slice(&answer.body).unwrap_or_default();
    candidates
}

const PULLS: &str = "pulls of credentials";
