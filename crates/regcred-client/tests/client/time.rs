//! Everything ends in time.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use regcred_client::{Client, Error, Outcome, TransportKind};

use crate::support::{Reply, Server, all_data, create, failed, list, log_in, with_token};

const SHORT: Duration = Duration::from_millis(400);
/// Far longer than what is asked for, so that a busy machine passes, and far shorter than what is unless asked.
const SOON: Duration = Duration::from_secs(4);

fn kind(error: &Error) -> TransportKind {
    let Error::Transport { kind, .. } = error else {
        panic!("{error:?}");
    };
    *kind
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let server = Server::new(|_, _| Reply::Silence);
    let builder = Client::builder(&server.url).request_timeout(SHORT);
    let start = Instant::now();
    let error = failed(create(&with_token(builder.clone())).await);
    assert_eq!(kind(&error), TransportKind::Timeout);
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(
        error.to_string().contains("did not answer within 0.4 s"),
        "{error}"
    );
    assert_eq!(server.seen().len(), 1);

    let error = failed(list(&with_token(builder.clone().retries(1))).await);
    assert_eq!(
        (kind(&error), error.outcome()),
        (TransportKind::Timeout, Outcome::NotDone)
    );
    assert_eq!(server.seen().len(), 3);

    let error = failed(log_in(builder.retries(0)).await);
    assert_eq!(
        (kind(&error), error.outcome()),
        (TransportKind::Timeout, Outcome::NotDone)
    );
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_that_drips() {
    let server = Server::new(|_, _| Reply::Drip(all_data()));
    let start = Instant::now();
    let client = with_token(
        Client::builder(&server.url)
            .request_timeout(SHORT)
            .retries(0),
    );
    let error = failed(list(&client).await);
    assert_eq!(kind(&error), TransportKind::Timeout);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_that_drips_its_body() {
    let server = Server::new(|_, _| {
        let whole = all_data();
        let head = whole.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
        // The head is there at once as far as a reader can tell, and what follows takes a minute.
        Reply::Drip([b"HTTP/1.1 200 OK\r\n\r\n", &whole[head..]].concat())
    });
    let start = Instant::now();
    let client = with_token(Client::builder(&server.url).total_timeout(SHORT));
    let error = failed(create(&client).await);
    assert_eq!(
        (kind(&error), error.outcome()),
        (TransportKind::Timeout, Outcome::Unknown)
    );
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_operation_as_a_whole_is_bounded() {
    let server = Server::new(|_, _| Reply::Silence);
    let builder = Client::builder(&server.url)
        .request_timeout(Duration::from_millis(100))
        .total_timeout(SHORT)
        .retries(1_000);
    let start = Instant::now();
    let error = failed(list(&with_token(builder.clone())).await);
    assert_eq!(
        (kind(&error), error.outcome()),
        (TransportKind::Timeout, Outcome::NotDone)
    );
    let error = failed(log_in(builder).await);
    assert_eq!(kind(&error), TransportKind::Timeout);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_connection_that_is_never_made() {
    // It is taken by the kernel, and nobody speaks TLS on it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let start = Instant::now();
    let client = with_token(Client::builder(&url).connect_timeout(SHORT).retries(1));
    let error = failed(create(&client).await);
    assert_eq!(
        (kind(&error), error.outcome()),
        (TransportKind::Connect, Outcome::NotDone)
    );
    assert!(error.to_string().contains("within 0.4 s"), "{error}");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}
