//! What is within every limit, just.

use serde_json::{Value, json};

use super::{Case, around, numbered};

/// Introspection, as far as it may go.
pub(super) fn introspection() -> Vec<Case> {
    let types = |fields: &str| format!("{{ __schema {{ types {{ {fields} }} }} }}");
    let names = format!("{} {}", numbered(20, "a#: name "), "name ".repeat(65));
    let argument = "args { name description defaultValue type { kind name } } ";
    let field = format!(
        "fields {{ name description isDeprecated deprecationReason type {{ kind name }} {argument} }} "
    );
    let object = "possibleTypes { name description kind ofType { name } enumValues { name } } ";
    vec![
        Case::query("introspection as tools send it", INTROSPECTION, "__schema"),
        Case::query(
            "introspection as tools send it, at the gateway",
            INTROSPECTION,
            "__schema",
        )
        .at_gateway(),
        Case::query(
            "introspection of many names",
            types(&format!("fields {{ {names} }}")),
            "__schema",
        ),
        Case::query(
            "introspection of many fields",
            types(&field.repeat(33)),
            "__schema",
        ),
        Case::query(
            "introspection of many arguments",
            types(&format!("fields {{ {} }}", argument.repeat(65))),
            "__schema",
        ),
        Case::query(
            "introspection of many types",
            types(&object.repeat(61)),
            "__schema",
        )
        .at_gateway(),
    ]
}

/// Everything else that is expensive for its length.
pub(super) fn at_the_limit() -> Vec<Case> {
    let search = |value: &str| format!("{{ projects(search: {value}) {{ id }} }}");
    vec![
        Case::query(
            "projects",
            format!("{{ {} }}", format!("projects {{ {PROJECT} }} ").repeat(20)),
            "projects",
        ),
        Case::query(
            "fields that differ in each argument",
            format!(
                "{{ {} f({}) f f {} }}",
                "... {".repeat(24),
                numbered(550, "a#:1 "),
                "}".repeat(24)
            ),
            "conflict",
        ),
        Case::query(
            "unknown fields with long names",
            format!(
                "{{ projects {{ {} }} }}",
                numbered(450, &format!("{}# ", "x".repeat(124)))
            ),
            "Unknown field",
        ),
        Case::query(
            "a comment",
            format!("{{ me #{}\n {{ name }} }}", "x".repeat(60_000)),
            "admin",
        ),
        Case::query(
            "comments of one byte",
            format!("{{ me {} {{ name }} }}", "#\n".repeat(20_000)),
            "admin",
        ),
        Case::query(
            "white space",
            format!("{{ me {} {{ name }} }}", " ".repeat(60_000)),
            "admin",
        ),
        Case::query(
            "a string",
            search(&format!("\"{}\"", "x".repeat(60_000))),
            "projects",
        ),
        Case::query(
            "a string of escapes",
            search(&format!("\"{}\"", "\\\\".repeat(15_000))),
            "projects",
        ),
        Case::query(
            "a block string",
            search(&format!("\"\"\"{}\"\"\"", "x\n".repeat(20_000))),
            "projects",
        ),
        Case::query(
            "a list",
            search(&format!("[{}]", "1 ".repeat(1_900))),
            "search",
        ),
        Case::query(
            "lists in lists",
            search(&around("[", "1", "]", 30)),
            "search",
        ),
        Case::query(
            "operations",
            numbered(240, "query Q# { me { name } } "),
            "Operation name required",
        ),
    ]
}

/// Values that are copied wherever they are named.
pub(super) fn copied() -> Vec<Case> {
    let create = "createProject(project: { name: \"demo\", authorizedGroups: $v }) { id } ";
    let places = format!(
        "{{ name: \"a\", authorizedGroups: [{}] }}",
        "$v ".repeat(98)
    );
    let group = json!({ "name": "a", "role": "ROLE_PROJECT_VIEWER" });
    let names_of_zeros: Value = (0..1_900)
        .map(|number| (format!("a{number}"), json!(0)))
        .collect();
    vec![
        Case::with_variables(
            "a long text in 20 fields",
            &format!(
                "query($v: String) {{ {} }}",
                "projects(search: $v) { id } ".repeat(20)
            ),
            &json!({ "v": "x".repeat(60_000) }),
            "projects",
        ),
        Case::with_variables(
            "a long list",
            &format!("mutation($v: [SecurityGroupInput]) {{ {create} }}"),
            &json!({ "v": vec![group; 900] }),
            "errors",
        ),
        Case::with_variables(
            "a large object in 98 places",
            &format!(
                "mutation($v: SecurityGroupInput) {{ createProject(project: {places}) {{ id }} }}"
            ),
            &json!({ "v": names_of_zeros }),
            "authorizedGroups",
        ),
    ]
}

const PROJECT: &str = "id name creator description jobsCount jobs { id } status apps { id } \
    technologiesByCategory { jobCategory technologies { id } } appTechnologies { id }";
const INTROSPECTION: &str = include_str!("introspection.graphql");
