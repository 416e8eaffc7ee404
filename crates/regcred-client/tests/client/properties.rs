//! Whatever a server answers: data or an error, never a panic.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use regcred_client::Client;
use tokio::runtime::Runtime;

use crate::support::{
    Reply, Server, all_data, create, explain, http, json_text, list, log_in, pull, pulled,
    shows_no_secret, with_token,
};

/// A server that answers whatever lies in the cell.
fn server() -> (Server, Arc<Mutex<Vec<u8>>>) {
    let cell = Arc::new(Mutex::new(Vec::new()));
    let answer = Arc::clone(&cell);
    let server = Server::new(move |_, _| Reply::Last(answer.lock().unwrap().clone()));
    (server, cell)
}

/// Each operation ends; its error shows no secret.
fn ask(runtime: &Runtime, server: &Server) {
    let builder = Client::builder(&server.url).retries(0);
    let client = with_token(builder.clone());
    runtime.block_on(async {
        for done in [
            list(&client).await.map(|_| ()),
            create(&client).await,
            log_in(builder).await.map(|_| ()),
            pull(&client).await.map(|_| ()),
            explain(&client).await.map(|_| ()),
        ] {
            if let Err(error) = done {
                shows_no_secret(&error);
                assert!(!error.to_string().is_empty());
            }
        }
    });
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn any_bytes() {
    let (server, cell) = server();
    let runtime = Runtime::new().unwrap();
    proptest!(config(), |(bytes: Vec<u8>)| {
        *cell.lock().unwrap() = bytes;
        ask(&runtime, &server);
    });
}

#[test]
fn any_body_under_any_status() {
    let (server, cell) = server();
    let runtime = Runtime::new().unwrap();
    proptest!(config(), |(status in 200..600_u16, body: Vec<u8>)| {
        // A status without a body is a matter of its own.
        *cell.lock().unwrap() = http(&format!("{status} x"), &[], body);
        ask(&runtime, &server);
    });
}

#[test]
fn a_good_answer_with_any_damage() {
    let (server, cell) = server();
    let runtime = Runtime::new().unwrap();
    let good = json_text(pulled().to_string());
    damaged(&good, &server, &cell, &runtime);
    damaged(&all_data(), &server, &cell, &runtime);
}

fn damaged(good: &[u8], server: &Server, cell: &Mutex<Vec<u8>>, runtime: &Runtime) {
    let head = good.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let damage = prop::collection::vec((head..good.len(), any::<u8>()), 1..4);
    proptest!(config(), |(damage in damage, length in head..good.len())| {
        let mut answer = good.to_vec();
        for (place, byte) in damage {
            answer[place] = byte;
        }
        // Half of them are cut as well.
        if length % 2 == 0 {
            answer.truncate(length);
        }
        *cell.lock().unwrap() = answer;
        ask(runtime, server);
    });
}
