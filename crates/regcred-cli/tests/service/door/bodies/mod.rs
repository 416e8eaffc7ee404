//! Bodies of GraphQL requests: what the door refuses, and the most expensive of what it lets through.

mod limit;
mod multiplying;
mod nesting;
mod shapes;
mod values;

use std::time::Duration;

use serde_json::{Value, json};

use limit::{at_the_limit, copied, introspection};
use multiplying::{bulk, floods, fragments};
use nesting::nesting;
use shapes::{operations, shapes};
use values::{values, variables};

use crate::door::wire::{Answer, JSON, Server, request};
use crate::support::{GATEWAY, PLATFORM};

#[test]
fn hostile_bodies_are_refused_in_words_and_cost_nothing() {
    let server = Server::start();
    let cases = [
        nesting(),
        fragments(),
        floods(),
        bulk(),
        values(),
        variables(),
        shapes(),
        operations(),
    ]
    .concat();
    let mut costs = Vec::new();
    for case in &cases {
        let (answer, cost) = ask(&server, case);
        let said = answer.json();
        let error = &said["errors"][0];
        assert!(
            answer.status == 200
                && error["extensions"]["code"] == "INVALID"
                && said["data"].is_null(),
            "{}: {answer:?}",
            case.name
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(case.says), "{}: {message}", case.name);
        assert!(
            answer.text.len() < 8 * 1024 && !answer.text.contains("hunter2"),
            "{}: {answer:?}",
            case.name
        );
        assert!(server.lives(), "{}", case.name);
        costs.push((cost, case.name.as_str()));
    }
    assert_cheap(costs);
}

#[test]
fn what_is_let_through_is_cheap() {
    let server = Server::start();
    let cases = [introspection(), at_the_limit(), copied()].concat();
    let mut costs = Vec::new();
    for case in &cases {
        let (answer, cost) = ask(&server, case);
        assert_eq!(answer.status, 200, "{}: {answer:?}", case.name);
        assert!(answer.text.contains(case.says), "{}: {answer:?}", case.name);
        assert!(server.lives(), "{}", case.name);
        costs.push((cost, case.name.as_str()));
    }
    assert_cheap(costs);
}

/// A body, and what the answer to it says.
#[derive(Clone)]
struct Case {
    name: String,
    path: &'static str,
    body: Vec<u8>,
    says: &'static str,
}

impl Case {
    fn body(name: &str, body: impl Into<Vec<u8>>, says: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            path: PLATFORM,
            body: body.into(),
            says,
        }
    }

    fn query(name: &str, query: impl Into<String>, says: &'static str) -> Self {
        Self::body(name, json!({ "query": query.into() }).to_string(), says)
    }

    fn with_variables(name: &str, query: &str, variables: &Value, says: &'static str) -> Self {
        Self::body(
            name,
            json!({ "query": query, "variables": variables }).to_string(),
            says,
        )
    }

    fn at_gateway(self) -> Self {
        Self {
            path: GATEWAY,
            ..self
        }
    }
}

/// The answer to a case, and what it costs of the CPU on average.
fn ask(server: &Server, case: &Case) -> (Answer, Duration) {
    let bytes = request(
        "POST",
        case.path,
        &[JSON, &server.authorization()],
        &case.body,
    );
    let mut connection = server.connect();
    let before = server.cpu();
    let mut last = None;
    for _ in 0..REPEATS {
        connection.send(&bytes).unwrap();
        last = Some(
            connection
                .answer()
                .unwrap_or_else(|error| panic!("{}: {error}", case.name)),
        );
    }
    (last.unwrap(), server.cpu().saturating_sub(before) / REPEATS)
}

fn assert_cheap(mut costs: Vec<(Duration, &str)>) {
    costs.sort();
    for (cost, name) in costs.iter().rev().take(5) {
        eprintln!("{cost:>10.2?}  {name}");
    }
    let (most, name) = costs[costs.len() - 1];
    assert!(most < MOST_CPU, "{name} costs {most:?} of the CPU");
}

/// Fields that differ from each other.
fn distinct(fields: usize) -> String {
    numbered(fields, "f# ")
}

/// A text so many times, with the number of each in place of `#`.
fn numbered(count: usize, each: &str) -> String {
    (0..count)
        .map(|number| each.replace('#', &number.to_string()))
        .collect()
}

fn around(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

const SYNTAX: &str = "no valid GraphQL document";
const NO_JSON: &str = "the body is no JSON";
const FRAGMENT: &str = "fragment F on Me { name }";
const REPEATS: u32 = 10;
const MOST_CPU: Duration = Duration::from_millis(if cfg!(debug_assertions) {
    50 * DEBUG
} else {
    50
});
/// How much slower the program is where it is not optimised: up to three times, measured.
const DEBUG: u64 = 4;
