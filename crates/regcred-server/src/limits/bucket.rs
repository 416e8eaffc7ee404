//! Buckets of failures, kept where a flood of new keys cannot push old ones out.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use regcred_core::Timestamp;

/// How many failures are allowed: so many at once, then one in each interval. Each failure beyond the burst doubles the
/// interval, up to the longest.
#[derive(Clone, Copy)]
pub(super) struct Allowance {
    pub(super) burst: u32,
    pub(super) interval: Duration,
    pub(super) longest: Duration,
}

impl Allowance {
    /// What the given failure in a row adds to the wait.
    fn step(&self, failure: u32) -> Duration {
        let beyond = failure.saturating_sub(self.burst).min(31);
        self.interval.saturating_mul(1 << beyond).min(self.longest)
    }
}

/// The failures of one key: the moment at which all of them will be forgiven, and how many they are until then.
#[derive(Clone, Copy)]
struct Debt {
    until: Timestamp,
    failures: u32,
}

/// Failures by key, at most `capacity` keys; further ones share one bucket until others are forgiven. No key that owes
/// anything is ever forgotten, so a flood cannot free anyone.
pub(super) struct Failures<K> {
    allowance: Allowance,
    capacity: usize,
    debts: HashMap<K, Debt>,
    shared: Option<Debt>,
}

impl<K: Hash + Eq> Failures<K> {
    pub(super) fn new(allowance: Allowance, capacity: usize) -> Self {
        Self {
            allowance,
            capacity,
            debts: HashMap::new(),
            shared: None,
        }
    }

    /// How long this key has to wait; `None` where it need not.
    pub(super) fn wait(&self, key: &K, now: Timestamp) -> Option<Duration> {
        let full = self.debts.len() >= self.capacity;
        let debt = self
            .debts
            .get(key)
            .copied()
            .or(if full { self.shared } else { None })?;
        let most = self.allowance.interval * (self.allowance.burst - 1);
        // However the clock is set, nobody waits for longer than the longest.
        let owed = debt.until.since(now).min(most + self.allowance.longest);
        (owed > most).then(|| owed.saturating_sub(most))
    }

    /// Counts a failure.
    pub(super) fn count(&mut self, key: K, now: Timestamp) {
        if self.debts.len() >= self.capacity && !self.debts.contains_key(&key) {
            self.debts.retain(|_, debt| debt.until > now);
        }
        let full = self.debts.len() >= self.capacity && !self.debts.contains_key(&key);
        let fresh = Debt {
            until: now,
            failures: 0,
        };
        let debt = if full {
            self.shared.get_or_insert(fresh)
        } else {
            self.debts.entry(key).or_insert(fresh)
        };
        if debt.until <= now {
            *debt = fresh;
        }
        debt.failures = debt.failures.saturating_add(1);
        debt.until = debt.until.plus(self.allowance.step(debt.failures));
    }

    /// Forgives what a key owes.
    pub(super) fn forgive(&mut self, key: &K) {
        self.debts.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Allowance = Allowance {
        burst: 3,
        interval: Duration::from_secs(2),
        longest: Duration::from_secs(2),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_burst_then_one_in_each_interval() {
        let mut failures = Failures::new(ALLOWANCE, 10);
        for _ in 0..3 {
            assert_eq!(failures.wait(&"k", at(0)), None);
            failures.count("k", at(0));
        }
        assert_eq!(failures.wait(&"k", at(0)), Some(Duration::from_secs(2)));
        assert_eq!(failures.wait(&"k", at(1)), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(&"k", at(2)), None);
        assert_eq!(failures.wait(&"other", at(0)), None);
        failures.forgive(&"k");
        assert_eq!(failures.wait(&"k", at(0)), None);
    }

    #[test]
    fn the_wait_grows_to_its_longest_and_starts_anew_once_forgiven() {
        let mut failures = Failures::new(
            Allowance {
                longest: Duration::from_secs(15),
                ..ALLOWANCE
            },
            10,
        );
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            failures.count("k", at(now));
            let wait = failures
                .wait(&"k", at(now))
                .map_or(0, |wait| wait.as_secs());
            waits.push(wait);
            now += i64::try_from(wait).unwrap();
        }
        assert_eq!(waits, [0, 0, 2, 4, 8, 15, 15, 15]);
        now += 1_000;
        failures.count("k", at(now));
        assert_eq!(failures.wait(&"k", at(now)), None);
    }

    #[test]
    fn a_flood_evicts_nobody_and_is_itself_held() {
        let mut failures = Failures::new(ALLOWANCE, 2);
        for _ in 0..4 {
            failures.count(1, at(0));
        }
        for key in 2..1_000 {
            failures.count(key, at(0));
        }
        assert!(
            failures.wait(&1, at(0)).is_some(),
            "the first is still held"
        );
        assert!(
            failures.wait(&5_000, at(0)).is_some(),
            "newcomers share one bucket"
        );
        assert_eq!(failures.debts.len(), 2);
        assert_eq!(failures.wait(&5_000, at(10_000)), None);
        failures.count(5_000, at(10_000));
        assert_eq!(failures.debts.len(), 1, "the forgiven made room");
    }
}
