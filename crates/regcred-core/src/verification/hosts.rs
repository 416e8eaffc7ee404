//! Which registries are left alone for now: one try at a time at each, a pause behind it, and a longer one behind a 429 or
//! silence. In memory alone: after a restart each is asked once more, gently.

use std::collections::HashMap;
use std::time::Duration;

use super::schedule::{self, Jitter};
use super::{Proof, Verdict};
use crate::clock::Timestamp;

/// What is known of the registries' hosts.
#[derive(Debug, Default)]
pub struct Hosts {
    known: HashMap<String, Host>,
}

#[derive(Debug)]
struct Host {
    /// Whether credentials are being tried there by themselves.
    busy: bool,
    /// Until when it is left alone.
    rests_until: Timestamp,
    /// How often in a row it asked to be left alone, or did not answer.
    trouble: u32,
}

impl Hosts {
    /// How many tries may begin besides those under way.
    #[must_use]
    pub fn places(&self) -> usize {
        let busy = self.known.values().filter(|host| host.busy).count();
        AT_ONCE.saturating_sub(busy)
    }

    /// The hosts at which nothing may begin now. Those that were quiet for long are forgotten.
    pub fn unavailable(&mut self, now: Timestamp) -> Vec<String> {
        self.known
            .retain(|_, host| host.busy || now < host.rests_until.plus(host.remembered()));
        let taken = self.known.iter();
        taken
            .filter(|(_, host)| host.busy || now < host.rests_until)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// When the next one may be asked that may not be now and at which nothing is under way.
    #[must_use]
    pub fn next_free(&self, now: Timestamp) -> Option<Timestamp> {
        let resting = self.known.values().filter(|host| !host.busy);
        let ends = resting.map(|host| host.rests_until);
        ends.filter(|end| *end > now).min()
    }

    /// A try begins.
    pub fn begin(&mut self, host: &str, now: Timestamp) {
        self.entry(host, now).busy = true;
    }

    /// A try that began is over, without any word of the host.
    pub fn give_up(&mut self, host: &str, now: Timestamp) {
        let host = self.entry(host, now);
        host.busy = false;
        host.rests_until = host.rests_until.max(now.plus(NO_ANSWER_OF_OURS));
    }

    /// A try that began is over: for how long the host is left alone.
    pub fn end(&mut self, host: &str, proof: &Proof, now: Timestamp, jitter: Jitter) -> Duration {
        self.entry(host, now).busy = false;
        self.hear(host, proof, now, jitter)
    }

    /// What a try brought that somebody asked for.
    pub fn hear(&mut self, host: &str, proof: &Proof, now: Timestamp, jitter: Jitter) -> Duration {
        let host = self.entry(host, now);
        let rest = schedule::rest(proof.verdict, proof.retry_after, host.trouble, jitter);
        match proof.verdict {
            Verdict::RateLimited | Verdict::Unreachable => {
                host.trouble = host.trouble.saturating_add(1);
            }
            // It was not asked.
            Verdict::Blocked => {}
            _ => host.trouble = 0,
        }
        host.rests_until = host.rests_until.max(now.plus(rest));
        rest
    }

    fn entry(&mut self, host: &str, now: Timestamp) -> &mut Host {
        self.known.entry(host.to_owned()).or_insert(Host {
            busy: false,
            rests_until: now,
            trouble: 0,
        })
    }
}

impl Host {
    fn remembered(&self) -> Duration {
        if self.trouble == 0 {
            Duration::ZERO
        } else {
            REMEMBERED
        }
    }
}

/// So many tries are under way by themselves, so that those which somebody asks for find a place.
const AT_ONCE: usize = 4;
/// Behind a try that did not come to the registry: no place, or the store is out of reach.
const NO_ANSWER_OF_OURS: Duration = Duration::from_mins(1);
/// For so long behind its rest it is known that a host was in trouble.
const REMEMBERED: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(seconds))
    }

    fn limited(seconds: Option<u64>) -> Proof {
        Proof {
            retry_after: seconds.map(Duration::from_secs),
            ..Verdict::RateLimited.into()
        }
    }

    #[test]
    fn one_try_at_a_time_a_pause_behind_it_and_four_in_all() {
        let mut hosts = Hosts::default();
        for name in ["a", "b", "c", "d"] {
            assert!(hosts.places() > 0);
            hosts.begin(name, at(0));
        }
        assert_eq!(hosts.places(), 0);
        assert_eq!(hosts.unavailable(at(100)).len(), 4, "as long as it takes");
        assert_eq!(hosts.next_free(at(100)), None);
        hosts.end("a", &Verdict::Ok.into(), at(100), Jitter::NONE);
        assert_eq!((hosts.places(), hosts.unavailable(at(101)).len()), (1, 4));
        assert_eq!(hosts.next_free(at(101)), Some(at(102)));
        assert_eq!(hosts.unavailable(at(102)).len(), 3);
        hosts.give_up("b", at(102));
        assert_eq!((hosts.places(), hosts.unavailable(at(161)).len()), (2, 3));
        assert_eq!(hosts.unavailable(at(162)).len(), 2);
    }

    #[test]
    fn a_host_cools_for_as_long_as_it_asks_whoever_heard_it() {
        let mut hosts = Hosts::default();
        hosts.begin("a", at(0));
        let rest = hosts.end("a", &limited(Some(300)), at(0), Jitter::NONE);
        assert_eq!(rest, Duration::from_mins(5));
        assert_eq!(hosts.unavailable(at(299)), ["a"]);
        // Somebody tries meanwhile, and it works: what it asked for holds all the same.
        hosts.hear("a", &Verdict::Ok.into(), at(10), Jitter::NONE);
        assert_eq!(hosts.unavailable(at(299)), ["a"]);
        assert!(hosts.unavailable(at(300)).is_empty());
        // What somebody hears by asking counts for what is tried by itself.
        let rest = hosts.hear("b", &limited(None), at(0), Jitter::NONE);
        assert_eq!(
            (rest.as_secs(), hosts.unavailable(at(899))),
            (900, vec!["b".to_owned()])
        );
        let rest = hosts.hear("b", &limited(None), at(900), Jitter::NONE);
        assert_eq!(rest.as_secs(), 1_800, "twice as long the second time");
        assert_eq!(hosts.known.len(), 1, "what is over is forgotten");
        assert!(hosts.unavailable(at(200_000)).is_empty() && hosts.known.is_empty());
    }
}
