//! The served schema, by introspection: what has to be covered and selected.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Row;
use super::world::ask;
use crate::support::Server;

/// The served schema.
pub(super) struct Schema {
    /// The fields of each object type, with the type that each leads to.
    objects: BTreeMap<String, BTreeMap<String, String>>,
    /// The object types of each interface.
    interfaces: BTreeMap<String, Vec<String>>,
}

impl Schema {
    pub(super) fn of(server: &Server, path: &str, token: &str) -> Self {
        let kind = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
        let query = format!(
            "{{ __schema {{ types {{ kind name possibleTypes {{ name }} fields(includeDeprecated: true) \
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
        let interfaces = types.iter().filter(|one| one["kind"] == "INTERFACE");
        let possible = |interface: &Value| {
            let possible = interface["possibleTypes"].as_array().unwrap().iter();
            possible.map(|object| name(&object["name"])).collect()
        };
        Self {
            objects: objects
                .map(|object| (name(&object["name"]), fields(object)))
                .filter(|(name, _)| !name.starts_with("__"))
                .collect(),
            interfaces: interfaces
                .map(|interface| (name(&interface["name"]), possible(interface)))
                .collect(),
        }
    }

    /// Each field of the root has one row.
    pub(super) fn covered(&self, root: &str, rows: &[Row]) {
        let served: BTreeSet<_> = self.objects[root].keys().map(String::as_str).collect();
        let covered: BTreeSet<_> = rows.iter().map(|Row(field, ..)| *field).collect();
        assert_eq!(served, covered, "each field of {root} has one row");
        assert_eq!(covered.len(), rows.len());
    }

    /// Every field below a root field, to any depth, each type once.
    pub(super) fn selection(
        &self,
        root: &str,
        field: &str,
        selected: &mut BTreeSet<(String, String)>,
    ) -> String {
        selected.insert((root.to_owned(), field.to_owned()));
        self.below(&self.objects[root][field], &mut BTreeSet::new(), selected)
    }

    /// The selection of a type. What was selected already in this document is not gone into again: through their projects
    /// jobs lead to jobs.
    fn below(
        &self,
        of: &str,
        seen: &mut BTreeSet<String>,
        selected: &mut BTreeSet<(String, String)>,
    ) -> String {
        if let Some(possible) = self.interfaces.get(of) {
            let each = possible.iter().fold(String::new(), |mut text, object| {
                let _ = write!(
                    text,
                    "... on {object} {} ",
                    self.below(object, seen, selected)
                );
                text
            });
            return format!("{{ {each}}}");
        }
        let Some(fields) = self.objects.get(of) else {
            return String::new();
        };
        if !seen.insert(of.to_owned()) {
            return "{ __typename }".to_owned();
        }
        let fields = fields.iter().fold(String::new(), |mut text, (field, to)| {
            selected.insert((of.to_owned(), field.clone()));
            let _ = write!(text, "{field} {} ", self.below(to, seen, selected));
            text
        });
        format!("{{ {fields}}}")
    }

    pub(super) fn all_selected(&self, selected: &BTreeSet<(String, String)>) {
        for (object, fields) in &self.objects {
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
