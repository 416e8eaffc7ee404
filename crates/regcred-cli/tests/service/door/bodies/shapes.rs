//! Bodies and documents that are not what is served.

use serde_json::{Value, json};

use super::{Case, FRAGMENT, NO_JSON, SYNTAX};

/// Bodies that are no request.
pub(super) fn shapes() -> Vec<Case> {
    let request = "send a JSON object with `query`";
    let cut = "no complete JSON";
    let utf8 = "not UTF-8 from byte";
    vec![
        Case::body("nothing", "", cut),
        Case::body("half a request", "{\"query\": \"{ hunter2", cut),
        Case::body(
            "a batch",
            "[{\"query\": \"{ me { name } }\"}]",
            "batches are not served",
        ),
        Case::body(
            "a large batch",
            format!("[{}{{}}]", "{\"query\": \"{ me }\"},".repeat(1_000)),
            "batches are not served",
        ),
        Case::body("null", "null", request),
        Case::body("a string", "\"hunter2\"", request),
        Case::body("no query", "{\"variables\": {}}", request),
        Case::body("a query of null", "{\"query\": null}", request),
        Case::body(
            "a query that is a list",
            "{\"query\": [\"hunter2\"]}",
            request,
        ),
        Case::body(
            "an operation name that is a number",
            "{\"query\": \"{ me }\", \"operationName\": 1}",
            request,
        ),
        Case::body(
            "two queries",
            "{\"query\": \"{ me }\", \"query\": \"{ hunter2 }\"}",
            "each once",
        ),
        Case::body(
            "twice variables",
            "{\"query\": \"{ me }\", \"variables\": {}, \"variables\": {}}",
            "each once",
        ),
        Case::body(
            "two requests",
            "{\"query\": \"{ me }\"}{\"query\": \"{ hunter2 }\"}",
            NO_JSON,
        ),
        Case::body(
            "a comment",
            "/* hunter2 */ {\"query\": \"{ me }\"}",
            NO_JSON,
        ),
        Case::body("a form", "query=%7Bhunter2%7D", NO_JSON),
        Case::body(
            "a byte order mark",
            "\u{feff}{\"query\": \"{ me }\"}",
            NO_JSON,
        ),
        Case::body("a NUL", "{\"query\": \"{ me }\0\"}", NO_JSON),
        Case::body("NULs", vec![0; 60_000], NO_JSON),
        Case::body("brackets that close", "]".repeat(60_000), NO_JSON),
        Case::body("quotes", "\"".repeat(60_000), NO_JSON),
        Case::body(
            "backslashes",
            "{\"query\": \"".to_owned() + &"\\".repeat(60_000),
            cut,
        ),
        Case::body("bytes that are no UTF-8", b"\xff\xfe{\0\"\0".to_vec(), utf8),
        Case::body(
            "a query that is no UTF-8",
            b"{\"query\": \"{ me \xc3\x28 }\"}".to_vec(),
            utf8,
        ),
        Case::body(
            "a character written too long",
            b"{\"query\": \"\xc0\xaf\"}".to_vec(),
            utf8,
        ),
        Case::body(
            "half a character",
            b"{\"query\": \"\xed\xa0\x80\"}".to_vec(),
            utf8,
        ),
        Case::body(
            "half a character as an escape",
            "{\"query\": \"\\ud800\"}",
            NO_JSON,
        ),
        Case::body(
            "more than 64 KiB",
            json!({ "query": "x".repeat(70_000) }).to_string(),
            "larger than 65536 bytes",
        ),
        Case::query("an empty query", "", SYNTAX),
        Case::query("words", "hunter2", SYNTAX),
        Case::query("an empty selection", "{ }", SYNTAX),
        Case::query("a type definition", "type Query { hunter2: Int }", SYNTAX),
    ]
}

/// Operations of which it is not clear which one is meant, or that are not served.
pub(super) fn operations() -> Vec<Case> {
    let two = "query A { me { name } } query B { me { name } }";
    let named = |name: Value| json!({ "query": two, "operationName": name }).to_string();
    vec![
        Case::body(
            "none of two is named",
            named(Value::Null),
            "Operation name required",
        ),
        Case::body(
            "one that does not exist is named",
            named(json!("C")),
            "Unknown operation",
        ),
        Case::body(
            "a long name",
            named(json!("C".repeat(200))),
            "Unknown operation",
        ),
        Case::query(
            "one has a name, one has none",
            "{ me { name } } query A { me { name } }",
            SYNTAX,
        ),
        Case::query(
            "two of the same name",
            "query A { me { name } } query A { me { name } }",
            SYNTAX,
        ),
        Case::query(
            "a subscription",
            "subscription { me { name } }",
            "ubscription",
        ),
        Case::query(
            "a mutation where there is none",
            "mutation { logout }",
            "utation",
        )
        .at_gateway(),
        Case::query("only a fragment", FRAGMENT, SYNTAX),
    ]
}
