//! The cases. Each says what the registry does, what the verdict is, and how often it got credentials.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering;

use regcred_registry::Rule;
use regcred_registry::Verdict::{
    self, Blocked, NoPullRight, Ok as Proved, RateLimited, Rejected, Unreachable, Unverifiable,
};

use crate::server::http;
use crate::world::{World, names};

/// A registry that asks for Basic, and answers whoever brings credentials with `status`.
fn basic(status: u16) -> impl Fn(&str) -> Option<Vec<u8>> {
    move |request| {
        let brings = request.contains("authorization: Basic ");
        Some(if brings {
            http(status, &[], "")
        } else {
            http(401, &[("www-authenticate", "Basic realm=\"r\"")], "")
        })
    }
}

/// A registry that asks for a token of `realm`, and answers whoever brings one with `status`; `token` is what its own
/// token server says.
fn bearer(realm: String, token: (u16, String), status: u16) -> impl Fn(&str) -> Option<Vec<u8>> {
    move |request| {
        Some(if request.starts_with("GET /token") {
            http(token.0, &[], &token.1)
        } else if request.contains("authorization: Bearer ") {
            http(status, &[], "")
        } else {
            let challenge = format!("Bearer realm=\"{realm}\",service=\"the service\"");
            http(401, &[("www-authenticate", &challenge)], "")
        })
    }
}

/// A world whose registry has its realm on itself.
fn with_tokens(token: (u16, &str), status: u16) -> World {
    let world = World::new();
    let realm = format!("http://{}/token", world.rule.host);
    let token = (token.0, token.1.to_owned());
    world.registry.answers(bearer(realm, token, status));
    world
}

const TOKEN: &str = r#"{"token":"granted"}"#;

