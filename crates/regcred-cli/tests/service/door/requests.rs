//! Requests that are wrong before anybody looks at the body: methods, types, tokens, lengths, time.

use std::io;
use std::time::{Duration, Instant};

use crate::door::wire::{Answer, Connection, JSON, Server, head, request};
use crate::support::{LOGIN, PLATFORM};

const BODY: &[u8] = b"{\"query\": \"{ me { name } }\"}";

#[test]
fn only_json_by_post_is_served() {
    let server = Server::start();
    let token = server.authorization();
    let by_query = format!("{PLATFORM}?query=%7Bme%7Bname%7D%7D");
    let mutation = format!("{PLATFORM}?query=mutation%7Blogout%7D");
    for (method, path) in [
        ("GET", PLATFORM),
        ("GET", &by_query),
        ("GET", &mutation),
        ("PUT", PLATFORM),
        ("PATCH", PLATFORM),
        ("DELETE", PLATFORM),
        ("OPTIONS", PLATFORM),
        ("TRACE", PLATFORM),
        ("BREW", PLATFORM),
    ] {
        let answer = server.raw(&request(method, path, &[JSON, &token], BODY));
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("POST")),
            "{method}: {answer:?}"
        );
        assert!(is_problem(&answer, "this method"), "{method}: {answer:?}");
    }
    for kind in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/graphql",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "application/jsonp",
        "",
    ] {
        let kind = format!("content-type: {kind}");
        let answer = server.raw(&request("POST", PLATFORM, &[&kind, &token], BODY));
        assert_eq!(answer.status, 415, "{kind}: {answer:?}");
        assert!(
            is_problem(&answer, "content-type: application/json"),
            "{kind}: {answer:?}"
        );
    }
    for kinds in [&[][..], &[JSON, "content-type: text/plain"], &[JSON, JSON]] {
        let answer = server.raw(&request(
            "POST",
            PLATFORM,
            &[kinds, &[&token]].concat(),
            BODY,
        ));
        assert_eq!(answer.status, 415, "{kinds:?}: {answer:?}");
    }
    let answer = server.raw(&request("POST", &mutation, &[JSON, &token], BODY));
    assert_eq!(answer.text, ME, "what stands in the URL has no effect");
    assert!(server.lives());
}

#[test]
fn without_a_token_no_body_is_read() {
    let server = Server::start();
    let bearer = "authorization: Bearer rc_session_hunter2";
    let twice = [server.authorization(), server.authorization()];
    let basic = "authorization: Basic YWRtaW46aHVudGVyMg==";
    for headers in [
        &[JSON][..],
        &[JSON, bearer],
        &[JSON, basic],
        &[JSON, &twice[0], &twice[1]],
    ] {
        for length in [
            "content-length: 1000000000000",
            "transfer-encoding: chunked",
            "content-length: 65536",
        ] {
            let started = Instant::now();
            let answer = server.raw(&head("POST", PLATFORM, &[headers, &[length]].concat()));
            assert_eq!(answer.status, 401, "{headers:?} {length}: {answer:?}");
            assert!(
                is_problem(&answer, "log in") && !answer.text.contains("hunter2"),
                "{answer:?}"
            );
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "it waited for the body"
            );
        }
    }
    let bytes = request("POST", PLATFORM, &[JSON, bearer], &vec![b'['; 60_000]);
    let before = server.cpu();
    for _ in 0..10 {
        assert_eq!(server.raw(&bytes).status, 401);
    }
    let cost = (server.cpu().saturating_sub(before)) / 10;
    assert!(cost < Duration::from_millis(20), "{cost:?}");
    for length in ["content-length: 4097", "content-length: 1000000000000"] {
        let mut connection = server.connect();
        connection
            .send(&head("POST", LOGIN, &[JSON, length]))
            .unwrap();
        let _ = connection.send(&[b' '; 4_097]);
        let answer = connection.answer().unwrap();
        assert_eq!(answer.status, 413, "{length}: {answer:?}");
        assert!(is_problem(&answer, "larger than 4096 bytes"), "{answer:?}");
    }
    assert!(server.lives());
}

