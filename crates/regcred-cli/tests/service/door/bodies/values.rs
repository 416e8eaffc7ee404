//! Values, in the query and beside it.

use serde_json::json;

use super::{Case, NO_JSON, SYNTAX, around};

/// Single values that are too large or broken.
pub(super) fn values() -> Vec<Case> {
    let argument = |value: &str| format!("{{ projects(first: {value}) {{ id }} }}");
    let word = "name or a number longer than 128";
    let open = "string without an end";
    vec![
        Case::query("digits", argument(&"1".repeat(60_000)), word),
        Case::query(
            "digits behind the point",
            argument(&format!("1.{}", "1".repeat(60_000))),
            word,
        ),
        Case::query(
            "digits of the exponent",
            argument(&format!("1e{}", "1".repeat(60_000))),
            word,
        ),
        Case::query("a number beyond all", argument("1e400000"), SYNTAX),
        Case::query("a large number", argument("99999999999999999999"), "Int"),
        Case::query("name", format!("{{ {} }}", "a".repeat(60_000)), word),
        Case::query(
            "name of a variable",
            format!("query(${}: Int) {{ me }}", "a".repeat(60_000)),
            word,
        ),
        Case::query(
            "name of a type",
            format!("query($v: {}) {{ me }}", "a".repeat(60_000)),
            word,
        ),
        Case::query(
            "many long names",
            format!("{{ {} }}", "a".repeat(129) + &" a".repeat(100)),
            word,
        ),
        Case::query(
            "a string that does not end",
            "{ projectByName(name: \"hunter2",
            open,
        ),
        Case::query(
            "a string that ends in another line",
            "{ projectByName(name: \"hunter2\n\") { id } }",
            open,
        ),
        Case::query(
            "a block string that does not end",
            "{ projectByName(name: \"\"\"hunter2\") { id } }",
            open,
        ),
        Case::query(
            "a list behind what is no block string",
            format!("{{ projectByName(name: [\"\"\" \" {}", "[".repeat(1_600)),
            open,
        ),
        Case::query(
            "an escape that is none",
            "{ projectByName(name: \"hunter2\\q\") { id } }",
            SYNTAX,
        ),
        Case::query(
            "half a character",
            r#"{ projectByName(name: "hunter2\ud800") { id } }"#,
            SYNTAX,
        ),
        Case::query("a NUL", "{ me \0 { hunter2 } }", SYNTAX),
        Case::query(
            "a NUL in a string",
            "{ projectByName(name: \"a\0b\") { id } }",
            "name",
        ),
        Case::query(
            "a list with a default of no known type",
            "query($v: [Nope] = [1]) { me { name } }",
            "default",
        ),
        Case::query(
            "a password that is none",
            "mutation { createUser(user: {login: \"a\", password: 1}) { login } }",
            "password",
        ),
    ]
}

/// Variables that are too deep, too many, or nothing.
pub(super) fn variables() -> Vec<Case> {
    let query = "query($v: String) { projects(search: $v) { id } }";
    let raw = |variables: &str| {
        format!("{{\"query\": \"{query}\", \"variables\": {{\"v\": {variables}}}}}")
    };
    let deep = "nests deeper than 17";
    let wide = "holds more than 2000 values";
    let mut cases = vec![
        Case::body(
            "a list of zeros",
            raw(&format!("[{}0]", "0,".repeat(2_000))),
            wide,
        ),
        Case::body(
            "a list of 30000 zeros",
            raw(&format!("[{}0]", "0,".repeat(30_000))),
            wide,
        ),
        Case::body(
            "an object of empty names",
            raw(&format!("{{{}\"\": 1}}", "\"\":1,".repeat(9_000))),
            wide,
        ),
        Case::body("a number beyond all", raw("1e400000"), NO_JSON),
        Case::body(
            "a number of 60000 digits",
            raw(&"1".repeat(60_000)),
            NO_JSON,
        ),
        Case::body("no number", raw("NaN"), NO_JSON),
        Case::body("half a character", raw("\"\\ud800\""), NO_JSON),
        Case::body(
            "half a character, the other half first",
            raw("\"\\udc00\\ud800\""),
            NO_JSON,
        ),
        Case::body(
            "half a character as a name",
            raw("{\"\\ud800\": 1}"),
            NO_JSON,
        ),
        Case::with_variables(
            "variables that are a list",
            query,
            &json!([1]),
            "`variables` is not a JSON object",
        ),
        Case::with_variables(
            "variables that are a string",
            query,
            &json!("hunter2"),
            "`variables` is not a JSON object",
        ),
        Case::with_variables(
            "one of a wrong type",
            query,
            &json!({ "v": { "a": 1 } }),
            "search",
        ),
        Case::with_variables(
            "one in 97 places",
            &format!(
                "query($v: String) {{ projects(search: [{}]) {{ id }} }}",
                "$v ".repeat(97)
            ),
            &json!({ "v": vec![0; 1_900] }),
            "search",
        ),
    ];
    for depth in [16, 127, 1_600, 30_000] {
        cases.push(Case::body(
            &format!("{depth} lists"),
            raw(&around("[", "1", "]", depth)),
            deep,
        ));
        cases.push(Case::body(
            &format!("{depth} lists, not closed"),
            raw(&"[".repeat(depth)),
            deep,
        ));
        let depth = depth.min(9_000);
        cases.push(Case::body(
            &format!("{depth} objects"),
            raw(&around("{\"a\":", "1", "}", depth)),
            deep,
        ));
        let beside = format!(
            "{{\"query\": \"{{ me }}\", \"extensions\": {}}}",
            around("[", "", "]", depth + 1)
        );
        cases.push(Case::body(
            &format!("{depth} lists beside the variables"),
            beside,
            deep,
        ));
    }
    cases
}
