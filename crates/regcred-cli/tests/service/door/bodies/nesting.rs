//! Brackets inside brackets.

use super::Case;

/// Brackets in every place where the grammar has them.
pub(super) fn nesting() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, before, open, inner, close, after) in PLACES {
        for depth in [33, 1_600, 60_000 / (open.len() + close.len())] {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            let closed = format!("{before}{open}{inner}{close}{after}");
            cases.push(Case::query(
                &format!("{depth} {name}"),
                closed,
                "more than 32 brackets open",
            ));
            let open = format!("{before}{open}");
            cases.push(Case::query(
                &format!("{depth} {name}, not closed"),
                open,
                "more than 32 brackets open",
            ));
        }
    }
    let inline = format!("{{ {} name {} }}", "... {".repeat(25), "}".repeat(25));
    cases.push(Case::query(
        "25 inline fragments in each other",
        inline,
        "more than 24 spreads",
    ));
    let deep = format!("{{ {} name {} }}", "a {".repeat(20), "}".repeat(20));
    cases.push(Case::query(
        "selections deeper than the schema's limit",
        deep,
        "nested too deep",
    ));
    cases
}

/// A name, what stands before the brackets, one that opens, what is inside, one that closes, what stands behind.
const PLACES: &[(&str, &str, &str, &str, &str, &str)] = &[
    (
        "lists in an argument",
        "{ projects(search: ",
        "[",
        "1",
        "]",
        ") { id } }",
    ),
    (
        "objects in an argument",
        "{ projects(search: ",
        "{a:",
        "1",
        "}",
        ") { id } }",
    ),
    (
        "lists and objects in an argument",
        "{ projects(search: ",
        "[{a:",
        "1",
        "}]",
        ") { id } }",
    ),
    ("arguments", "{ me", "(a:", "1", ")", "{ name } }"),
    ("selections", "{ ", "a{", "b", "}", " }"),
    (
        "selections with arguments",
        "{ ",
        "a(b:[{c:1}]){",
        "b",
        "}",
        " }",
    ),
    (
        "selections in a fragment",
        "{ me { ...F } } fragment F on Me { ",
        "a{",
        "b",
        "}",
        " }",
    ),
    (
        "types of a variable",
        "query($v: ",
        "[",
        "Int",
        "]",
        ") { me { name } }",
    ),
    (
        "lists in a default",
        "query($v: Int = ",
        "[",
        "1",
        "]",
        ") { me { name } }",
    ),
    (
        "objects in a default",
        "query($v: Int = ",
        "{a:",
        "1",
        "}",
        ") { me { name } }",
    ),
    (
        "directive of a variable",
        "query($v: Int @d(a: ",
        "[",
        "1",
        "]",
        ")) { me { name } }",
    ),
    (
        "directive of an operation",
        "query @d(a: ",
        "{a:",
        "1",
        "}",
        ") { me { name } }",
    ),
    (
        "directive of a field",
        "{ me @skip(if: ",
        "[",
        "true",
        "]",
        ") { name } }",
    ),
    (
        "directive of a spread",
        "{ me { ...F @skip(if: ",
        "[",
        "true",
        "]",
        ") } } fragment F on Me { name }",
    ),
    (
        "directive of an inline fragment",
        "{ me { ... @skip(if: ",
        "{a:",
        "1",
        "}",
        ") { name } } }",
    ),
    (
        "directive of a fragment",
        "{ me { ...F } } fragment F on Me @d(a: ",
        "[",
        "1",
        "]",
        ") { name }",
    ),
    ("nothing but brackets", "", "[", "", "]", ""),
    ("brackets that do not fit", "", "([{", "", "", ""),
    (
        "brackets behind a string",
        "{ projects(search: \"\\\"\" a: ",
        "[",
        "1",
        "]",
        ") { id } }",
    ),
    (
        "brackets behind a block string",
        r#"{ projects(search: """\""" """ a: "#,
        "[",
        "1",
        "]",
        ") { id } }",
    ),
    (
        "brackets behind a comment",
        "{ projects(search: #\"\r",
        "[",
        "1",
        "]",
        ") { id } }",
    ),
];
