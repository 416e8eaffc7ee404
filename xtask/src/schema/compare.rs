//! Comparing the interface that we serve with one that others published.
//!
//! We may serve less than they publish, and add what is optional. What both have, a client that was written for theirs
//! must be able to use as it is: the same names, arguments, types and nullability.

use std::collections::BTreeMap;
use std::fmt::Display;

use async_graphql_parser::Positioned;
use async_graphql_parser::types::{
    EnumType, FieldDefinition, InputValueDefinition, SchemaDefinition, TypeKind,
    TypeSystemDefinition,
};

use crate::shell::{Failure, Outcome};

/// Every difference that a client of the published interface would notice, each as a line. Both are texts in GraphQL's
/// schema language.
pub(super) fn differences(served: &str, published: &str) -> Outcome<Vec<String>> {
    let (served, published) = (
        Interface::parse("served", served)?,
        Interface::parse("published", published)?,
    );
    let mut found = Differences::default();
    for ((operation, ours), (_, theirs)) in served.roots.iter().zip(&published.roots) {
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            found.unequal(format_args!("schema.{operation}"), ours, theirs);
        }
    }
    let mut both = 0;
    for (name, ours) in &served.types {
        if let Some(theirs) = published.types.get(name) {
            both += 1;
            found.in_type(name, ours, theirs);
        }
    }
    if both == 0 {
        return Err(Failure::new(
            "the published definition has no type that is served here; is it the right one?",
        ));
    }
    Ok(found.0)
}

/// A schema, by name.
struct Interface {
    types: BTreeMap<String, TypeKind>,
    roots: [(&'static str, Option<String>); 3],
}

impl Interface {
    fn parse(whose: &str, text: &str) -> Outcome<Self> {
        let document = async_graphql_parser::parse_schema(text).map_err(|error| {
            Failure::new(format!("the {whose} definition cannot be read: {error}"))
        })?;
        let mut types = BTreeMap::new();
        let mut roots = [("query", None), ("mutation", None), ("subscription", None)];
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Type(Positioned { node, .. }) if !node.extend => {
                    types.insert(node.name.to_string(), node.kind);
                }
                TypeSystemDefinition::Schema(Positioned { node, .. }) if !node.extend => {
                    let SchemaDefinition {
                        query,
                        mutation,
                        subscription,
                        ..
                    } = node;
                    for (root, name) in roots.iter_mut().zip([query, mutation, subscription]) {
                        root.1 = name.map(|name| name.to_string());
                    }
                }
                TypeSystemDefinition::Directive(_) => {}
                TypeSystemDefinition::Type(Positioned { pos, .. })
                | TypeSystemDefinition::Schema(Positioned { pos, .. }) => {
                    return Err(Failure::new(format!(
                        "the {whose} definition has an `extend` at {pos}: not supported"
                    )));
                }
            }
        }
        Ok(Self { types, roots })
    }
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn in_type(&mut self, name: &str, ours: &TypeKind, theirs: &TypeKind) {
        match (ours, theirs) {
            (TypeKind::Object(ours), TypeKind::Object(theirs)) => {
                self.in_fields(name, &ours.fields, &theirs.fields);
            }
            (TypeKind::Interface(ours), TypeKind::Interface(theirs)) => {
                self.in_fields(name, &ours.fields, &theirs.fields);
            }
            (TypeKind::InputObject(ours), TypeKind::InputObject(theirs)) => {
                self.in_inputs(
                    |field| format!("{name}.{field}"),
                    &ours.fields,
                    &theirs.fields,
                );
            }
            (TypeKind::Enum(ours), TypeKind::Enum(theirs)) => self.in_values(name, ours, theirs),
            // A union of fewer or more members, and what a scalar looks like, do not show here.
            _ => self.unequal(name, kind(ours), kind(theirs)),
        }
    }

    fn in_fields(
        &mut self,
        of: &str,
        ours: &[Positioned<FieldDefinition>],
        theirs: &[Positioned<FieldDefinition>],
    ) {
        for Positioned { node: ours, .. } in ours {
            if let Some(theirs) = theirs
                .iter()
                .find(|theirs| theirs.node.name.node == ours.name.node)
            {
                let name = format!("{of}.{}", ours.name);
                self.unequal(&name, &ours.ty.to_string(), &theirs.node.ty.to_string());
                self.in_inputs(
                    |argument| format!("{name}({argument}:)"),
                    &ours.arguments,
                    &theirs.node.arguments,
                );
            }
        }
    }

    /// Arguments and input fields. Unlike a field, none of theirs may be missing: who sends it is refused.
    fn in_inputs(
        &mut self,
        name: impl Fn(&str) -> String,
        ours: &[Positioned<InputValueDefinition>],
        theirs: &[Positioned<InputValueDefinition>],
    ) {
        for Positioned { node: theirs, .. } in theirs {
            let name = name(&theirs.name.node);
            match ours
                .iter()
                .find(|ours| ours.node.name.node == theirs.name.node)
            {
                Some(ours) => self.unequal(name, &input_type(&ours.node), &input_type(theirs)),
                None => self.0.push(format!(
                    "{name} is published as {}, and not served",
                    input_type(theirs)
                )),
            }
        }
        for Positioned { node: ours, .. } in ours {
            let optional = ours.ty.node.nullable || ours.default_value.is_some();
            let added = theirs
                .iter()
                .all(|theirs| theirs.node.name.node != ours.name.node);
            if added && !optional {
                let name = name(&ours.name.node);
                self.0.push(format!(
                    "{name} is served as {}, is not published, and so must be optional",
                    ours.ty
                ));
            }
        }
    }

