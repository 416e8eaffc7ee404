//! Documents that passed the guard, remembered: clients send the same few again and again, and reading one costs more
//! than answering it.
//!
//! A document that holds a string is read anew each time: a password may stand in it, and is not to stay in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::parser;
use async_graphql::parser::types::ExecutableDocument;
use regcred_core::Error;

use super::guard;

/// The documents that were read last, by their text.
#[derive(Default)]
pub(super) struct Documents(Mutex<HashMap<String, Arc<ExecutableDocument>>>);

impl Documents {
    /// Reads a document, or refuses it.
    pub(super) fn read(&self, query: &str) -> Result<ExecutableDocument, Error> {
        let known = self.lock().get(query).cloned();
        if let Some(known) = known {
            return Ok(ExecutableDocument::clone(&known));
        }
        let refused = |refusal: guard::Refusal| Error::invalid(refusal.to_string());
        guard::inspect(query).map_err(refused)?;
        let document =
            parser::parse_query(query).map_err(|error| Error::invalid(syntax(&error)))?;
        guard::inspect_document(&document).map_err(refused)?;
        if query.len() <= LONGEST && !query.contains('"') {
            let mut known = self.lock();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(query.to_owned(), Arc::new(document.clone()));
        }
        Ok(document)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<ExecutableDocument>>> {
        // No code under the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    fn the_memory_is_bounded() {
        let documents = Documents::default();
        for number in 0..=2 * MOST {
            documents.read(&format!("{{ a{number} }}")).unwrap();
        }
        assert!(documents.lock().len() <= MOST);
    }
}