#[tokio::test]
async fn a_login_is_proved_by_basic_or_by_a_token() {
    for (status, expected) in [
        (200, Proved),
        (401, Rejected),
        (403, Rejected),
        (404, Unverifiable),
        (429, RateLimited),
        (500, Unreachable),
        (503, Unreachable),
        (204, Unverifiable),
        (302, Unverifiable),
    ] {
        let world = World::new();
        world.registry.answers(basic(status));
        assert_eq!(world.verdict().await, expected, "Basic, {status}");
        assert_eq!(world.logins(), 1, "Basic, {status}");
        let world = with_tokens((200, TOKEN), status);
        assert_eq!(world.verdict().await, expected, "registry, {status}");
        assert_eq!(
            world.logins(),
            1,
            "the password goes to the token server alone"
        );
        let seen = world.registry.seen();
        assert!(seen.contains("authorization: Bearer granted"), "{seen}");
        let query =
            "/token?service=the+service&account=robot%24name&client_id=regcred&offline_token=true ";
        assert!(seen.contains(query), "{seen}");
    }
    for (token, expected) in [
        ((401, ""), Rejected),
        ((403, ""), Rejected),
        ((400, ""), Unverifiable),
        ((404, ""), Unverifiable),
        ((429, ""), RateLimited),
        ((502, ""), Unreachable),
        ((200, ""), Unverifiable),
        ((200, "{}"), Unverifiable),
        ((200, "[]"), Unverifiable),
        ((200, "token"), Unverifiable),
        ((200, r#"{"token":""}"#), Unverifiable),
        ((200, r#"{"token":7}"#), Unverifiable),
        ((200, r#"{"token":"a\r\nx-evil: b"}"#), Unverifiable),
        ((200, r#"{"access_token":"granted"}"#), Proved),
        (
            (200, r#"{"token":"granted","access_token":"other"}"#),
            Proved,
        ),
    ] {
        let world = with_tokens(token, 200);
        assert_eq!(world.verdict().await, expected, "token server, {token:?}");
        assert_eq!(world.logins(), 1, "{token:?}");
    }
}

#[tokio::test]
async fn without_a_challenge_that_can_be_met_nothing_is_sent() {
    for (status, headers, expected) in [
        (200, &[][..], Unverifiable),
        (403, &[], Unverifiable),
        (404, &[], Unverifiable),
        (429, &[("retry-after", "9")], RateLimited),
        (500, &[], Unreachable),
        (401, &[], Unverifiable),
        (
            401,
            &[("www-authenticate", "Digest realm=\"d\", nonce=\"n\"")],
            Unverifiable,
        ),
        (
            401,
            &[("www-authenticate", "Bearer service=\"s\"")],
            Unverifiable,
        ),
        (401, &[("www-authenticate", "Bearer realm=\"\"")], Blocked),
        (
            401,
            &[("www-authenticate", "Bearer realm=\"/token\"")],
            Blocked,
        ),
        (401, &[("www-authenticate", "\u{e9}")], Unverifiable),
    ] {
        let world = World::new();
        let answer = http(status, headers, "");
        world.registry.answers(move |_| Some(answer.clone()));
        assert_eq!(world.verdict().await, expected, "{status} {headers:?}");
        assert_eq!(world.logins(), 0, "{status} {headers:?}");
    }
    // Of several, in several headers and in any order, the first one that can be met.
    let world = World::new();
    world.registry.answers(|request| {
        let headers = [
            ("WWW-Authenticate", "Negotiate"),
            ("www-authenticate", "Digest nonce=n, bAsIc"),
        ];
        let brings = request.contains("authorization: Basic ");
        Some(if brings {
            http(200, &[], "")
        } else {
            http(401, &headers, "")
        })
    });
    assert_eq!(world.verdict().await, Proved);
    // An identity token is none that can be proved so.
    let mut world = World::new();
    world.username = "<token>";
    world.registry.answers(basic(200));
    assert_eq!(world.verdict().await, Unverifiable);
    assert_eq!(world.registry.seen(), "");
}

#[tokio::test]
async fn a_realm_elsewhere_gets_nothing() {
    let port = |of: &World| (of.sibling.address.port(), of.other.address.port());
    for realm in [
        "http://registry.test:SIBLING/token",
        "http://other.test:OTHER/token",
        "https://other.test:OTHER/token",
        "http://127.0.0.1:OTHER/token",
        "http://[::1]:OTHER/token",
        "http://[::ffff:127.0.0.1]:OTHER/token",
        "http://2130706433:OTHER/token",
        "http://0x7f.1:OTHER/token",
        "http://registry.test:REGISTRY@other.test:OTHER/token",
        "http://other.test:OTHER#@registry.test:REGISTRY/token",
        "http://other.test:OTHER\\\\@registry.test:REGISTRY/token",
        "http://user:pw@registry.test:REGISTRY/token",
        "http://registry.test.:REGISTRY/token",
        "http://registry.test.other.test:OTHER/token",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/",
        "http://10.0.0.1/token",
        "//other.test:OTHER/token",
        "ftp://registry.test:REGISTRY/token",
        "javascript:alert(1)",
    ] {
        let world = World::new();
        let (sibling, other) = port(&world);
        let realm = realm
            .replace("SIBLING", &sibling.to_string())
            .replace("OTHER", &other.to_string())
            .replace("REGISTRY", &world.registry.address.port().to_string());
        world
            .registry
            .answers(bearer(realm.clone(), (200, TOKEN.to_owned()), 200));
        let verdict = world.verdict().await;
        assert_eq!(verdict, Blocked, "{realm}");
        assert_eq!(world.logins(), 0, "{realm}");
        assert!(
            world.other.seen().is_empty() && world.sibling.seen().is_empty(),
            "{realm}"
        );
    }
}

#[tokio::test]
async fn a_listed_realm_gets_them_and_only_at_an_address_that_is_allowed() {
    for (allowed, expected) in [(true, Proved), (false, Blocked)] {
        let mut world = World::new();
        let host = format!("auth.test:{}", world.other.address.port());
        world.rule.realm_hosts = vec![host.clone()];
        world.more.push(Rule {
            host: host.clone(),
            allow_private: allowed,
            allow_http: true,
            ..Rule::default()
        });
        let realm = format!("http://{host}/token");
        world
            .registry
            .answers(bearer(realm, (500, String::new()), 200));
        assert_eq!(world.verdict_of(&world.rule.host).await, expected);
        let came = crate::world::secrets_in(&world.other.seen());
        assert_eq!(came, usize::from(allowed), "the listed realm");
        assert_eq!(world.logins(), 0, "the registry itself needs no password");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        for step in ["anonymous", "basic", "token", "registry"] {
            let world = World::new();
            let elsewhere = format!("http://other.test:{}/v2/", world.other.address.port());
            let realm = format!("http://{}/token", world.rule.host);
            world.registry.answers(move |request| {
                let away = || http(status, &[("location", &elsewhere)], "");
                let ask = |challenge: &str| http(401, &[("www-authenticate", challenge)], "");
                let token = format!("Bearer realm=\"{realm}\"");
                let brings = request.contains("authorization: ");
                Some(match (step, request.starts_with("GET /token"), brings) {
                    ("anonymous", ..)
                    | ("basic", _, true)
                    | ("token", true, _)
                    | ("registry", false, true) => away(),
                    ("basic", ..) => ask("Basic"),
                    (_, true, _) => http(200, &[], TOKEN),
                    _ => ask(&token),
                })
            });
            assert_eq!(world.verdict().await, Unverifiable, "{status} at {step}");
            assert_eq!(world.other.seen(), "", "{status} at {step}");
        }
    }
}

#[tokio::test]
async fn names_lead_only_to_addresses_that_are_allowed() {
    let local = || -> IpAddr { Ipv4Addr::LOCALHOST.into() };
    let parse = |text: &str| -> IpAddr { text.parse().unwrap() };
    for (addresses, expected) in [
        (vec![local(), parse("169.254.169.254")], Blocked),
        (vec![local(), parse("::ffff:127.0.0.1")], Blocked),
        (vec![parse("0.0.0.0")], Blocked),
        (vec![parse("224.0.0.1")], Blocked),
        (vec![parse("fe80::1")], Blocked),
        (vec![parse("64:ff9b::7f00:1")], Blocked),
        (vec![], Unreachable),
        (vec![local()], Proved),
    ] {
        let mut world = World::new();
        world.names = names([Ok(addresses.clone())]);
        world.registry.answers(basic(200));
        assert_eq!(world.verdict().await, expected, "{addresses:?}");
        if expected != Proved {
            assert_eq!(world.registry.seen(), "", "{addresses:?}");
        }
    }
    let mut world = World::new();
    world.names = names([Err(std::io::ErrorKind::NotFound.into())]);
    assert_eq!(world.verdict().await, Unreachable);

    // An answer that changes is not asked for again: the connection goes to what was looked at.
    let mut world = World::new();
    world.names = names([Ok(vec![local()]), Ok(vec![parse("169.254.169.254")])]);
    let realm = format!("http://{}/token", world.rule.host);
    world
        .registry
        .answers(bearer(realm, (200, TOKEN.to_owned()), 200));
    assert_eq!(world.verdict().await, Proved);
    assert_eq!(world.names.asked.load(Ordering::Relaxed), 1);

    // Without a word of an admin's, nothing private and nothing plain; the service itself, never.
    for refuse in [
        (|world: &mut World| world.rule.allow_private = false) as fn(&mut World),
        |world| world.own = vec![world.registry.address],
        |world| world.rule.host = "somebody.else".to_owned(),
    ] {
        let mut world = World::new();
        world.registry.answers(basic(200));
        let registry = world.rule.host.clone();
        refuse(&mut world);
        assert_eq!(world.verdict_of(&registry).await, Blocked);
        assert_eq!(world.registry.seen(), "");
    }
    let mut world = World::new();
    world.rule.allow_http = false;
    world.registry.answers(basic(200));
    assert_eq!(
        world.verdict().await,
        Unreachable,
        "TLS, which it does not speak"
    );
    assert_eq!(world.logins(), 0);
    // What only looks like a name is the address that a URL makes of it.
    let world = World::new();
    for host in ["0x7f000001", "0x7f.0x1"] {
        let registry = format!("{host}:{}", world.registry.address.port());
        assert_eq!(world.verdict_of(&registry).await, Blocked, "{host}");
    }
    assert_eq!(
        (
            world.registry.seen().as_str(),
            world.names.asked.load(Ordering::Relaxed)
        ),
        ("", 0)
    );
}

#[tokio::test]
async fn what_is_no_answer_is_no_proof() {
    let header = format!("x: {}\r\n", "y".repeat(1 << 20));
    for (answer, expected) in [
        (b"garbage\r\n\r\n".to_vec(), Unreachable),
        (vec![0; 1000], Unreachable),
        (b"HTTP/1.1 200".to_vec(), Unreachable),
        (
            format!("HTTP/1.1 401 No\r\n{header}\r\n").into_bytes(),
            Unreachable,
        ),
        (
            "HTTP/1.1 401 No\r\nx: y\r\n".repeat(1_000).into_bytes(),
            Unreachable,
        ),
        (
            http(401, &[("www-authenticate", "Basic")], &"x".repeat(1 << 20)),
            Unverifiable,
        ),
        (http(200, &[], &"x".repeat(1 << 20)), Unverifiable),
    ] {
        let world = World::new();
        let told = answer.clone();
        world.registry.answers(move |_| Some(told.clone()));
        let short = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let verdict = tokio::time::timeout(std::time::Duration::from_secs(15), world.verdict());
        assert_eq!(verdict.await.expect("an end"), expected, "{short}");
        assert_eq!(world.logins(), 0, "{short}");
    }
    // Nobody there.
    let world = World::new();
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut rule = world.rule.clone();
    rule.host = format!("gone.test:{}", gone.port());
    let world = World {
        more: vec![rule.clone()],
        ..world
    };
    assert_eq!(world.verdict_of(&rule.host).await, Unreachable);
}

#[tokio::test]
async fn what_hangs_ends_within_ten_seconds() {
    let started = std::time::Instant::now();
    let silent = World::new();
    let at_token = World::new();
    let realm = format!("http://{}/token", at_token.rule.host);
    let ask = bearer(realm, (200, TOKEN.to_owned()), 200);
    at_token.registry.answers(move |request| {
        (!request.starts_with("GET /token"))
            .then(|| ask(request))
            .flatten()
    });
    let verdicts = tokio::join!(silent.verdict(), at_token.verdict());
    assert_eq!(verdicts, (Unreachable, Unreachable));
    assert!(
        started.elapsed() < std::time::Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_probe_proves_the_right_to_pull() {
    for (status, expected) in [
        (200, Proved),
        (404, Unverifiable),
        (401, NoPullRight),
        (403, NoPullRight),
        (429, RateLimited),
        (500, Unreachable),
        (302, Unverifiable),
    ] {
        for tokens in [false, true] {
            let verdict = probed(status, tokens).await;
            assert_eq!(verdict, expected, "{status}, tokens: {tokens}");
        }
    }
    // The probe is of the same registry, or nothing is sent.
    let mut world = World::new();
    world.probe = Some("elsewhere.test/team/app".to_owned());
    world.registry.answers(basic(200));
    assert_eq!(world.verdict().await, Unverifiable);
    assert_eq!(world.registry.seen(), "");
}

async fn probed(status: u16, tokens: bool) -> Verdict {
    let mut world = World::new();
    world.probe = Some(format!("{}/team/app:1", world.rule.host));
    let realm = format!("http://{}/token", world.rule.host);
    world.registry.answers(move |request| {
        let challenge = if tokens {
            format!("Bearer realm=\"{realm}\"")
        } else {
            "Basic".to_owned()
        };
        Some(if request.starts_with("HEAD /v2/team/app/manifests/1 ") {
            http(status, &[], "")
        } else if request.starts_with("GET /token") {
            http(200, &[], TOKEN)
        } else if request.contains("authorization: ") {
            http(200, &[], "")
        } else {
            http(401, &[("www-authenticate", &challenge)], "")
        })
    });
    let verdict = world.verdict().await;
    let seen = world.registry.seen();
    assert_eq!(
        seen.contains("scope=repository%3Ateam%2Fapp%3Apull"),
        tokens,
        "{seen}"
    );
    verdict
}

#[tokio::test]
async fn how_long_to_wait_and_when_it_ends_is_heard_from_whoever_may_say_so() {
    use std::time::Duration;

    // By Basic: what the registry answers to the anonymous request, and to one with credentials.
    const END: (&str, &str) = (
        "github-authentication-token-expiration",
        "2126-12-25 10:00:00 UTC",
    );
    const WAIT: (&str, &str) = ("retry-after", "77");
    let proof_of = async |anonymous: Vec<u8>, known: Vec<u8>| {
        let world = World::new();
        world.registry.answers(move |request| {
            let brings = request.contains("authorization: Basic ");
            Some(if brings {
                known.clone()
            } else {
                anonymous.clone()
            })
        });
        let proof = world.proof_of(&world.rule.host).await;
        let end = proof.expires.map(|end| end.rfc3339(0));
        (
            proof.verdict,
            proof.retry_after.map(|wait| Duration::as_secs(&wait)),
            end,
        )
    };
    let challenge = ("www-authenticate", "Basic");
    let asks = || http(401, &[challenge], "");
    let end = Some("2126-12-25T10:00:00Z".to_owned());
    assert_eq!(
        proof_of(asks(), http(200, &[END, WAIT], "")).await,
        (Proved, None, end)
    );
    assert_eq!(
        proof_of(asks(), http(429, &[END, WAIT], "")).await,
        (RateLimited, Some(77), None)
    );
    assert_eq!(
        proof_of(http(429, &[WAIT], ""), asks()).await,
        (RateLimited, Some(77), None)
    );
    assert_eq!(
        proof_of(asks(), http(429, &[], "")).await,
        (RateLimited, None, None)
    );
    // Who was not let in is told nothing, and what is said to strangers does not count.
    assert_eq!(
        proof_of(asks(), http(401, &[END, WAIT], "")).await,
        (Rejected, None, None)
    );
    assert_eq!(
        proof_of(http(401, &[challenge, END, WAIT], ""), http(200, &[], "")).await,
        (Proved, None, None)
    );
    assert_eq!(
        proof_of(asks(), http(503, &[WAIT], "")).await,
        (Unreachable, None, None)
    );
}
