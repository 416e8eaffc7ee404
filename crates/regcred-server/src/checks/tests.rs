//! Ten thousand credentials at fifty registries through more than a day, on the real store, with a clock that is set by hand.
//! What the registries answer is scripted; everything else is what runs in the service.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use regcred_core::credentials::Username;
use regcred_core::ids::CredentialsId;
use regcred_core::verification::Verdict;
use regcred_core::{Clock as _, Timestamp};
use regcred_registry::{Policy, Rule};

use super::*;
use crate::testing::{World, stand_in};

/// What a registry does with the try number `number` at it, and how long that takes.
fn script(host: &str, number: usize) -> (Proof, Duration) {
    let soon = Duration::from_millis(300);
    match host {
        SLOW => (Verdict::Ok.into(), Duration::from_secs(10)),
        SILENT => (Verdict::Unreachable.into(), Duration::from_secs(10)),
        LIMITED if number.is_multiple_of(20) => {
            let limited = Proof {
                retry_after: Some(ASKED),
                ..Verdict::RateLimited.into()
            };
            (limited, soon)
        }
        REFUSING => (Verdict::Rejected.into(), soon),
        _ => (Verdict::Ok.into(), soon),
    }
}

const SLOW: &str = "r00.example";
const SILENT: &str = "r01.example";
const LIMITED: &str = "r02.example";
const REFUSING: &str = "r03.example";
const ASKED: Duration = Duration::from_mins(5);
const HOSTS: usize = 50;
const EACH: usize = 200;

/// What was seen at a registry.
#[derive(Default)]
struct Seen {
    under_way: bool,
    tries: usize,
    /// When it may be asked again at the earliest.
    not_before: Option<Timestamp>,
    /// The longest that credentials had to wait once they were due.
    late: Duration,
}

fn checks(world: &World) -> Checks {
    Checks::new(Arc::clone(&world.backend), world.metrics.clone())
}

