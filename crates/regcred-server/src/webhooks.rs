//! What waits for webhooks is delivered: one task for each, so that none waits for another.
//!
//! The store has what waits, and forgets it once it was taken. A delivery that was taken while the process ended, or the store
//! could not write, comes again with the same id.

use std::sync::Arc;
use std::time::Duration;

use regcred_core::webhook::Delivery;
use regcred_core::{Result, Timestamp};
use regcred_registry::{Attempt, Courier, Message, Webhook};
use tokio::sync::watch;

use crate::app::Backend;
use crate::checks::LOOK_FOR_THE_LEAD;
use crate::metrics::Metrics;

/// What delivers to one webhook.
pub(crate) struct Deliveries {
    pub(crate) backend: Arc<Backend>,
    pub(crate) metrics: Metrics,
    pub(crate) courier: Arc<Courier>,
    pub(crate) webhook: Webhook,
    pub(crate) rest: Rest,
}

/// For how long a receiver is left alone that did not take something, whatever else waits for it.
#[derive(Default)]
pub(crate) struct Rest {
    until: Option<Timestamp>,
    pause: Duration,
}

impl Rest {
    /// Twice as long as the time before, and as long as it asks.
    fn grow(&mut self, now: Timestamp, asked: Option<Duration>) {
        self.pause = (self.pause * 2).clamp(SHORTEST_REST, LONGEST_REST);
        let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
        self.until = Some(now.plus(self.pause.max(asked)));
    }

    /// How much of it is left.
    fn left(&self, now: Timestamp) -> Option<Duration> {
        self.until
            .filter(|until| now < *until)
            .map(|until| until.since(now))
    }
}

impl Deliveries {
    /// Goes on until `stopping` changes, and finishes the attempt that is under way then.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let mut more = self.backend.alerts.waiting();
        while !*stopping.borrow() {
            let wait = self.next().await.unwrap_or_else(|error| {
                let (host, detail) = (self.webhook.host(), error.detail());
                tracing::warn!(
                    host,
                    detail,
                    "what waits for a webhook is not known: {error}"
                );
                AT_MOST
            });
            tokio::select! {
                _ = stopping.changed() => return,
                _ = more.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Delivers what is due first, if anything is; how long to wait for the next.
    async fn next(&mut self) -> Result<Duration> {
        let now = self.backend.now();
        if let Some(left) = self.rest.left(now) {
            return Ok(left.min(AT_MOST));
        }
        let service = &self.backend.service;
        if !service.leads() {
            return Ok(LOOK_FOR_THE_LEAD);
        }
        match service.next_delivery(self.webhook.target()).await? {
            Some(delivery) if delivery.due <= now => {
                self.deliver(&delivery).await?;
                Ok(Duration::ZERO)
            }
            Some(delivery) => Ok(delivery.due.since(now).min(AT_MOST)),
            None => Ok(AT_MOST),
        }
    }

    async fn deliver(&mut self, delivery: &Delivery) -> Result<()> {
        let service = &self.backend.service;
        let (host, id) = (self.webhook.host(), delivery.id.to_string());
        let message = Message {
            id: &id,
            at: self.backend.now(),
            body: &delivery.body,
        };
        let attempts = delivery.attempts.saturating_add(1);
        match self.courier.deliver(&self.webhook, &message).await {
            Attempt::Taken => {
                service.end_delivery(delivery.id).await?;
                self.rest = Rest::default();
                self.metrics.delivery("delivered", 1);
                tracing::debug!(host, delivery = id, attempts, "delivered");
            }
            Attempt::Gone => {
                service.end_delivery(delivery.id).await?;
                self.rest.grow(message.at, Some(LONGEST_ASKED));
                self.metrics.delivery("gone", 1);
                tracing::error!(
                    host,
                    delivery = id,
                    "a webhook is gone (410), so this is given up; take it out of the settings"
                );
            }
            Attempt::Failed { status, asked } => {
                let due = service.put_off_delivery(delivery, asked).await?;
                self.rest.grow(self.backend.now(), asked);
                if let Some(due) = due {
                    let due = due.rfc3339(0);
                    self.metrics.delivery("failed", 1);
                    tracing::warn!(
                        host,
                        delivery = id,
                        status,
                        attempts,
                        due,
                        "a webhook did not take a delivery; it is tried again"
                    );
                } else {
                    self.metrics.delivery("given_up", 1);
                    tracing::error!(
                        host,
                        delivery = id,
                        status,
                        attempts,
                        "a webhook took a delivery at no attempt, so it is given up"
                    );
                }
            }
        }
        Ok(())
    }
}

/// Forgets what waits for webhooks that are no longer in the settings.
pub(crate) async fn forget_others(backend: Arc<Backend>, mut stopping: watch::Receiver<bool>) {
    while !backend.service.leads() {
        tokio::select! {
            _ = stopping.changed() => return,
            () = tokio::time::sleep(LOOK_FOR_THE_LEAD) => {}
        }
    }
    match backend.service.forget_other_deliveries().await {
        Ok(0) => {}
        Ok(forgotten) => tracing::warn!(
            forgotten,
            "deliveries waited for webhooks that are no longer in the settings, and are given up"
        ),
        Err(error) => tracing::warn!(
            detail = error.detail(),
            "what waits for other webhooks could not be forgotten: {error}"
        ),
    }
}

const AT_MOST: Duration = Duration::from_mins(1);
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_mins(5);
/// As long as a delivery is put off at most for what the receiver asks.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use regcred_core::Clock as _;
    use regcred_core::verification::Verdict;
    use regcred_core::webhook::{MOST_ATTEMPTS, SigningSecret};
    use regcred_registry::{Policy, SystemResolver};

    use super::*;
    use crate::testing::{World, stand_in};

    /// Something that waits for a receiver which answers each attempt, by its number from 1, with a status line and headers.
    async fn waiting(answer: fn(usize) -> &'static str) -> (World, Deliveries, Arc<AtomicUsize>) {
        let attempts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&attempts);
        let receiver = stand_in(move |_| {
            let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
            format!(
                "HTTP/1.1 {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                answer(number)
            )
        });
        let url = format!("http://{}/", receiver.await);
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let webhook = Webhook::new(&url, secret, None, true).unwrap();
        let world = World::new(Policy::default(), vec![webhook.target().clone()]).await;
        let of = world.create_one("a.example", "me", None).await;
        let service = world.service();
        let proved = service
            .credentials_to_prove(&world.caller, world.project, of.id, None)
            .await
            .unwrap();
        let rejected = Verdict::Rejected.into();
        let recorded = service
            .record_check(&proved, &rejected, Duration::ZERO)
            .await;
        assert!(recorded.unwrap().unwrap().announced.is_some());
        let deliveries = Deliveries {
            backend: Arc::clone(&world.backend),
            metrics: world.metrics.clone(),
            courier: Arc::new(Courier::new(Vec::new(), Arc::new(SystemResolver))),
            webhook,
            rest: Rest::default(),
        };
        (world, deliveries, attempts)
    }

