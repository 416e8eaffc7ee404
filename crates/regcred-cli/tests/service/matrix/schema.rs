//! The served schema, by introspection: what has to be covered and selected.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Row;
use super::world::ask;
use crate::support::Server;

/// The served schema: the fields of each object type, with the type that each leads to.
pub(super) struct Schema(BTreeMap<String, BTreeMap<String, String>>);

impl Schema {
    pub(super) fn of(server: &Server, path: &str, token: &str) -> Self {
        let kind = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
        let query = format!(
            "{{ __schema {{ types {{ kind name fields(includeDeprecated: true) \
                             {{ name type {{ {kind} }} }} }} }} }}"
        );
        let answer = ask(server, path, token, &json!({"query": query})).json();
        let types = answer["data"]["__schema"]["types"].as_array().unwrap();
        let objects = types.iter().filter(|object| object["kind"] == "OBJECT");
        let fields = |object: &Value| {
            let fields = object["fields"].as_array().unwrap().iter();
            fields
                .map(|field| (name(&field["name"]), innermost(&field["type"])))
                .collect()
        };
        Self(
            objects
                .map(|object| (name(&object["name"]), fields(object)))
                .filter(|(name, _)| !name.starts_with("__"))
                .collect(),
        )
    }

    /// Each field of the root has one row.
    pub(super) fn covered(&self, root: &str, rows: &[Row]) {
        let served: BTreeSet<_> = self.0[root].keys().map(String::as_str).collect();
        let covered: BTreeSet<_> = rows.iter().map(|Row(field, ..)| *field).collect();
        assert_eq!(served, covered, "each field of {root} has one row");
        assert_eq!(covered.len(), rows.len());
    }

    /// Every field below a root field, to any depth.
    pub(super) fn selection(
        &self,
        object: &str,
        field: &str,
        selected: &mut BTreeSet<(String, String)>,
    ) -> String {
        selected.insert((object.to_owned(), field.to_owned()));
        let below = &self.0[object][field];
        let Some(fields) = self.0.get(below) else {
            return String::new();
        };
        let fields = fields.keys().fold(String::new(), |mut text, field| {
            let _ = write!(text, "{field} {} ", self.selection(below, field, selected));
            text
        });
        format!("{{ {fields}}}")
    }

    pub(super) fn all_selected(&self, selected: &BTreeSet<(String, String)>) {
        for (object, fields) in &self.0 {
            for field in fields.keys() {
                assert!(
                    selected.contains(&(object.clone(), field.clone())),
                    "no row selects {object}.{field}"
                );
            }
        }
    }
}

fn name(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn innermost(kind: &Value) -> String {
    if kind["ofType"].is_null() {
        name(&kind["name"])
    } else {
        innermost(&kind["ofType"])
    }
}
