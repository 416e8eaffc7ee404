//! Documents that passed the guard, remembered: clients send the same few again and again, and reading one costs more
//! than answering it.
//!
//! A document that holds a string is read anew each time: a password may stand in it, and is not to stay in memory.
//!
//! Which documents were found valid is remembered, too. A rule of validation that looks at the values of variables is
//! whether they are of the type of their argument, and any string is for the validator a `String` or a `UUID` (whether it
//! reads as one, execution says). So a document whose variables are such, and are given, is valid each time or never.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::parser;
use async_graphql::parser::types::{BaseType, ExecutableDocument};
use async_graphql::{Name, Value, Variables};
use regcred_core::Error;

use super::guard;

/// The documents that were read last, by their text.
#[derive(Default)]
pub(super) struct Documents(Mutex<HashMap<String, Arc<Document>>>);

/// A document that passed the guard.
pub(super) struct Document {
    content: ExecutableDocument,
    /// The variables, where it has one operation and each of them is a string.
    strings: Option<Vec<Name>>,
    valid: AtomicBool,
}

impl Documents {
    /// Reads a document, or refuses it.
    pub(super) fn read(&self, query: &str) -> Result<Arc<Document>, Error> {
        let known = self.lock().get(query).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let refused = |refusal: guard::Refusal| Error::invalid(refusal.to_string());
        guard::inspect(query).map_err(refused)?;
        let content = parser::parse_query(query).map_err(|error| Error::invalid(syntax(&error)))?;
        guard::inspect_document(&content).map_err(refused)?;
        let document = Arc::new(Document {
            strings: strings(&content),
            content,
            valid: AtomicBool::new(false),
        });
        if query.len() <= LONGEST && !query.contains('"') {
            let mut known = self.lock();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(query.to_owned(), Arc::clone(&document));
        }
        Ok(document)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Document>>> {
        // No code under the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Document {
    pub(super) fn content(&self) -> &ExecutableDocument {
        &self.content
    }

    /// It was answered without an error, so it is valid.
    pub(super) fn found_valid(&self) {
        self.valid.store(true, Ordering::Relaxed);
    }

    /// Whether it is known to be valid with these variables.
    pub(super) fn is_valid_with(&self, variables: &Variables) -> bool {
        let given = |name| matches!(variables.get(name), Some(Value::String(_)));
        let strings = self.strings.as_ref();
        self.valid.load(Ordering::Relaxed) && strings.is_some_and(|names| names.iter().all(given))
    }
}

/// The variables of a document that has one operation, where each is declared as a string.
fn strings(document: &ExecutableDocument) -> Option<Vec<Name>> {
    let mut operations = document.operations.iter();
    let (Some((_, operation)), None) = (operations.next(), operations.next()) else {
        return None;
    };
    let variables = operation.node.variable_definitions.iter();
    let names = variables.map(|variable| match &variable.node.var_type.node.base {
        BaseType::Named(name) if STRINGS.contains(&name.as_str()) => {
            Some(variable.node.name.node.clone())
        }
        _ => None,
    });
    names.collect()
}

/// Where the document is wrong. The library's own text repeats the line, and a password may stand in it.
fn syntax(error: &parser::Error) -> String {
    match error.positions().next() {
        Some(at) => format!(
            "the query is no valid GraphQL document: see line {}, column {}",
            at.line, at.column
        ),
        None => "the query is no valid GraphQL document".to_owned(),
    }
}

/// The types that any string passes for with the validator.
const STRINGS: [&str; 2] = ["String", "UUID"];

/// The most expensive documents of this length take some 100 KiB each once they are read.
const MOST: usize = 64;
const LONGEST: usize = 2 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_a_secret_is_not_remembered() {
        let documents = Documents::default();
        for (query, remembered) in [
            ("query($p: String!) { a(p: $p) }", true),
            ("{ a(p: \"hunter2\") }", false),
            ("{ a(p: \"\"\"hunter2\"\"\") }", false),
            ("{ a # \"\n}", false),
        ] {
            for _ in 0..2 {
                assert!(documents.read(query).is_ok(), "{query}");
            }
            assert_eq!(documents.lock().contains_key(query), remembered, "{query}");
        }
        assert!(documents.read("{ a(p: ").is_err());
        let long = format!("{{ {} }}", "a ".repeat(LONGEST));
        assert!(documents.read(&long).is_err() && !documents.lock().contains_key(&long));
    }

    #[test]
    fn a_document_is_valid_again_where_its_variables_are_strings_and_are_given() {
        let strings = serde_json::json!({"p": "", "q": "a"});
        for (query, variables, again) in [
            ("{ a }", serde_json::json!(null), true),
            ("query($p: UUID!) { a(p: $p) }", strings.clone(), true),
            (
                "query($p: UUID!, $q: String) { a(p: $p, q: $q) }",
                strings.clone(),
                true,
            ),
            ("mutation($p: UUID!) { a(p: $p) }", strings.clone(), true),
            (
                "query($p: UUID!) { a(p: $p) }",
                serde_json::json!({}),
                false,
            ),
            (
                "query($p: UUID) { a(p: $p) }",
                serde_json::json!({"p": null}),
                false,
            ),
            (
                "query($p: UUID!) { a(p: $p) }",
                serde_json::json!({"p": 1}),
                false,
            ),
            (
                "query($p: UUID!) { a(p: $p) }",
                serde_json::json!({"p": {}}),
                false,
            ),
            ("query($p: [UUID!]) { a(p: $p) }", strings.clone(), false),
            ("query($p: Input) { a(p: $p) }", strings.clone(), false),
            (
                "query($p: Boolean) { a @skip(if: $p) }",
                strings.clone(),
                false,
            ),
            ("query A($p: UUID!) { a(p: $p) }", strings.clone(), true),
            (
                "query A($p: UUID!) { a(p: $p) } query B { b }",
                strings.clone(),
                false,
            ),
        ] {
            let documents = Documents::default();
            let variables = Variables::from_json(variables);
            let document = documents.read(query).unwrap();
            assert!(!document.is_valid_with(&variables), "{query}");
            document.found_valid();
            let document = documents.read(query).unwrap();
            assert_eq!(
                document.is_valid_with(&variables),
                again,
                "{query} {variables:?}"
            );
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let documents = Documents::default();
        for number in 0..=2 * MOST {
            documents.read(&format!("{{ a{number} }}")).unwrap();
        }
        assert!(documents.lock().len() <= MOST);
    }
}