    fn outcomes(world: &World) -> [String; 4] {
        ["delivered", "failed", "gone", "given_up"].map(|outcome| {
            world.metric(&format!(
                "regcred_webhook_deliveries_total{{outcome=\"{outcome}\"}}"
            ))
        })
    }

    /// Goes on until nothing waits; the time that took.
    async fn to_the_end(world: &World, deliveries: &mut Deliveries) -> Duration {
        let start = world.clock.now();
        let target = deliveries.webhook.target().clone();
        while let Some(delivery) = world.service().next_delivery(&target).await.unwrap() {
            world.clock.set(world.clock.now().max(delivery.due));
            assert_eq!(deliveries.next().await.unwrap(), Duration::ZERO);
        }
        world.clock.now().since(start)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_receiver_that_never_takes_it_is_tried_for_three_days() {
        let (world, mut deliveries, attempts) = waiting(|_| "503 Later").await;
        let hours = to_the_end(&world, &mut deliveries).await.as_secs() / 3_600;
        assert!((71..=86).contains(&hours), "{hours}");
        assert_eq!(attempts.load(Ordering::Relaxed), MOST_ATTEMPTS);
        assert_eq!(outcomes(&world), ["0", "11", "0", "1"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_receiver_is_waited_for_as_long_as_it_asks_and_told_once() {
        let answer = |number| match number {
            1 => "429 Slow down\r\nretry-after: 7200",
            _ => "200 OK",
        };
        let (world, mut deliveries, attempts) = waiting(answer).await;
        assert_eq!(
            to_the_end(&world, &mut deliveries).await,
            Duration::from_hours(2)
        );
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
        assert_eq!(outcomes(&world), ["1", "1", "0", "0"]);
        assert_eq!(deliveries.next().await.unwrap(), AT_MOST, "nothing waits");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_receiver_that_is_gone_is_left_alone() {
        let (world, mut deliveries, attempts) = waiting(|_| "410 Gone").await;
        to_the_end(&world, &mut deliveries).await;
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
        assert_eq!(outcomes(&world), ["0", "0", "1", "0"]);
    }
    #[tokio::test(flavor = "multi_thread")]
    async fn a_receiver_that_takes_nothing_is_left_alone_whatever_else_waits() {
        let answer = |number| match number {
            1 => "429 Slow down\r\nretry-after: 3600",
            2 => "503 Later",
            _ => "200 OK",
        };
        let (world, mut deliveries, attempts) = waiting(answer).await;
        let service = world.service();
        for number in 0..5 {
            let of = world
                .create_one("a.example", &format!("more{number}"), None)
                .await;
            let proved = service.credentials_to_prove(&world.caller, world.project, of.id, None);
            let proved = proved.await.unwrap();
            let rejected = Verdict::Rejected.into();
            let recorded = service.record_check(&proved, &rejected, Duration::ZERO);
            assert!(recorded.await.unwrap().unwrap().announced.is_some());
        }
        let made = || attempts.load(Ordering::Relaxed);
        assert_eq!(deliveries.next().await.unwrap(), Duration::ZERO);
        for _ in 0..10 {
            assert_eq!(deliveries.next().await.unwrap(), AT_MOST);
        }
        assert_eq!(
            made(),
            1,
            "the others wait for the end of what it asked for"
        );
        world
            .clock
            .set(world.clock.now().plus(Duration::from_hours(1)));
        assert_eq!(deliveries.next().await.unwrap(), Duration::ZERO);
        let rest = deliveries.next().await.unwrap();
        assert!(made() == 2 && rest == Duration::from_secs(2), "{rest:?}");
        world.clock.set(world.clock.now().plus(rest));
        while deliveries.next().await.unwrap() == Duration::ZERO {}
        assert_eq!(made(), 7, "one by one, as soon as it takes them");
    }
}
