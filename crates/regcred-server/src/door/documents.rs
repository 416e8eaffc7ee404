//! Valid documents, remembered: clients send the same few again and again, and reading one costs more than answering it.
//!
//! What was answered without an error is remembered. A document that holds a string or a remark is read anew each time: a
//! password may stand in it, and is not to stay in memory. (So it may in one that is refused.)
//!
//! Some documents need not be validated again. Of the validator's rules one alone looks at the values of variables: whether an
//! argument is of its type. Where each argument is a variable as a whole, or has none in it, and each variable is declared as
//! a string, another rule has seen to that, whatever the string: for the validator any one is a `String` or a `UUID` (whether
//! it reads as one, execution says). Inside of a list or an object neither rule sees everything.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::parser;
use async_graphql::parser::types::{BaseType, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Value, Variables};
use regcred_core::Error;

use super::guard;

/// The documents that were answered last, by their text.
#[derive(Default)]
pub(super) struct Documents(Mutex<HashMap<String, Arc<Document>>>);

/// A document that passed the guard.
pub(super) struct Document {
    content: ExecutableDocument,
    /// Its text, where that may be remembered.
    text: Option<String>,
    is_known: AtomicBool,
    /// The variables, where it is valid with any strings for them or with none.
    strings: Option<Vec<Name>>,
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
        let may_stay = query.len() <= LONGEST && !query.contains(['"', '#']);
        Ok(Arc::new(Document {
            strings: strings(&content),
            content,
            text: may_stay.then(|| query.to_owned()),
            is_known: AtomicBool::new(false),
        }))
    }

    /// Remembers a document that was answered without an error.
    pub(super) fn found_valid(&self, document: &Arc<Document>) {
        let Some(text) = &document.text else {
            return;
        };
        if document.is_known.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(text.clone(), Arc::clone(document));
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

    /// Whether it is known to be valid with these variables.
    pub(super) fn is_valid_with(&self, variables: &Variables) -> bool {
        let given = |name| matches!(variables.get(name), Some(Value::String(_)));
        let strings = self.strings.as_ref();
        self.is_known.load(Ordering::Relaxed)
            && strings.is_some_and(|names| names.iter().all(given))
    }
}

/// The variables of a document that has one operation and nothing else, where each is declared as a string, and none stands
/// inside of an argument.
fn strings(document: &ExecutableDocument) -> Option<Vec<Name>> {
    let mut operations = document.operations.iter();
    let (Some((_, operation)), None) = (operations.next(), operations.next()) else {
        return None;
    };
    let operation = &operation.node;
    if !document.fragments.is_empty()
        || !operation.directives.is_empty()
        || !is_plain(&operation.selection_set.node)
    {
        return None;
    }
    let variables = operation.variable_definitions.iter();
    let names = variables.map(|variable| match &variable.node.var_type.node.base {
        BaseType::Named(name) if STRINGS.contains(&name.as_str()) => {
            Some(variable.node.name.node.clone())
        }
        _ => None,
    });
    names.collect()
}

/// Whether there are but fields, without directives, with arguments that are a variable or have none in them.
fn is_plain(set: &SelectionSet) -> bool {
    let is_plain = |field: &Field| {
        let mut arguments = field.arguments.iter().map(|(_, value)| &value.node);
        field.directives.is_empty()
            && arguments.all(|value| {
                let with_nulls = value.clone().into_const_with(|_| Ok::<_, ()>(Value::Null));
                with_nulls == Ok(Value::Null) || value.clone().into_const().is_some()
            })
            && is_plain(&field.selection_set.node)
    };
    let mut selections = set.items.iter();
    selections.all(|selection| match &selection.node {
        Selection::Field(field) => is_plain(&field.node),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    })
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
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_valid_and_holds_no_secret_is_remembered() {
        let documents = Documents::default();
        for (query, remembered) in [
            ("query($p: String!) { a(p: $p) }", true),
            ("{ a(p: \"hunter2\") }", false),
            ("{ a(p: \"\"\"hunter2\"\"\") }", false),
            ("{ a # \"\n}", false),
            ("{ a # hunter2\n}", false),
        ] {
            for _ in 0..2 {
                let document = documents.read(query).unwrap();
                documents.found_valid(&document);
            }
            assert_eq!(documents.lock().contains_key(query), remembered, "{query}");
        }
        let refused = "{ a(p: hunter2) }";
        documents.read(refused).unwrap();
        assert!(!documents.lock().contains_key(refused));
        assert!(documents.read("{ a(p: ").is_err());
        let long = format!("{{ {} }}", "a ".repeat(LONGEST));
        assert!(documents.read(&long).is_err() && !documents.lock().contains_key(&long));
    }

    #[test]
    fn a_document_is_valid_again_where_its_variables_are_whole_arguments_and_strings() {
        let strings = json!({"p": "", "q": "a"});
        for (query, variables, again) in [
            ("{ a }", json!(null), true),
            ("query($p: UUID!) { a(p: $p) }", strings.clone(), true),
            (
                "query($p: UUID!, $q: String) { a(p: $p) { b(q: $q) } }",
                strings.clone(),
                true,
            ),
            (
                "query($p: UUID!) { a(p: $p, n: [1, {a: A}]) }",
                strings.clone(),
                true,
            ),
            ("mutation($p: UUID!) { a(p: $p) }", strings.clone(), true),
            ("query A($p: UUID!) { a(p: $p) }", strings.clone(), true),
            ("query($p: UUID!) { a(p: $p) }", json!({}), false),
            ("query($p: UUID) { a(p: $p) }", json!({"p": null}), false),
            ("query($p: UUID!) { a(p: $p) }", json!({"p": 1}), false),
            ("query($p: UUID!) { a(p: $p) }", json!({"p": {}}), false),
            ("query($p: [UUID!]) { a(p: $p) }", strings.clone(), false),
            ("query($p: Input) { a(p: $p) }", strings.clone(), false),
            ("query($p: UUID!) { a(p: [$p]) }", strings.clone(), false),
            ("query($p: UUID!) { a(p: {p: $p}) }", strings.clone(), false),
            (
                "query($p: UUID!) { a { b(p: [{p: $p}]) } }",
                strings.clone(),
                false,
            ),
            (
                "query($p: Boolean) { a @skip(if: $p) }",
                strings.clone(),
                false,
            ),
            ("query { a @skip(if: true) }", strings.clone(), false),
            ("query @x { a }", strings.clone(), false),
            (
                "query($p: UUID!) { ... { a(p: $p) } }",
                strings.clone(),
                false,
            ),
            (
                "query($p: UUID!) { ...f } fragment f on Q { a(p: $p) }",
                strings.clone(),
                false,
            ),
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
            documents.found_valid(&document);
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
            let document = documents.read(&format!("{{ a{number} }}")).unwrap();
            documents.found_valid(&document);
        }
        let known = documents.lock().len();
        assert!(known > 0 && known <= MOST);
    }
}
