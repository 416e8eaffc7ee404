//! Much from little: fragments that multiply, and too much of anything.

use super::{Case, FRAGMENT, SYNTAX, distinct, numbered};

/// Fragments that multiply.
pub(super) fn fragments() -> Vec<Case> {
    let too_many = "selects more than 500 fields";
    let cycle = "spread into itself";
    vec![
        Case::query("tower of 2 by 11", tower(2, 11, 1_000), too_many),
        Case::query("tower of 3 by 7", tower(3, 7, 1_000), too_many),
        Case::query("tower of 4 by 5", tower(4, 5, 1_000), too_many),
        Case::query("tower of 8 by 2", tower(8, 2, 1_000), too_many),
        Case::query(
            "tower of 2 by 11 with a small foot",
            tower(2, 11, 1),
            too_many,
        ),
        Case::query(
            "tower that nothing spreads",
            tower(3, 7, 100).replacen("{ ...F0 }", "{ me }", 1),
            too_many,
        ),
        Case::query("tower of 20 by 3", tower(20, 3, 1), "more than 24 spreads"),
        Case::query(
            "wide",
            format!("{{ {} }} {FRAGMENT}", "...F ".repeat(25)),
            "more than 24 spreads",
        ),
        Case::query(
            "24 spreads of many fields",
            format!(
                "{{ me {{ {} }} }} fragment F on Me {{ {} }}",
                "...F ".repeat(24),
                distinct(100)
            ),
            too_many,
        ),
        Case::query(
            "spread into itself",
            "{ ...F } fragment F on Query { ...F }",
            cycle,
        ),
        Case::query(
            "three in a circle",
            "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...C } fragment C on Query { ...A }",
            cycle,
        ),
        Case::query(
            "circle that nothing spreads",
            "{ me } fragment F on Query { me { ...F } }",
            cycle,
        ),
        Case::query(
            "twice the same",
            format!("{{ me {{ ...F }} }} {FRAGMENT} {FRAGMENT}"),
            SYNTAX,
        ),
        Case::query(
            "one that does not exist",
            "{ me { ...Nope } }",
            "Unknown fragment",
        ),
        Case::query(
            "many that nothing spreads",
            format!("{{ me }} {}", numbered(300, "fragment F# on Me { name } ")),
            "more than 2000 tokens",
        ),
    ]
}

/// Too much of something.
pub(super) fn floods() -> Vec<Case> {
    let arguments = numbered(550, "a#:1 ");
    let introspection = "walks from types to fields";
    vec![
        Case::query(
            "aliases",
            format!("{{ {} }}", numbered(21, "a#: me { name } ")),
            "more than 20 aliases",
        ),
        Case::query(
            "many aliases",
            format!("{{ {} }}", numbered(2_000, "a#: me { name } ")),
            "aliases",
        ),
        Case::query(
            "fields at the root",
            format!("{{ {} }}", "me { name } ".repeat(21)),
            "more than 20 fields at its root",
        ),
        Case::query(
            "fields at the root, through a fragment",
            format!(
                "{{ ...F ...F }} fragment F on Query {{ {} }}",
                "me { name } ".repeat(15)
            ),
            "more than 20 fields at its root",
        ),
        Case::query(
            "changes at the root, through a fragment",
            "mutation { ...F } fragment F on Mutation { logout a: logout }",
            "a mutation has one field at its root",
        ),
        Case::query(
            "repeated fields",
            format!("{{ me {{ {} }} }}", "name ".repeat(66)),
            "repeats fields more than 64",
        ),
        Case::query(
            "__typename",
            format!("{{ me {{ {} }} }}", "__typename ".repeat(1_500)),
            "more than 500 fields",
        ),
        Case::query(
            "fields that differ in each argument, in many inline fragments",
            format!(
                "{{ {} f({arguments}) {} {} }}",
                "... {".repeat(24),
                "f ".repeat(19),
                "}".repeat(24)
            ),
            "repeats fields more than 64",
        ),
        Case::query(
            "directives",
            format!("{{ me {{ name {} }} }}", "@skip(if: false) ".repeat(17)),
            "more than 16 directives",
        ),
        Case::query(
            "directives of a field",
            format!("{{ me {{ name {} }} }}", "@skip(if: false) ".repeat(5)),
            "directives",
        ),
        Case::query(
            "variables",
            format!("query({}) {{ me {{ name }} }}", numbered(101, "$v#: Int ")),
            "more than 100 times",
        ),
        Case::query(
            "unknown fields",
            format!("{{ projects {{ {} }} }}", distinct(490)),
            "Unknown field",
        ),
        Case::query(
            "unknown arguments",
            format!("{{ projects({arguments}) {{ id }} }}"),
            "Unknown argument",
        ),
        Case::query(
            "introspection in a circle",
            format!(
                "{{ __schema {{ types {{ {} name {} }} }} }}",
                "fields { type { ".repeat(6),
                "} } ".repeat(6)
            ),
            introspection,
        ),
        Case::query(
            "introspection of interfaces in a circle",
            format!(
                "{{ __schema {{ types {{ {} name {} }} }} }}",
                "possibleTypes { interfaces {".repeat(6),
                "}}".repeat(6)
            ),
            introspection,
        )
        .at_gateway(),
    ]
}

/// Nothing in particular, but as much of it as fits.
pub(super) fn bulk() -> Vec<Case> {
    let tokens = "more than 2000 tokens";
    vec![
        Case::query(
            "tokens",
            format!("{{ me {{ {} }} }}", "a ".repeat(2_000)),
            tokens,
        ),
        Case::query("tokens of one byte", "!".repeat(60_000), tokens),
        Case::query("letters that no token has", "é".repeat(30_000), tokens),
        Case::query(
            "operations",
            numbered(400, "query Q# { me { name } } "),
            tokens,
        ),
        Case::query(
            "list",
            format!("{{ projects(search: [{}]) {{ id }} }}", "1 ".repeat(30_000)),
            tokens,
        ),
        Case::query(
            "list of zeros",
            format!("{{ projects(search: [{}]) {{ id }} }}", "0".repeat(60_000)),
            tokens,
        ),
        Case::query(
            "list of negative zeros",
            format!("{{ a(b: [{}]) }}", "-0".repeat(30_000)),
            tokens,
        ),
        Case::query(
            "list of literals in one word",
            format!("{{ a(b: [{}]) }}", "true".repeat(15_000)),
            tokens,
        ),
        Case::query(
            "list of strings",
            format!("{{ a(b: [{}]) }}", "\"\" ".repeat(10_000)),
            tokens,
        ),
        Case::query("commas", ",".repeat(60_000), SYNTAX),
        Case::query(
            "white space",
            format!("{{ me {{ name {}", " ".repeat(60_000)),
            SYNTAX,
        ),
        Case::query("comments", "#\n".repeat(20_000), SYNTAX),
        Case::query("byte order marks", "\u{feff}".repeat(10_000), SYNTAX),
    ]
}

/// Fragments that spread the next one `width` times each, down to many fields.
fn tower(width: usize, height: usize, foot: usize) -> String {
    let floor = |floor: usize| {
        let next = format!("...F{} ", floor + 1).repeat(width);
        format!("fragment F{floor} on Query {{ {next} }} ")
    };
    let floors: String = (0..height).map(floor).collect();
    format!(
        "{{ ...F0 }} {floors} fragment F{height} on Query {{ {} }}",
        distinct(foot)
    )
}