    fn in_values(&mut self, of: &str, ours: &EnumType, theirs: &EnumType) {
        let values = |kind: &EnumType| {
            kind.values
                .iter()
                .map(|value| value.node.value.to_string())
                .collect::<Vec<_>>()
        };
        let (ours, theirs) = (values(ours), values(theirs));
        // Whoever sends it is refused.
        for value in theirs.iter().filter(|value| !ours.contains(value)) {
            self.0
                .push(format!("{of}.{value} is published, and not served"));
        }
        // Whoever gets it cannot read the answer.
        for value in ours.iter().filter(|value| !theirs.contains(value)) {
            self.0
                .push(format!("{of}.{value} is served, and not published"));
        }
    }

    fn unequal(&mut self, name: impl Display, ours: &str, theirs: &str) {
        if ours != theirs {
            self.0.push(format!(
                "{name} is served as {ours}, and published as {theirs}"
            ));
        }
    }
}

fn kind(kind: &TypeKind) -> &'static str {
    match kind {
        TypeKind::Scalar => "scalar",
        TypeKind::Object(_) => "type",
        TypeKind::Interface(_) => "interface",
        TypeKind::Union(_) => "union",
        TypeKind::Enum(_) => "enum",
        TypeKind::InputObject(_) => "input",
    }
}

/// With its default: without one that others have, a client that leaves the argument out gets something else.
fn input_type(input: &InputValueDefinition) -> String {
    match &input.default_value {
        Some(default) => format!("{} = {default}", input.ty),
        None => input.ty.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::differences;

    const PUBLISHED: &str = r#"
        schema { query: Query }
        directive @preview(reason: String = "may change") on FIELD_DEFINITION | ENUM_VALUE
        # A remark.
        type Query { "Text." project(id: ID!, first: Int = 10): Project jobs(limit: Int): [Job!] @deprecated }
        type Project implements Named { name: String! role(of: RoleInput!): Role }
        interface Named { name: String! }
        type Job { id: ID! }
        union Thing = Project | Job
        input RoleInput { login: String!, groups: [ID!] }
        enum Role { READER WRITER }
        scalar Moment
    "#;

    /// The differences after one change of ours.
    fn after(published: &str, served: &str) -> Vec<String> {
        assert!(PUBLISHED.contains(published), "{published}");
        differences(&PUBLISHED.replacen(published, served, 1), PUBLISHED).unwrap()
    }

    #[test]
    fn what_is_the_same_less_or_optionally_more_is_well() {
        let fine = [
            ("", ""),
            ("jobs(limit: Int): [Job!] @deprecated", ""),
            ("enum Role { READER WRITER }", ""),
            ("scalar Moment", "scalar Moment type New { id: ID! } "),
            (
                "type Job { id: ID! ",
                "type Job { id: ID! new(of: ID!): String! ",
            ),
            (
                "limit: Int",
                "limit: Int, skip: Int, order: String! = \"up\"",
            ),
            ("groups: [ID!]", "groups: [ID!] team: ID size: Int! = 3"),
        ];
        for (published, served) in fine {
            assert_eq!(after(published, served), [""; 0], "{published} -> {served}");
        }
    }

    #[test]
    fn each_break_is_told() {
        let broken = [
            (
                "schema { query: Query }",
                "schema { query: Job }",
                "schema.query is served as Job, and published as Query",
            ),
            (
                "scalar Moment",
                "enum Moment { NOW }",
                "Moment is served as enum, and published as scalar",
            ),
            (
                "id: ID! }\n        union",
                "id: ID }\n        union",
                "Job.id is served as ID, and published as ID!",
            ),
            (
                "[Job!]",
                "[Job]",
                "Query.jobs is served as [Job], and published as [Job!]",
            ),
            (
                "interface Named { name: String!",
                "interface Named { name: ID!",
                "Named.name is served as ID!, and published as String!",
            ),
            (
                "limit: Int",
                "limit: Int!",
                "Query.jobs(limit:) is served as Int!, and published as Int",
            ),
            (
                "limit: Int",
                "max: Int",
                "Query.jobs(limit:) is published as Int, and not served",
            ),
            (
                "limit: Int",
                "limit: Int, of: ID!",
                "Query.jobs(of:) is served as ID!, is not published, and so must be optional",
            ),
            (
                "first: Int = 10",
                "first: Int = 20",
                "Query.project(first:) is served as Int = 20, and published as Int = 10",
            ),
            (
                "first: Int = 10",
                "first: Int",
                "Query.project(first:) is served as Int, and published as Int = 10",
            ),
            (
                "login: String!",
                "login: String",
                "RoleInput.login is served as String, and published as String!",
            ),
            (
                ", groups: [ID!]",
                "",
                "RoleInput.groups is published as [ID!], and not served",
            ),
            (
                "groups: [ID!]",
                "groups: [ID!] team: ID!",
                "RoleInput.team is served as ID!, is not published, and so must be optional",
            ),
            (
                "READER WRITER",
                "READER",
                "Role.WRITER is published, and not served",
            ),
            (
                "READER WRITER",
                "READER WRITER ADMIN",
                "Role.ADMIN is served, and not published",
            ),
        ];
        for (published, served, told) in broken {
            assert_eq!(after(published, served), [told], "{published} -> {served}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refusal = |served, published| differences(served, published).unwrap_err().to_string();
        assert!(
            refusal("type Query {", PUBLISHED)
                .starts_with("the served definition cannot be read: ")
        );
        assert!(
            refusal(PUBLISHED, "type Other { id: ID! }")
                .starts_with("the published definition has no type that ")
        );
        let extended = format!("{PUBLISHED} extend type Job {{ name: String }}");
        assert!(
            refusal(PUBLISHED, &extended)
                .starts_with("the published definition has an `extend` at ")
        );
    }
}
