//! Which registries are left alone for now: one try at a time at each, a pause behind it, and a longer one behind a 429 or
//! silence. In memory alone: after a restart each is asked once more, gently.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::schedule::{self, Jitter};
use super::{Proof, Verdict};
use crate::clock::Timestamp;

/// What is known of the registries' hosts.
#[derive(Debug, Default)]
pub struct Hosts {
    known: HashMap<String, Host>,
    /// Those at which credentials are being tried by themselves: a few.
    busy: Vec<String>,
}

#[derive(Debug)]
struct Host {
    /// Until when it is left alone.
    rests_until: Timestamp,
    /// How often in a row it asked to be left alone, or did not answer.
    trouble: u32,
}

impl Hosts {
    /// How many tries may begin besides those under way.
    #[must_use]
    pub fn places(&self) -> usize {
        AT_ONCE.saturating_sub(self.busy.len())
    }

    /// The hosts that are left alone until `moment` at least.
    #[must_use]
    pub fn resting(&self, moment: Timestamp) -> HashSet<String> {
        let resting = self.known.iter();
        let resting = resting.filter(|(_, host)| moment < host.rests_until);
        resting.map(|(name, _)| name.clone()).collect()
    }

    /// From when on a try may begin at a host; `None` where that depends on how others end: one is under way there, or it is in
    /// trouble, and there are as many of these under way as may take places.
    #[must_use]
    pub fn free_at(&self, host: &str) -> Option<Timestamp> {
        if self.busy.iter().any(|busy| busy == host) {
            return None;
        }
        let Some(known) = self.known.get(host) else {
            return Some(Timestamp::EPOCH);
        };
        let crowded = || {
            let busy = self.busy.iter().filter_map(|busy| self.known.get(busy));
            busy.filter(|host| host.trouble > 0).count() >= IN_TROUBLE_AT_ONCE
        };
        let waits = known.trouble > 0 && crowded();
        (!waits).then_some(known.rests_until)
    }

    /// A try begins.
    pub fn begin(&mut self, host: &str, now: Timestamp) {
        self.entry(host, now);
        self.busy.push(host.to_owned());
    }

    /// A try that began is over before anything was sent.
    pub fn leave(&mut self, host: &str) {
        self.busy.retain(|busy| busy != host);
    }

    /// A try that began is over, without any word of the host.
    pub fn give_up(&mut self, host: &str, now: Timestamp) {
        self.leave(host);
        let host = self.entry(host, now);
        host.rests_until = host.rests_until.max(now.plus(NO_ANSWER_OF_OURS));
    }

    /// A try that began is over: for how long the host is left alone.
    pub fn end(&mut self, host: &str, proof: &Proof, now: Timestamp, jitter: Jitter) -> Duration {
        self.leave(host);
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
        if !self.known.contains_key(host) && self.known.len() >= MOST_KNOWN {
            self.forget(now);
        }
        let known = self.known.entry(host.to_owned()).or_insert(Host {
            rests_until: now,
            trouble: 0,
        });
        // What was long ago is over.
        if known.rests_until.plus(REMEMBERED) <= now {
            known.trouble = 0;
        }
        known
    }

    /// Those that may be asked again and were not in trouble, or not lately; else the one whose rest ends first.
    fn forget(&mut self, now: Timestamp) {
        let busy = &self.busy;
        self.known.retain(|name, host| {
            let remembered = match host.trouble {
                0 => Duration::ZERO,
                _ => REMEMBERED,
            };
            busy.contains(name) || now < host.rests_until.plus(remembered)
        });
        if self.known.len() < MOST_KNOWN {
            return;
        }
        let idle = self.known.iter().filter(|(name, _)| !busy.contains(name));
        let soonest = idle.min_by_key(|(_, host)| host.rests_until);
        if let Some(name) = soonest.map(|(name, _)| name.clone()) {
            self.known.remove(&name);
        }
    }
}

