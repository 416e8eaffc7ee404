//! Receivers of webhooks: what they are sent, what their answers mean, and where nothing is ever sent to.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use regcred_core::Timestamp;
use regcred_core::webhook::SigningSecret;
use regcred_registry::{Attempt, Courier, Message, Resolve, Webhook};

use crate::server::{Server, http};
use crate::world::names;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn webhook(url: &str, allow_http: bool) -> Result<Webhook, &'static str> {
    let secret = SigningSecret::parse(SECRET).unwrap();
    Webhook::new(url, secret, None, allow_http)
}

/// One attempt at a receiver whose name leads to these addresses.
async fn deliver(server: &Server, leads_to: io::Result<Vec<IpAddr>>) -> Attempt {
    let port = server.address.port();
    let webhook = webhook(&format!("http://hooks.test:{port}/in?key=k"), true).unwrap();
    assert_eq!(webhook.host(), format!("hooks.test:{port}"));
    let resolver = names([leads_to]) as Arc<dyn Resolve>;
    let courier = Courier::new(vec!["127.0.0.9:8490".parse().unwrap()], resolver);
    let message = Message {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        at: Timestamp::from_micros(1_614_265_330_000_000),
        body: r#"{"test": 2432232314}"#,
    };
    courier.deliver(&webhook, &message).await
}

fn here() -> Vec<IpAddr> {
    vec![Ipv4Addr::LOCALHOST.into()]
}

fn failed(status: Option<u16>, asked: Option<u64>) -> Attempt {
    Attempt::Failed {
        status,
        asked: asked.map(Duration::from_secs),
    }
}

#[tokio::test]
async fn a_receiver_gets_what_standard_webhooks_says_and_its_answer_counts() {
    for (status, headers, expected) in [
        (200, &[][..], Attempt::Taken),
        (204, &[], Attempt::Taken),
        (410, &[], Attempt::Gone),
        (404, &[], failed(Some(404), None)),
        (429, &[("retry-after", "77")], failed(Some(429), Some(77))),
        (503, &[("retry-after", "1")], failed(Some(503), Some(1))),
    ] {
        let receiver = Server::start();
        receiver.answers(move |_| Some(http(status, headers, "")));
        assert_eq!(deliver(&receiver, Ok(here())).await, expected, "{status}");
        let seen = receiver.seen();
        for part in [
            "POST /in?key=k HTTP/1.1\r\n",
            "content-type: application/json\r\n",
            "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\n",
            "webhook-timestamp: 1614265330\r\n",
            "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n",
            "\r\n\r\n{\"test\": 2432232314}",
        ] {
            assert!(seen.contains(part), "{part} is not in {seen}");
        }
        assert_eq!(seen.matches("POST ").count(), 1);
    }
}

#[tokio::test]
async fn nobody_is_followed_and_no_answer_is_read_to_its_end() {
    let (receiver, other) = (Server::start(), Server::start());
    let elsewhere = format!("http://{}/", other.address);
    receiver.answers(move |_| Some(http(307, &[("location", &elsewhere)], "")));
    assert_eq!(
        deliver(&receiver, Ok(here())).await,
        failed(Some(307), None)
    );
    assert_eq!(other.seen(), "");
    // A body without an end, of which the head is there.
    let endless = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nonly this";
    receiver.answers(|_| Some(endless.to_vec()));
    let began = Instant::now();
    assert_eq!(deliver(&receiver, Ok(here())).await, Attempt::Taken);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn no_address_of_metadata_and_not_the_service_itself_is_reached() {
    let receiver = Server::start();
    receiver.answers(|_| Some(http(200, &[], "")));
    for address in [
        "169.254.169.254",
        "fe80::1",
        "0.0.0.0",
        "224.0.0.1",
        "fd00:ec2::254",
    ] {
        let both = vec![Ipv4Addr::LOCALHOST.into(), address.parse().unwrap()];
        assert_eq!(
            deliver(&receiver, Ok(both)).await,
            failed(None, None),
            "{address}"
        );
    }
    let nowhere = Err(io::ErrorKind::NotFound.into());
    assert_eq!(deliver(&receiver, nowhere).await, failed(None, None));
    assert_eq!(receiver.seen(), "");

    let own = receiver.address;
    let courier = Courier::new(vec![own], names([Ok(here())]));
    let webhook = webhook(&format!("http://{own}/"), true).unwrap();
    let message = Message {
        id: "x",
        at: Timestamp::EPOCH,
        body: "{}",
    };
    assert_eq!(
        courier.deliver(&webhook, &message).await,
        failed(None, None)
    );
    assert_eq!(receiver.seen(), "");
}

#[test]
fn urls_that_cannot_be_used_say_why_and_are_not_repeated() {
    for (url, why) in [
        ("", "is no URL"),
        ("hooks.test/in", "is no URL"),
        ("http://hooks.test/in", "is plain http"),
        ("ftp://hooks.test/in", "is not https"),
        ("https://me:pa55@hooks.test/in", "has a login"),
        ("https://me@hooks.test/in", "has a login"),
    ] {
        let told = webhook(url, false).err().unwrap();
        assert!(
            told.starts_with(why) && !told.contains("pa55"),
            "{url}: {told}"
        );
    }
    let one = webhook("https://hooks.test/in?a", false).unwrap();
    let other = webhook("https://hooks.test/in?b", false).unwrap();
    assert!(one.target() != other.target() && !one.target().as_str().contains("hooks"));
}
