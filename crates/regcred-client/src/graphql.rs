//! One GraphQL request of the platform's: what is sent, and what an answer means.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::error::Category;

use crate::client::Client;
use crate::error::{Error, Result, shown};
use crate::transport::{Answer, Body, Effect, Request};
use crate::values::ProjectId;

/// A document with the name of its one operation, which is also the name under which it is traced.
pub(crate) struct Document {
    pub(crate) operation: &'static str,
    pub(crate) text: &'static str,
    pub(crate) effect: Effect,
    /// How long it may take where the caller did not say; `None` is as long as any.
    patience: Option<Duration>,
}

impl Document {
    pub(crate) const fn query(operation: &'static str, text: &'static str) -> Self {
        Self {
            operation,
            text,
            effect: Effect::None,
            patience: None,
        }
    }

    pub(crate) const fn mutation(operation: &'static str, text: &'static str) -> Self {
        Self {
            operation,
            text,
            effect: Effect::Change,
            patience: None,
        }
    }

    /// The same document, of which it is known how long it takes.
    pub(crate) const fn within(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }
}

/// The variables of a document that has none.
#[derive(Serialize)]
pub(crate) struct Nothing {}

/// The variables of a document about a project.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InProject {
    pub(crate) project_id: ProjectId,
}

/// The data of a change that answers whether it was done, in its one field, which is named as its operation is.
#[derive(Deserialize)]
pub(crate) struct Done(BTreeMap<String, Value>);

impl Done {
    /// That it was done. False is [`Error::NotFound`] with this message: there was nothing to do it to.
    pub(crate) fn check(&self, document: &Document, absent: impl Into<String>) -> Result<()> {
        match self.0.get(document.operation) {
            Some(Value::Bool(true)) => Ok(()),
            Some(Value::Bool(false)) => Err(Error::not_found(absent)),
            Some(Value::Null) => Err(Error::no_answer()),
            _ => {
                let what = "the answer is not the platform's: it does not say whether it was done";
                Err(Error::protocol(what).of(document.effect))
            }
        }
    }
}

impl Client {
    /// Sends a document to the platform's endpoint; `D` is the shape of its `data`.
    pub(crate) async fn execute<D: DeserializeOwned>(
        &self,
        document: &Document,
        variables: impl Serialize,
    ) -> Result<D> {
        let path = format!("/projects/api/platform/{}/graphql", self.shared.platform);
        self.execute_at(&path, document, variables).await
    }

    /// Sends a document to any endpoint that takes the client's token, within the total timeout.
    pub(crate) async fn execute_at<D: DeserializeOwned>(
        &self,
        path: &str,
        document: &Document,
        variables: impl Serialize,
    ) -> Result<D> {
        let body = Body::json(&Envelope {
            query: document.text,
            operation_name: document.operation,
            variables,
        })?;
        let request = Request::post(path, &body).with_patience(document.patience);
        self.ask(document.operation, document.effect, request, read)
            .await
    }
}

/// The data of an answer, or the error that it stands for.
fn read<D: DeserializeOwned>(answer: &Answer, effect: Effect) -> Result<D> {
    // Some servers answer a document that they do not understand with 400 and the same envelope.
    if !matches!(answer.status, 200 | 400) {
        return Err(answer.refused(effect));
    }
    let first = serde_json::from_slice::<Errors>(&answer.body)
        .map(|answer| answer.errors.unwrap_or_default().into_iter().next());
    let data = match first {
        Ok(Some(first)) => return Err(refusal(&first, effect)),
        _ if answer.status != 200 => return Err(answer.refused(effect)),
        Ok(None) => serde_json::from_slice(&answer.body).map(|Data { data }| data),
        Err(error) => Err(error),
    };
    data.map_err(|error| unread(answer, &error, "the platform's").of(effect))
}

/// The error of an answer that is not what was asked for; `whose` answer it should have been.
pub(crate) fn unread(answer: &Answer, error: &serde_json::Error, whose: &str) -> Error {
    if error.classify() == Category::Data {
        return Error::protocol(format!("the answer is not {whose}: {}", misfit(error)));
    }
    let what = answer.what_it_is();
    let cut = if answer.body.trim_ascii_start().starts_with(b"{") {
        ", cut off or damaged"
    } else {
        ""
    };
    Error::protocol(format!("the answer is no JSON: it came{what}{cut}"))
}

/// What does not fit, and where. The value itself is left out: it may be a secret in the wrong place.
fn misfit(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(", expected ") {
        None => shown(&text),
        Some((_, expected)) => match expected.strip_prefix("struct ") {
            // Its name is ours, and tells nobody anything.
            Some(named) => {
                let place = named.split_once(' ').map_or("", |(_, place)| place);
                format!("expected an object {place}")
            }
            None => format!("expected {}", shown(expected)),
        },
    }
}

/// What an error means, by its code.
fn refusal(first: &GraphqlError, effect: Effect) -> Error {
    let outcome = effect.unanswered();
    let message = first
        .message
        .as_deref()
        .map_or_else(|| "the server gives no reason".to_owned(), shown);
    let extension = |name| first.extensions.get(name);
    let text = |name| extension(name).and_then(Value::as_str).map(shown);
    let code = text("code");
    let verdict = extension("verdict").cloned();
    if let Some(Ok(verdict)) = verdict.map(serde_json::from_value) {
        return Error::NotSaved { verdict, message };
    }
    match code.as_deref() {
        Some("NOT_FOUND") => Error::NotFound { message },
        Some("CONFLICT") => Error::Conflict { message },
        Some("IN_USE") => Error::InUse { message },
        Some("FORBIDDEN") => Error::Forbidden { message },
        Some("INVALID") => Error::Invalid {
            field: text("field"),
            message,
        },
        // The message says whether anything was changed.
        Some("UNAVAILABLE") => Error::Unavailable {
            code,
            message,
            retry_after: None,
            outcome,
        },
        _ => Error::Refused {
            message: match text("requestId") {
                Some(id) => format!("{message} (request {id})"),
                None => message,
            },
            code,
            outcome,
        },
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<V> {
    query: &'static str,
    operation_name: &'static str,
    variables: V,
}

#[derive(Deserialize)]
struct Errors {
    errors: Option<Vec<GraphqlError>>,
}

#[derive(Deserialize)]
struct Data<D> {
    data: D,
}

#[derive(Deserialize)]
struct GraphqlError {
    message: Option<String>,
    #[serde(default)]
    extensions: Value,
}