/// So many tries are under way by themselves, so that those which somebody asks for find a place.
const AT_ONCE: usize = 4;
/// And so many of these at hosts that were in trouble, so that those which take long to say nothing leave places for others.
const IN_TROUBLE_AT_ONCE: usize = 2;
/// So many hosts are known at most.
const MOST_KNOWN: usize = 10_000;
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

    fn ok() -> Proof {
        Verdict::Ok.into()
    }

    #[test]
    fn one_try_at_a_time_a_pause_behind_it_and_four_in_all() {
        let mut hosts = Hosts::default();
        for name in ["a", "b", "c", "d"] {
            assert!(hosts.places() > 0);
            hosts.begin(name, at(0));
        }
        assert_eq!(hosts.places(), 0);
        assert_eq!(hosts.free_at("a"), None, "as long as it takes");
        hosts.end("a", &ok(), at(100), Jitter::NONE);
        assert_eq!((hosts.places(), hosts.free_at("a")), (1, Some(at(102))));
        assert_eq!(hosts.resting(at(101)).len(), 1);
        assert!(hosts.resting(at(102)).is_empty());
        hosts.give_up("b", at(102));
        assert_eq!((hosts.places(), hosts.free_at("b")), (2, Some(at(162))));
        hosts.leave("c");
        assert_eq!((hosts.places(), hosts.free_at("c")), (3, Some(at(0))));
    }

    #[test]
    fn a_host_cools_for_as_long_as_it_asks_whoever_heard_it() {
        let mut hosts = Hosts::default();
        hosts.begin("a", at(0));
        let rest = hosts.end("a", &limited(Some(300)), at(0), Jitter::NONE);
        assert_eq!(rest, Duration::from_mins(5));
        assert_eq!(hosts.free_at("a"), Some(at(300)));
        // Somebody tries meanwhile, and it works: what it asked for holds all the same.
        hosts.hear("a", &ok(), at(10), Jitter::NONE);
        assert_eq!(hosts.free_at("a"), Some(at(300)));
        // What somebody hears by asking counts for what is tried by itself.
        let rest = hosts.hear("b", &limited(None), at(0), Jitter::NONE);
        assert_eq!((rest.as_secs(), hosts.free_at("b")), (900, Some(at(900))));
        let rest = hosts.hear("b", &limited(None), at(900), Jitter::NONE);
        assert_eq!(rest.as_secs(), 1_800, "twice as long the second time");
        let rest = hosts.hear("b", &limited(None), at(200_000), Jitter::NONE);
        assert_eq!(rest.as_secs(), 900, "what is over is forgotten");
    }

    #[test]
    fn hosts_in_trouble_leave_places_for_others() {
        let mut hosts = Hosts::default();
        for name in ["a", "b", "c"] {
            hosts.hear(name, &Verdict::Unreachable.into(), at(0), Jitter::NONE);
        }
        hosts.begin("a", at(60));
        assert_eq!(hosts.free_at("c"), Some(at(60)));
        hosts.begin("b", at(60));
        let free = ["c", "d"].map(|name| hosts.free_at(name));
        assert_eq!((free, hosts.places()), ([None, Some(at(0))], 2));
        hosts.end("a", &ok(), at(61), Jitter::NONE);
        assert_eq!(hosts.free_at("c"), Some(at(60)));
    }

    #[test]
    fn so_many_are_known_and_no_more_though_nothing_is_tried_by_itself() {
        let mut hosts = Hosts::default();
        let asked = |hosts: &mut Hosts, number: usize, seconds| {
            let proof = limited(Some(80_000 + number as u64));
            hosts.hear(&number.to_string(), &proof, at(seconds), Jitter::NONE);
        };
        hosts.begin("busy", at(0));
        for number in 0..MOST_KNOWN + 5 {
            asked(&mut hosts, number, 0);
        }
        assert_eq!(hosts.known.len(), MOST_KNOWN);
        let known = ["busy", "0", "5", "6"].map(|name| hosts.known.contains_key(name));
        assert_eq!(known, [true, false, false, true], "the earliest ends go");
        asked(&mut hosts, 0, 1_000_000);
        assert_eq!(hosts.known.len(), 2, "what is over goes first");
    }
}
