//! Whoever hangs up half-way stops nothing half-way.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::support::{ADMIN, Client, JSON, LIST, LOGIN, PASSWORD, PLATFORM, Server};

/// Sends a request and closes the connection after a while, without reading an answer.
fn hang_up(server: &Server, path: &str, token: &str, body: &str, after: Duration) {
    let mut connection = TcpStream::connect(server.address()).unwrap();
    let (name, value) = JSON;
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: h\r\n{name}: {value}\r\nauthorization: Bearer {token}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).unwrap();
    std::thread::sleep(after);
}

fn service_token(admin: &Client<'_>, project: &str) -> (String, String) {
    let create = "mutation($p: UUID!) { createServiceToken(serviceToken: {name: \"ci\", projectIds: [$p], \
                  rights: [VIEW]}) { token serviceToken { id } } }";
    let made = admin.data(create, json!({"p": project}))["createServiceToken"].take();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&made["serviceToken"]["id"]), text(&made["token"]))
}

#[test]
fn a_revocation_whose_asker_hung_up_acts_all_the_same() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("one");
    let mut gone = 0;
    for round in 0..60 {
        let (id, text) = service_token(&admin, &project);
        let ci = server.client(text);
        ci.list(&project);
        let revoke =
            format!("mutation {{ revokeServiceToken(id: \"{id}\", projectId: \"{project}\") }}");
        let body = json!({"query": revoke}).to_string();
        hang_up(
            &server,
            PLATFORM,
            &admin.token,
            &body,
            Duration::from_micros(round * 97),
        );
        // Whether it was begun is open; if it was, then the token does not count.
        let tokens = "query($p: UUID!) { serviceTokens(projectId: $p) { id } }";
        let listed =
            |admin: &Client<'_>| admin.post(tokens, json!({"p": project})).text.contains(&id);
        let mut there = listed(&admin);
        for _ in 0..20 {
            if !there {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            there = listed(&admin);
        }
        if !there {
            gone += 1;
            // What the writer has committed is forgotten a moment later.
            std::thread::sleep(Duration::from_millis(20));
            assert_eq!(
                ci.post(LIST, json!({"p": project})).status,
                401,
                "round {round}"
            );
        }
    }
    assert!(gone > 10, "{gone} of 60 revocations were begun");
}

#[test]
fn a_failed_login_counts_although_its_asker_hung_up() {
    let server = Server::dev();
    let body = json!({"login": ADMIN, "password": "wrong"}).to_string();
    let started = std::time::Instant::now();
    // They are proved two at a time, and counted as they end.
    let counted = |metrics: &str| {
        let line = "regcred_logins_total{outcome=\"wrong\"} ";
        let number = metrics.lines().find_map(|found| found.strip_prefix(line));
        number.is_some_and(|number| number.parse::<u32>().unwrap() >= 10)
    };
    while !counted(&server.get("/metrics").text) {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "guesses that nobody waits for are not counted"
        );
        // Where the machine is busy, some are gone before the service has seen them.
        hang_up(&server, LOGIN, "", &body, Duration::from_millis(20));
    }
    assert_eq!(server.login(ADMIN, PASSWORD).status, 429);
}

#[test]
fn a_body_that_takes_its_time_is_judged_when_it_is_there() {
    let server = Server::dev();
    let admin = server.admin();
    let create = "mutation { createUser(user: {login: \"ann\", password: \"correct horse\", admin: true}) { login } }";
    admin.data(create, json!({}));
    let ann = server.client(server.token("ann", "correct horse"));
    let body = json!({"query": "mutation { createUser(user: {login: \"later\", password: \"correct horse\"}) { login } }"});
    let body = body.to_string();
    let (name, value) = JSON;
    let head = format!(
        "POST {PLATFORM} HTTP/1.1\r\nhost: h\r\n{name}: {value}\r\nauthorization: Bearer {}\r\n\
         connection: close\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        ann.token,
        body.len()
    );
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).unwrap();
    admin.data("mutation { deleteUser(login: \"ann\") }", json!({}));
    connection.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let users = admin.data("{ users { login } }", json!({}));
    assert_eq!(users["users"], json!([{"login": ADMIN}]));
}