#[test]
fn bodies_that_are_too_large_are_told_so() {
    let server = Server::start();
    let token = server.authorization();
    let large = vec![b'x'; 100_000];
    let announced = request("POST", PLATFORM, &[JSON, &token], &large);
    let only_announced = head(
        "POST",
        PLATFORM,
        &[JSON, &token, "content-length: 1000000000000"],
    );
    let in_chunks = chunked(&token, &[&large]);
    let in_many_chunks = chunked(&token, &vec![&[b'x'; 1_000][..]; 3_000]);
    for bytes in [announced, only_announced, in_chunks, in_many_chunks] {
        let mut connection = server.connect();
        // It may close before it has read all of that.
        let _ = connection.send(&bytes);
        let answer = connection.answer().unwrap();
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (answer.status, &error["extensions"]["code"]),
            (200, &"INVALID".into()),
            "{answer:?}"
        );
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("larger than 65536 bytes"),
            "{answer:?}"
        );
        assert!(server.lives());
    }
}

#[test]
fn a_length_that_is_no_length_is_refused() {
    let server = Server::start();
    let token = server.authorization();
    let own = format!("content-length: {}", BODY.len());
    for lengths in [
        &["content-length: -1"][..],
        &["content-length: +28"],
        &["content-length: 0x1c"],
        &["content-length: 28, 28"],
        &["content-length: 99999999999999999999999999"],
        &["content-length: many"],
        &["content-length:"],
        &["content-length : 28"],
        &[&own, "content-length: 5"],
        &["transfer-encoding: gzip"],
        &["transfer-encoding: chunked, identity"],
        &["transfer-encoding: xchunked"],
    ] {
        let mut connection = server.connect();
        let head = head("POST", PLATFORM, &[&[JSON, &token], lengths].concat());
        connection.send(&[&head, BODY].concat()).unwrap();
        assert_eq!(connection.answer().unwrap().status, 400, "{lengths:?}");
        assert_eq!(
            connection.rest().unwrap(),
            b"",
            "{lengths:?}: the connection is closed"
        );
        assert!(server.lives(), "{lengths:?}");
    }
}

