//! The door before the GraphQL parser.
//!
//! The parser and the validator of the library are recursive and, on hostile documents, exponential: 3 KB of brackets
//! overflow the stack, 1.4 KB of fragments cost seconds. So a body passes here first: size and token were checked
//! before; then UTF-8, the depth of the JSON, its shape, and one linear pass over the query text (`guard`). Only then
//! comes the parser; then, still before the validator, a pass over what it has read (`guard` again); then the library's
//! own limits, and a deadline for what waits. What is known to be valid (`documents`) is not validated again.

mod documents;
mod guard;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection};
use async_graphql::{Executor, Request, Response, ValidationMode, Variables};
use regcred_core::{Error, ErrorKind};

use crate::app::Asker;
use crate::graphql;
use documents::{Document, Documents};
use wire::GraphqlRequest;

/// A schema behind its door.
pub(crate) struct Door<S> {
    schema: S,
    /// The same one, for documents that are known to be valid: it only weighs them.
    unvalidated: S,
    documents: Documents,
}

impl<S: Executor> Door<S> {
    /// The door of the schema that is made for a mode of validation.
    pub(crate) fn new(schema: impl Fn(ValidationMode) -> S) -> Self {
        Self {
            schema: schema(ValidationMode::Strict),
            unvalidated: schema(ValidationMode::Fast),
            documents: Documents::default(),
        }
    }

    /// Answers a request body for a caller who has been authenticated.
    pub(crate) async fn answer(&self, body: &[u8], asker: Asker) -> Response {
        let id = asker.caller.request.clone();
        let (mut request, document) = match prepare(body, &self.documents) {
            Ok(prepared) => prepared,
            Err(error) => return graphql::refusal(&error, &id),
        };
        let (deadline, reads) = (deadline(document.content()), only_reads(document.content()));
        let schema = if document.is_valid_with(&request.variables) {
            self.unvalidated.clone()
        } else {
            self.schema.clone()
        };
        request.set_parsed_query(document.content().clone());
        let executed = async move { schema.execute(request.data(asker)).await };
        let done = async {
            if reads {
                return Ok(executed.await);
            }
            // Given up is only the waiting: a change that was begun comes to its end.
            tokio::spawn(executed).await
        };
        match tokio::time::timeout(deadline, done).await {
            Ok(Ok(response)) => {
                if response.errors.is_empty() {
                    self.documents.found_valid(&document);
                }
                graphql::finish(response, &id)
            }
            Ok(Err(error)) => graphql::refusal(&Error::internal(error.to_string()), &id),
            Err(_) => graphql::refusal(&too_slow(deadline), &id),
        }
    }
}

/// The request in a body, and its document, fit to be executed.
fn prepare(body: &[u8], documents: &Documents) -> Result<(Request, Arc<Document>), Error> {
    let GraphqlRequest {
        query,
        operation_name,
        variables,
    } = wire::read(body)?;
    let document = documents.read(&query)?;
    let mut request = Request::new(query).variables(Variables::from_json(variables));
    request.operation_name = operation_name;
    Ok((request, document))
}

/// Whether a body passes all that comes before execution.
pub(crate) fn passes(body: &[u8]) -> bool {
    prepare(body, &Documents::default()).is_ok()
}

/// Whether there is nothing in a document that changes anything.
fn only_reads(document: &ExecutableDocument) -> bool {
    let mut operations = document.operations.iter();
    operations.all(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// How long a request may take. A registry is given more time than the store.
fn deadline(document: &ExecutableDocument) -> Duration {
    let asks_a_registry = document.operations.iter().any(|(_, operation)| {
        let mut roots = operation.node.selection_set.node.items.iter();
        roots.any(|root| match &root.node {
            Selection::Field(field) => {
                graphql::ASK_A_REGISTRY.contains(&field.node.name.node.as_str())
            }
            // What a fragment asks for is not looked at: it is given the time.
            _ => operation.node.ty == OperationType::Mutation,
        })
    });
    if asks_a_registry {
        DEADLINE_OF_REGISTRIES
    } else {
        DEADLINE
    }
}

fn too_slow(deadline: Duration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "the request took longer than {} s and was given up; a change in it may have been made all the same, look \
             before you repeat it",
            deadline.as_secs()
        ),
    )
}

const DEADLINE: Duration = Duration::from_secs(5);
/// Ten seconds for the registry, and as long again for a place.
const DEADLINE_OF_REGISTRIES: Duration = Duration::from_secs(25);

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use async_graphql::{Data, ServerError, Value};
    use futures_util::stream::{self, BoxStream};
    use regcred_registry::Policy;
    use serde_json::json;

    use super::*;
    use crate::testing::World;

    /// Tells in which mode it was made, by an error where it is asked for `bad`.
    #[derive(Clone)]
    struct Stub(ValidationMode);

    impl Executor for Stub {
        async fn execute(&self, request: Request) -> Response {
            let mode = format!("{:?}", self.0);
            if request.query.contains("bad") {
                Response::from_errors(vec![ServerError::new(mode, None)])
            } else {
                Response::new(Value::from(mode))
            }
        }

        fn execute_stream(&self, _: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
            Box::pin(stream::empty())
        }
    }

    #[tokio::test]
    async fn what_is_known_to_be_valid_is_not_validated_and_anything_else_is() {
        let world = World::new(Policy::default(), Vec::new()).await;
        let door = Door::new(Stub);
        let answer = async |query: &str, variables: serde_json::Value| {
            let body = json!({"query": query, "variables": variables}).to_string();
            let caller = world.caller.clone();
            let asker = Asker::new(
                Arc::clone(&world.backend),
                caller,
                IpAddr::V4(Ipv4Addr::LOCALHOST),
            );
            let Response { data, errors, .. } = door.answer(body.as_bytes(), asker).await;
            let error = errors.into_iter().next();
            error.map_or(data, |error| Value::from(error.message))
        };
        let (strict, fast) = (Value::from("Strict"), Value::from("Fast"));
        let good = "query($p: UUID!) { a(p: $p) }";
        assert_eq!(answer(good, json!({"p": 1})).await, strict);
        for expected in [&fast, &fast] {
            assert_eq!(answer(good, json!({"p": "x"})).await, *expected);
        }
        assert_eq!(answer(good, json!({"p": 1})).await, strict);
        assert_eq!(answer(good, json!({})).await, strict);
        for query in [
            "query($p: UUID!) { bad(p: $p) }",
            "query($p: Int) { a(p: $p) }",
        ] {
            for _ in 0..3 {
                assert_eq!(answer(query, json!({"p": "x"})).await, strict, "{query}");
            }
        }
    }

    #[test]
    fn only_what_holds_nothing_but_queries_may_be_broken_off() {
        for (query, reads) in [
            ("{ a }", true),
            ("query { a }", true),
            ("query A { a } query B { b }", true),
            ("mutation { a }", false),
            ("query A { a } mutation B { b }", false),
            ("mutation B { b } query A { a }", false),
            ("subscription { a }", false),
            ("{ ...f } fragment f on Query { a }", true),
        ] {
            let document = Documents::default().read(query).unwrap();
            assert_eq!(only_reads(document.content()), reads, "{query}");
        }
    }
}