/// What happens until `end`, and how often the store was asked for it; every rule of the pace is looked at with each try.
async fn simulate(
    world: &World,
    end: Timestamp,
    seen: &mut HashMap<String, Seen>,
    tries: &mut HashMap<CredentialsId, Vec<Timestamp>>,
) -> usize {
    let (checks, mut queue) = (&checks(world), Queue::default());
    let mut under_way: Vec<(Timestamp, Turn, ToProve, Proof)> = Vec::new();
    loop {
        let now = world.clock.now();
        let (turns, mut wait) = checks.begin(&mut queue).await.unwrap();
        for mut turn in turns {
            let claimed = world.service().claim_check(&turn.due).await.unwrap();
            let Some(claimed) = claimed else {
                // The store was asked before this one was claimed the last time.
                turn.leave();
                wait = A_MOMENT;
                continue;
            };
            let at = seen.entry(turn.due.host.clone()).or_default();
            assert!(!at.under_way, "two at once at {}", turn.due.host);
            assert!(at.not_before <= Some(now), "too soon at {}", turn.due.host);
            let (proof, takes) = script(&turn.due.host, at.tries);
            at.late = at.late.max(now.since(turn.due.due));
            (at.under_way, at.tries) = (true, at.tries + 1);
            tries.entry(turn.due.credentials).or_default().push(now);
            under_way.push((now.plus(takes), turn, claimed, proof));
        }
        assert!(under_way.len() <= 4, "people find a place");
        let next_end = under_way.iter().map(|(end, ..)| *end).min();
        let next = now.plus(wait).min(next_end.unwrap_or(end));
        if next >= end {
            break;
        }
        world.clock.set(next);
        while let Some(over) = under_way.iter().position(|(end, ..)| *end <= next) {
            let (_, turn, proved, proof) = under_way.swap_remove(over);
            let at = seen.get_mut(&turn.due.host).unwrap();
            let pause = match proof.verdict {
                Verdict::RateLimited => ASKED,
                Verdict::Unreachable => Duration::from_mins(1),
                _ => Duration::from_secs(2),
            };
            (at.under_way, at.not_before) = (false, Some(next.plus(pause)));
            checks.finish(turn, &proved, &proof).await.unwrap();
        }
    }
    for (_, turn, proved, proof) in under_way {
        checks.finish(turn, &proved, &proof).await.unwrap();
    }
    world.clock.set(end);
    queue.fills
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_credentials_at_fifty_registries_are_tried_gently_and_all_of_them() {
    let world = World::new(Policy::default(), Vec::new()).await;
    let start = world.clock.now();
    for host in 0..HOSTS {
        let name = format!("r{host:02}.example");
        world
            .create(&name, (0..EACH).map(|number| number.to_string()))
            .await;
    }
    let hours = |hours| start.plus(Duration::from_hours(hours));
    let (mut seen, mut tries) = (HashMap::new(), HashMap::new());

    // New credentials are tried within the hour, however slow or silent others are.
    simulate(&world, hours(4), &mut seen, &mut tries).await;
    let of = |seen: &HashMap<String, Seen>, host: &str| seen[host].tries;
    let [slow, silent, limited, refusing] =
        [SLOW, SILENT, LIMITED, REFUSING].map(|host| of(&seen, host));
    assert_eq!((slow, refusing), (EACH, EACH));
    assert!((10..30).contains(&silent), "less and less: {silent}");
    assert!((EACH..EACH + 20).contains(&limited), "{limited}");
    for (host, at) in &seen {
        if [SLOW, SILENT, LIMITED].contains(&host.as_str()) {
            continue;
        }
        assert_eq!(at.tries, EACH, "{host}");
        assert!(at.late < Duration::from_secs(90), "{host}: {:?}", at.late);
    }
    let of_silent = tries.len() - (HOSTS - 1) * EACH;
    assert!((1..=silent).contains(&of_silent), "all others were tried");
    for (metric, expected) in [
        ("regcred_checks_total{verdict=\"ok\"}", (HOSTS - 2) * EACH),
        ("regcred_checks_total{verdict=\"rejected\"}", EACH),
        ("regcred_alerts_total{kind=\"rejected\"}", EACH),
    ] {
        assert_eq!(world.metric(metric), expected.to_string(), "{metric}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_is_tried_once_a_period_and_what_is_refused_less_and_less() {
    const FEW: usize = 10;
    let world = World::new(Policy::default(), Vec::new()).await;
    let start = world.clock.now();
    let mut of_host = HashMap::new();
    for host in [SLOW, SILENT, LIMITED, REFUSING, "good.example"] {
        world
            .create(host, (0..FEW).map(|number| number.to_string()))
            .await;
    }
    let rows = world
        .service()
        .list_credentials(&world.caller, world.project)
        .await;
    for row in rows.unwrap() {
        of_host.insert(row.id, row.registry.key().host().to_owned());
    }
    let (mut seen, mut tries) = (HashMap::new(), HashMap::new());
    let end = start.plus(Duration::from_hours(15 * 24));
    simulate(&world, end, &mut seen, &mut tries).await;
    let of = |host: &str| {
        let those = tries.iter().filter(|(id, _)| of_host[id] == host);
        let gaps = |moments: &Vec<Timestamp>| {
            let pairs = moments.windows(2);
            pairs.map(|pair| pair[1].since(pair[0])).collect::<Vec<_>>()
        };
        those.map(|(_, moments)| gaps(moments)).collect::<Vec<_>>()
    };
    let day = Duration::from_hours(24);
    // The longest that a try comes late: behind all others of its host.
    let slack = Duration::from_mins(20);
    for host in ["good.example", SLOW] {
        let all = of(host);
        assert_eq!(all.len(), FEW);
        for gap in all.into_iter().flatten() {
            assert!(
                (day * 9 / 10..day + slack).contains(&gap),
                "{host}: {gap:?}"
            );
        }
    }
    for gaps in of(REFUSING) {
        assert_eq!(gaps.len(), 4, "five failed logins in two weeks");
        for (gap, days) in gaps.into_iter().zip([1, 2, 4, 7]) {
            let expected = day * days;
            assert!(
                (expected * 9 / 10..expected + slack).contains(&gap),
                "{gap:?}"
            );
        }
    }
    for gaps in of(SILENT) {
        // From five minutes to a day, and once a day from then on.
        assert!((15..35).contains(&gaps.len()), "{}", gaps.len());
        assert!(gaps.last() > gaps.first());
    }
    for gaps in of(LIMITED) {
        let asked = ASKED..day + slack + ASKED * 2;
        assert!(gaps.iter().all(|gap| asked.contains(gap)), "{gaps:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_refused_is_not_locked_however_many_credentials_have_it() {
    const PROJECTS: usize = 12;
    let world = World::new(Policy::default(), Vec::new()).await;
    let start = world.clock.now();
    let mut shared = Vec::new();
    for number in 0..PROJECTS {
        let registry = format!("{REFUSING}/p{number}");
        shared.push(world.create_one(&registry, "shared", None).await.id);
        world.create_one(&registry, &number.to_string(), None).await;
    }
    let (mut seen, mut tries) = (HashMap::new(), HashMap::new());
    let hours = |hours| start.plus(Duration::from_hours(hours));
    simulate(&world, hours(4), &mut seen, &mut tries).await;
    assert_eq!(seen[REFUSING].tries, PROJECTS + 1, "others go on");

    simulate(&world, hours(14 * 24), &mut seen, &mut tries).await;
    let of_account = |tries: &HashMap<CredentialsId, Vec<Timestamp>>| {
        let of = shared.iter().filter_map(|id| tries.get(id));
        let mut logins: Vec<_> = of.flatten().copied().collect();
        logins.sort();
        logins
    };
    let logins = of_account(&tries);
    let day = Duration::from_hours(24);
    for pair in logins.windows(2) {
        assert!(pair[1].since(pair[0]) >= day * 9 / 10, "{logins:?}");
    }
    // No sooner than if it were one of them.
    assert!((4..=6).contains(&logins.len()), "{logins:?}");
    for (id, moments) in &tries {
        assert!(shared.contains(id) || moments.len() == 5, "{moments:?}");
    }

    // Once somebody finds that it works, the others are tried within a day.
    let before = logins.len();
    let now = world.clock.now();
    let username = Username::parse("shared".to_owned()).unwrap();
    let backend = &world.backend;
    backend
        .accounts()
        .hear(REFUSING, &username, None, Verdict::Ok, now);
    simulate(&world, hours(15 * 24 + 1), &mut seen, &mut tries).await;
    assert!(of_account(&tries).len() > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_not_asked_with_each_try_however_many_hosts_there_are() {
    const MANY: usize = 3_000;
    let world = World::new(Policy::default(), Vec::new()).await;
    let start = world.clock.now();
    for host in 0..MANY {
        let name = format!("h{host}.example");
        world.create(&name, std::iter::once("me".to_owned())).await;
    }
    let (mut seen, mut tries) = (HashMap::new(), HashMap::new());
    let hours = |hours| start.plus(Duration::from_hours(hours));
    let asked = simulate(&world, hours(2), &mut seen, &mut tries).await;
    assert_eq!(tries.len(), MANY);
    assert!(asked <= 2 * 60 + 1, "as time goes by: {asked}");
    // All of them late, as behind an outage: as it is used up.
    world.clock.set(hours(40));
    let end = hours(40).plus(Duration::from_mins(5));
    let asked = simulate(&world, end, &mut seen, &mut tries).await;
    assert!(tries.values().all(|moments| moments.len() == 2));
    assert!(asked <= MANY / 256 + 1 + 5, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_refuses_from_one_day_to_the_next_is_noticed_and_told_of_once() {
    let refuses = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&refuses);
    let address = stand_in(move |request| {
        let knows = request.contains("authorization: Basic bWU6cA==");
        let lets = knows && !told.load(Ordering::Relaxed);
        let status = if lets { "200 OK" } else { "401 No" };
        format!("HTTP/1.1 {status}\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n")
    });
    let address = address.await.to_string();
    let rule = Rule {
        host: address.clone(),
        allow_private: true,
        allow_http: true,
        ..Rule::default()
    };
    let world = World::new(Policy::new(vec![rule], Vec::new()), Vec::new()).await;
    world
        .create(&address, std::iter::once("me".to_owned()))
        .await;
    let start = world.clock.now();
    let rejected = || world.metric("regcred_alerts_total{kind=\"rejected\"}");
    for (day, verdict, told) in [
        (0, Verdict::Ok, "0"),
        (2, Verdict::Rejected, "1"),
        (6, Verdict::Rejected, "1"),
        (20, Verdict::Ok, "1"),
        (22, Verdict::Rejected, "2"),
    ] {
        refuses.store(verdict.is_bad(), Ordering::Relaxed);
        world
            .clock
            .set(start.plus(Duration::from_hours(day * 24 + 2)));
        let stopping = watch::Sender::new(false);
        let running = tokio::spawn(checks(&world).run(stopping.subscribe()));
        let latest = || async {
            let (service, caller) = (world.service(), &world.caller);
            let proofs = service.verifications(caller, world.project, None).await;
            proofs.unwrap().first().copied()
        };
        let now = world.clock.now();
        let proof = loop {
            match latest().await {
                Some(proof) if proof.at == now => break proof,
                _ => tokio::task::yield_now().await,
            }
        };
        assert_eq!(proof.verdict, verdict, "day {day}");
        stopping.send_replace(true);
        running.await.unwrap();
        assert_eq!(rejected(), told, "day {day}");
    }
    assert_eq!(
        world.service().verify_trail().await.unwrap(),
        8,
        "all of it is audited"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_out_is_told_of_a_week_before_and_when_it_is_over() {
    let world = World::new(Policy::default(), Vec::new()).await;
    let start = world.clock.now();
    let days = |days: u64| start.plus(Duration::from_hours(24 * days));
    world.create_one("a.example", "me", Some(days(30))).await;
    for (day, expiring, expired) in [
        (0, "0", "0"),
        (22, "0", "0"),
        (24, "1", "0"),
        (29, "1", "0"),
        (31, "1", "1"),
        (90, "1", "1"),
    ] {
        world.clock.set(days(day));
        let stopping = watch::Sender::new(true);
        let mut stopped = stopping.subscribe();
        // It has to see that it is to stop once it has nothing more to tell.
        stopped.mark_changed();
        tell_expiries(Arc::clone(&world.backend), stopped).await;
        let told = |kind| world.metric(&format!("regcred_alerts_total{{kind=\"{kind}\"}}"));
        assert_eq!(
            (told("expiring"), told("expired")),
            (expiring.to_owned(), expired.to_owned()),
            "day {day}"
        );
    }
}
