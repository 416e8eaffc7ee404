//! How many proofs are under way: 16 at once, of which 2 on one host and 4 for one asker. Who comes besides waits for a
//! while, as far as there is room to wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places at which proofs are under way.
pub(crate) struct Gate {
    all: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    hosts: Shares,
    askers: Shares,
}

/// A place, until it is dropped.
pub struct Place {
    _permits: [OwnedSemaphorePermit; 3],
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            hosts: Shares::of(AT_ONCE_ON_A_HOST),
            askers: Shares::of(AT_ONCE_FOR_AN_ASKER),
        }
    }

    /// Waits for a place; `None` where there is none in time, or too many wait already.
    pub(crate) async fn enter(&self, host: &str, asker: &str) -> Option<Place> {
        let _waiting = self.waiting.try_acquire().ok()?;
        let entered = tokio::time::timeout(LONGEST_WAIT, self.take(host, asker));
        entered.await.ok().flatten()
    }

    async fn take(&self, host: &str, asker: &str) -> Option<Place> {
        // The common places last: who waits for a slow host, or has asked for many, takes nobody else's.
        let asker = self.askers.take(asker).await?;
        let host = self.hosts.take(host).await?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place {
            _permits: [asker, host, all],
        })
    }
}

/// So many places for each name.
struct Shares {
    each: usize,
    taken: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Shares {
    fn of(each: usize) -> Self {
        Self {
            each,
            taken: Mutex::default(),
        }
    }

    async fn take(&self, name: &str) -> Option<OwnedSemaphorePermit> {
        let places = {
            // No code under the lock can panic half-way through a change.
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            // Those at which nobody is or waits are forgotten.
            taken.retain(|_, places| Arc::strong_count(places) > 1);
            let new = || Arc::new(Semaphore::new(self.each));
            Arc::clone(taken.entry(name.to_owned()).or_insert_with(new))
        };
        places.acquire_owned().await.ok()
    }
}

const AT_ONCE: usize = 16;
const AT_ONCE_ON_A_HOST: usize = 2;
const AT_ONCE_FOR_AN_ASKER: usize = 4;
const MOST_WAITING: usize = 64;
/// With the ten seconds of a proof, this is less than a caller waits.
const LONGEST_WAIT: Duration = Duration::from_secs(12);

#[cfg(test)]
mod tests {
    use super::*;

    async fn enter(gate: &Gate, host: &str, asker: &str) -> Option<Place> {
        let soon = Duration::from_millis(20);
        let entered = tokio::time::timeout(soon, gate.enter(host, asker)).await;
        entered.ok().flatten()
    }

    #[tokio::test]
    async fn a_host_has_two_places_an_asker_four_and_all_have_sixteen() {
        let gate = Gate::new();
        let (one, two) = (enter(&gate, "a", "x").await, enter(&gate, "a", "x").await);
        assert!(one.is_some() && two.is_some() && enter(&gate, "a", "y").await.is_none());
        drop(one);
        assert!(enter(&gate, "a", "y").await.is_some());

        let mut places = vec![two];
        for host in 0..3 {
            places.push(enter(&gate, &host.to_string(), "x").await);
        }
        assert!(places.iter().all(Option::is_some));
        assert!(
            enter(&gate, "free", "x").await.is_none(),
            "one asker leaves room for others"
        );
        for number in 0..12 {
            let (host, asker) = (format!("h{number}"), format!("a{}", number / 4));
            places.push(enter(&gate, &host, &asker).await);
        }
        assert!(places.iter().all(Option::is_some) && enter(&gate, "free", "y").await.is_none());
        drop(places);
        assert!(enter(&gate, "free", "x").await.is_some());
        assert!(
            gate.hosts.taken.lock().unwrap().len() <= 2,
            "what is over is forgotten"
        );
    }
}
