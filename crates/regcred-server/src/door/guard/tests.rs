use std::thread;

use async_graphql::parser::parse_query;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// `most` of something are let through, one more is not.
fn bounds(most: usize, refusal: Refusal, query: impl Fn(usize) -> String) {
    assert_eq!(inspect(&query(most)), Ok(()), "{}", query(most));
    assert_eq!(
        inspect(&query(most + 1)),
        Err(refusal),
        "{}",
        query(most + 1)
    );
}

#[test]
fn each_count_of_the_text_has_its_bound() {
    bounds(2_000, Refusal::Tokens, |most| "a ".repeat(most));
    bounds(2_000, Refusal::Tokens, |most| {
        "é".repeat(most / 2) + &"!".repeat(most % 2)
    });
    bounds(24, Refusal::Spreads, |most| {
        format!("{{{}}}", "...F".repeat(most))
    });
    bounds(16, Refusal::Directives, |most| {
        format!("{{ a {} }}", "@skip(if: true)".repeat(most))
    });
    bounds(100, Refusal::Variables, |most| {
        format!("{{ a(b: [{}]) }}", "$v".repeat(most))
    });
    bounds(128, Refusal::Word, |most| "a".repeat(most));
    bounds(128, Refusal::Word, |most| {
        format!("{{ a(b: -{}) }}", "1".repeat(most - 1))
    });
}

#[test]
fn brackets_of_every_kind_add_to_the_depth() {
    bounds(32, Refusal::Depth, |most| "(".repeat(most));
    bounds(32, Refusal::Depth, |most| "[".repeat(most));
    bounds(32, Refusal::Depth, |most| "{a".repeat(most));
    bounds(32, Refusal::Depth, |most| {
        format!("{{a(b:{}", "[".repeat(most - 2))
    });
    bounds(32, Refusal::Depth, |most| {
        format!("{{a(b:{}", "{a:".repeat(most - 2))
    });
    bounds(32, Refusal::Depth, |most| {
        format!("query($v:{}", "[".repeat(most - 1))
    });
    bounds(32, Refusal::Depth, |most| {
        format!("query($v:T={}", "[".repeat(most - 1))
    });
    bounds(32, Refusal::Depth, |most| {
        format!("query @d(a:{}", "{a:".repeat(most - 1))
    });
    assert_eq!(
        inspect(&"{a(b:[1])}".repeat(100)),
        Ok(()),
        "what is closed does not count"
    );
    assert_eq!(
        inspect("}])"),
        Ok(()),
        "the parser says where that is wrong"
    );
}

#[test]
fn aliases_count_among_fields_only() {
    bounds(20, Refusal::Aliases, |most| {
        format!("{{ {} }}", "a: b ".repeat(most))
    });
    bounds(20, Refusal::Aliases, |most| {
        format!(
            "{{ a(b: {{ c: 1 }}) {{ {} }} }}",
            "null: b(c: 1) ".repeat(most)
        )
    });
    let others = [
        format!("{{ a({}) }}", "b: 1 ".repeat(100)),
        format!("{{ a(b: {{ {} }}) }}", "b: 1 ".repeat(100)),
        format!("{{ a(b: [{{ {} }}]) }}", "b: 1 ".repeat(100)),
        format!("query({}) {{ a }}", "$v: T = { a: 1 } ".repeat(100)),
        format!("{{ a @d({}) }}", "b: 1 ".repeat(100)),
    ];
    for other in others {
        assert_eq!(inspect(&other), Ok(()), "{other}");
    }
}

#[test]
fn what_stands_in_strings_and_comments_does_not_count() {
    let much = "[{(...@$a: ".repeat(3_000);
    let long = "a".repeat(3_000);
    for text in [&much, &long] {
        assert_eq!(
            inspect(&format!("{{ a(b: \"{text} \\\" {text}\") }}")),
            Ok(())
        );
        assert_eq!(
            inspect(&format!(
                "{{ a(b: \"\"\"{text} \" \\\"\"\" {text}\"\"\") }}"
            )),
            Ok(())
        );
        assert_eq!(
            inspect(&format!("{{ a #{text}\r b #{text}\n c #{text}")),
            Ok(())
        );
    }
    assert_eq!(
        inspect(&format!("{{ a #\r {}", "[".repeat(32))),
        Err(Refusal::Depth)
    );
    assert_eq!(
        inspect(&format!("{{ a(b: \"\" {}", "[".repeat(32))),
        Err(Refusal::Depth)
    );
    assert_eq!(inspect("{ a(b: \"hunter2"), Err(Refusal::Unterminated));
    // The parser would take this for two strings and a list.
    assert_eq!(
        inspect("{ a(b: [\"\"\"hunter2\" []]) }"),
        Err(Refusal::Unterminated)
    );
}

#[test]
fn json_is_bounded_in_depth_and_number() {
    for open in ["[", "{\"a\":"] {
        assert_eq!(inspect_json(open.repeat(17).as_bytes(), 17), Ok(()));
        assert_eq!(
            inspect_json(open.repeat(18).as_bytes(), 17),
            Err(Refusal::JsonDepth(17))
        );
    }
    assert_eq!(inspect_json("[],".repeat(2_000).as_bytes(), 1), Ok(()));
    assert_eq!(
        inspect_json("0,".repeat(2_001).as_bytes(), 1),
        Err(Refusal::JsonValues)
    );
    assert_eq!(
        inspect_json(format!("[\"{} \\\" [\"]", "[,".repeat(3_000)).as_bytes(), 1),
        Ok(())
    );
    assert_eq!(
        inspect_json(b"]}\"\\", 1),
        Ok(()),
        "the parser says where that is wrong"
    );
}