#[test]
fn what_follows_a_lying_length_is_not_taken_for_a_request() {
    let server = Server::start();
    let token = server.authorization();
    let hidden = request("POST", PLATFORM, &[JSON, &token], BODY);

    // The shorter of two lengths hides a second request, for a proxy that goes by the other one.
    let both = head(
        "POST",
        PLATFORM,
        &[
            JSON,
            &token,
            "content-length: 5",
            "transfer-encoding: chunked",
        ],
    );
    let chunk = [
        format!("{:x}\r\n", BODY.len()).as_bytes(),
        BODY,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let mut connection = server.connect();
    connection
        .send(&[&both[..], &chunk, &hidden].concat())
        .unwrap();
    assert_eq!(connection.answer().unwrap().text, ME);
    assert_eq!(
        closed(&mut connection),
        b"",
        "the connection is closed behind the first"
    );

    let short = head("POST", PLATFORM, &[JSON, &token, "content-length: 5"]);
    let mut connection = server.connect();
    connection.send(&[&short, BODY].concat()).unwrap();
    assert!(
        connection
            .answer()
            .unwrap()
            .text
            .contains("no complete JSON")
    );
    assert_eq!(connection.answer().unwrap().status, 400);
    assert_eq!(closed(&mut connection), b"");

    for chunk in [
        "zz\r\n",
        "-1\r\n",
        "fffffffffffffffff\r\n",
        "1c",
        &format!("1;{}\r\n", "x".repeat(100_000)),
    ] {
        let head = head(
            "POST",
            PLATFORM,
            &[JSON, &token, "transfer-encoding: chunked"],
        );
        let mut connection = server.connect();
        let _ = connection.send(&[&head, chunk.as_bytes(), BODY, b"\r\n0\r\n\r\n"].concat());
        let answer = connection.answer().unwrap();
        assert_eq!(answer.status, 400, "{chunk:.9}: {answer:?}");
        assert!(
            is_problem(&answer, "ended before it was complete"),
            "{answer:?}"
        );
        assert!(server.lives(), "{chunk:.9}");
    }
}

#[test]
fn heads_are_bounded() {
    let server = Server::start();
    let token = server.authorization();
    let many = vec!["a: b"; 100];
    let long = format!("a: {}", "b".repeat(1_000_000));
    let long_path = format!("/{}", "a".repeat(1_000_000));
    for (bytes, status) in [
        (
            request(
                "POST",
                PLATFORM,
                &[&[JSON, &token][..], &many].concat(),
                BODY,
            ),
            431,
        ),
        (request("POST", PLATFORM, &[JSON, &token, &long], BODY), 431),
        (request("POST", &long_path, &[JSON, &token], BODY), 431),
        (
            request("POST", PLATFORM, &[JSON, &token, "a: \0"], BODY),
            400,
        ),
        (
            request("POST", PLATFORM, &[JSON, &token, "a\0: b"], BODY),
            400,
        ),
        (
            request("POST", PLATFORM, &[JSON, &token, "a: b\r\n c"], BODY),
            400,
        ),
        (
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            400,
        ),
        (vec![0; 1_000], 400),
    ] {
        let mut connection = server.connect();
        let _ = connection.send(&bytes);
        match connection.answer() {
            Ok(answer) => assert_eq!(answer.status, status, "{answer:?}"),
            // It closed with bytes unread, and the answer was lost with them.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
        assert!(server.lives());
    }
}

#[test]
fn what_does_not_come_is_given_up() {
    let server = Server::start();
    let token = server.authorization();
    let body = request(
        "POST",
        PLATFORM,
        &[JSON, &token, "content-length: 1000"],
        b"",
    );
    let body = String::from_utf8(body)
        .unwrap()
        .replace("content-length: 0\r\n", "");
    let chunk = head(
        "POST",
        PLATFORM,
        &[JSON, &token, "transfer-encoding: chunked"],
    );
    let started = Instant::now();
    let unfinished = [
        (body.into_bytes(), Some(408)),
        ([&chunk[..], b"5\r\n{"].concat(), Some(408)),
        (b"POST / HTTP/1.1\r\nhost: loc".to_vec(), None),
        (vec![], None),
    ]
    .map(|(bytes, status)| {
        let mut connection = server.connect();
        connection.send(&bytes).unwrap();
        (connection, bytes, status)
    });
    for (mut connection, bytes, status) in unfinished {
        let bytes = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(status) = status {
            let answer = connection.answer().unwrap();
            assert_eq!(answer.status, status, "{bytes}: {answer:?}");
            assert!(
                is_problem(&answer, "not complete within 10 s"),
                "{answer:?}"
            );
        }
        closed(&mut connection);
        assert!(started.elapsed() < Duration::from_secs(15), "{bytes}");
    }
    assert!(server.lives());
}

/// A request whose body comes in chunks.
fn chunked(token: &str, chunks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = head(
        "POST",
        PLATFORM,
        &[JSON, token, "transfer-encoding: chunked"],
    );
    for chunk in chunks {
        bytes.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

/// Waits until the other end has closed: what it sent before.
fn closed(connection: &mut Connection) -> Vec<u8> {
    match connection.rest() {
        Ok(rest) => rest,
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Vec::new(),
        Err(error) => panic!("it is still open: {error}"),
    }
}

/// Whether an answer is a problem as RFC 9457 has it, and says this.
fn is_problem(answer: &Answer, says: &str) -> bool {
    answer.header("content-type") == Some("application/problem+json")
        && answer.json()["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains(says))
}

const ME: &str = r#"{"data":{"me":{"name":"admin"}}}"#;