#[test]
fn a_refusal_says_what_to_do() {
    assert_eq!(
        Refusal::Aliases.to_string(),
        "the query has more than 20 aliases; ask for less at a time"
    );
    assert_eq!(
        Refusal::JsonDepth(17).to_string(),
        "the body nests deeper than 17 lists and objects; flatten what is in `variables`"
    );
}

#[test]
fn fragments_that_nest_in_each_other_do_not_overflow_the_stack() {
    let deep = |number| format!("{}...F{number}{}", "a{".repeat(25), "}".repeat(25));
    let fragment = |number| format!("fragment F{number} on T {{ {} }}", deep(number + 1));
    let query = format!("{{ ...F0 }} {}", (0..23).map(fragment).collect::<String>());
    assert_eq!(inspect(&query), Ok(()));
    read_on_a_small_stack(&query);
}

proptest! {
    #[test]
    fn what_is_let_through_never_overflows_the_stack(query in prop_oneof![documents(), soup()]) {
        if inspect(&query).is_ok() {
            read_on_a_small_stack(&query);
        }
    }
}

fn read_on_a_small_stack(query: &str) -> bool {
    let read = || parse_query(query).is_ok_and(|document| inspect_document(&document).is_ok());
    thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, read)
            .unwrap()
            .join()
            .unwrap()
    })
}

/// Valid documents, nested in every place where the grammar nests, up to the limit and beyond.
fn documents() -> impl Strategy<Value = String> {
    let variable = nested(TYPES, Just("T".to_owned()).boxed());
    let fields = nested(FIELDS, Just("b".to_owned()).boxed());
    (
        variable,
        values(),
        values(),
        values(),
        fields.clone(),
        fields,
    )
        .prop_map(
            |(variable, default, argument, directive, operation, fragment)| {
                let field = format!("a(a: {argument}) @d(a: {directive}) {{ {operation} ...F }}");
                let head = format!("query Q($v: {variable}, $w: T @d(a: {directive}) = {default})");
                format!("{head} {{ {field} }} fragment F on T @d(a: {directive}) {{ {fragment} }}")
            },
        )
}

fn values() -> BoxedStrategy<String> {
    nested(VALUES, select(LEAVES).prop_map(str::to_owned).boxed())
}

/// Something within brackets, few or about as many as may be open.
fn nested(brackets: &'static [Brackets], inner: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let depth = prop_oneof![0..6_usize, 24..32_usize];
    let brackets = depth.prop_flat_map(move |depth| prop::collection::vec(select(brackets), depth));
    (brackets, inner)
        .prop_map(|(brackets, inner)| {
            brackets.iter().fold(inner, |inner, (open, close)| {
                format!("{open}{inner}{close}")
            })
        })
        .boxed()
}

/// Anything, of tokens and of parts of tokens, where a document, fields or values may stand.
fn soup() -> impl Strategy<Value = String> {
    let tokens = prop::collection::vec(select(TOKENS), 0..60);
    let between = select(vec!["", " ", "\n"]);
    let place = select(vec![
        ("", ""),
        ("{", "}"),
        ("{a(b:[", "])}"),
        ("query($v:T=[", "]){a}"),
    ]);
    (tokens, between, place).prop_map(|(tokens, between, (before, after))| {
        format!("{before}{}{after}", tokens.join(between))
    })
}

/// An eighth of what the threads of the service have.
const STACK: usize = 256 * 1024;

type Brackets = (&'static str, &'static str);

const TYPES: &[Brackets] = &[("[", "]"), ("[", "]!")];

const VALUES: &[Brackets] = &[
    ("[", "]"),
    ("[1 [2]", "]"),
    ("{a:", "}"),
    ("{a:{b:1} c:", "d:2}"),
];

const LEAVES: &[&str] = &[
    "1",
    "-0.5e9",
    "\"a\"",
    "\"\"\"a\\\"\"\"b\"\"\"",
    "null",
    "E",
    "$v",
    "[]",
    "{}",
    "[truefalse]",
];

const FIELDS: &[Brackets] = &[
    ("a{", "}"),
    ("a: b{", "c}"),
    ("...{", "}"),
    ("...on T{", "}"),
    ("...@d(a:[{b:1}]){", "}"),
    ("a(b:[{c:1}])@d{", "}"),
];

const TOKENS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "{a",
    "(a:",
    "[{",
    "[1]",
    "{a}",
    "{a:1}",
    "a(b:1)",
    ":",
    "...",
    "...F",
    "..",
    "@d",
    "$",
    "$v",
    "=",
    "!",
    "|",
    "&",
    "\"",
    "\"\"",
    "\"\"\"",
    "\"a\"",
    "\"\"\"a\"\"\"",
    "\"\\u0041\"",
    "\"\\ud800\"",
    "\\",
    "#",
    "\r",
    "\n",
    ",",
    "\u{feff}",
    "\0",
    "é",
    "a",
    "a",
    "b",
    "on T",
    "query",
    "mutation",
    "fragment F on T",
    "true",
    "null",
    "0",
    "-",
    "1.5",
    "e",
    "1e9",
    "1e400000",
    "--",
];
