//! Limits of failed logins: per address, per user and network, and per user with a growing delay.
//!
//! Only failures count, so an honest script that logs in once a second is never refused. Whoever logged in from a
//! network lately is judged by his own failures there alone: nobody can lock him out from elsewhere. There is no hard
//! lock-out; each limit forgives with time.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regcred_core::people::Login;
use regcred_core::{Error, ErrorKind, Result, Timestamp};

use super::bucket::{Allowance, Failures};
use super::network::{Address, Network};

/// The memory of failed and successful logins.
pub(crate) struct LoginLimits(Mutex<Memory>);

struct Memory {
    addresses: Failures<Address>,
    pairs: Failures<Pair>,
    users: Failures<String>,
    /// The last success of a user from a network, and of anybody from an address.
    trusted: HashMap<Pair, Timestamp>,
    trusted_addresses: HashMap<Address, Timestamp>,
}

type Pair = (String, Network);

/// What came of an attempt to log in, for other replicas, which count it as their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoginOutcome {
    address: IpAddr,
    login: Login,
    right: bool,
}

/// One attempt to log in, whose outcome is to be told.
pub(crate) struct LoginAttempt<'a> {
    limits: &'a LoginLimits,
    peer: IpAddr,
    login: &'a Login,
    address: Address,
    pair: Pair,
    /// Whether the user logged in from this network lately.
    pub(crate) trusted: bool,
}

impl LoginLimits {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Memory {
            addresses: Failures::new(PER_ADDRESS, CAPACITY),
            pairs: Failures::new(PER_PAIR, CAPACITY),
            users: Failures::new(PER_USER, CAPACITY),
            trusted: HashMap::new(),
            trusted_addresses: HashMap::new(),
        }))
    }

    /// Before the body is read: refuses an address that failed too often, unless somebody logged in from there lately;
    /// then [`Self::attempt`] judges once the user is known.
    pub(crate) fn admit(&self, address: IpAddr, now: Timestamp) -> Result<()> {
        let address = Address::of(address);
        let memory = self.lock();
        if memory
            .trusted_addresses
            .get(&address)
            .is_some_and(|last| recent(*last, now))
        {
            return Ok(());
        }
        memory
            .addresses
            .wait(&address, now)
            .map_or(Ok(()), |wait| Err(throttled(wait)))
    }

    /// Once the user is known: refuses where address, pair or user failed too often.
    pub(crate) fn attempt<'a>(
        &'a self,
        peer: IpAddr,
        login: &'a Login,
        now: Timestamp,
    ) -> Result<LoginAttempt<'a>> {
        let (address, pair) = (Address::of(peer), pair(peer, login));
        let memory = self.lock();
        let trusted = memory
            .trusted
            .get(&pair)
            .is_some_and(|last| recent(*last, now));
        let wait = if trusted {
            memory.pairs.wait(&pair, now)
        } else {
            [
                memory.addresses.wait(&address, now),
                memory.pairs.wait(&pair, now),
                memory.users.wait(&pair.0, now),
            ]
            .into_iter()
            .max()
            .flatten()
        };
        drop(memory);
        match wait {
            Some(wait) => Err(throttled(wait)),
            None => Ok(LoginAttempt {
                limits: self,
                peer,
                login,
                address,
                pair,
                trusted,
            }),
        }
    }

    /// Counts what came of an attempt at another replica.
    pub(crate) fn learn(&self, outcome: &LoginOutcome, now: Timestamp) {
        let address = Address::of(outcome.address);
        let pair = pair(outcome.address, &outcome.login);
        let mut memory = self.lock();
        if outcome.right {
            memory.succeed(address, pair, now);
        } else {
            memory.fail(address, pair, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // No code under the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoginAttempt<'_> {
    /// The password was wrong, or the user unknown.
    pub(crate) fn failed(self, now: Timestamp) -> LoginOutcome {
        let outcome = self.outcome(false);
        self.limits.lock().fail(self.address, self.pair, now);
        outcome
    }

    /// The password was right.
    pub(crate) fn succeeded(self, now: Timestamp) -> LoginOutcome {
        let outcome = self.outcome(true);
        self.limits.lock().succeed(self.address, self.pair, now);
        outcome
    }

    fn outcome(&self, right: bool) -> LoginOutcome {
        LoginOutcome {
            address: self.peer,
            login: self.login.clone(),
            right,
        }
    }
}

impl Memory {
    fn fail(&mut self, address: Address, pair: Pair, now: Timestamp) {
        self.addresses.count(address, now);
        self.users.count(pair.0.clone(), now);
        self.pairs.count(pair, now);
    }

    fn succeed(&mut self, address: Address, pair: Pair, now: Timestamp) {
        self.pairs.forgive(&pair);
        for full in [self.trusted.len(), self.trusted_addresses.len()] {
            if full >= CAPACITY {
                // Only a success enters here, so no flood of guesses can fill it.
                self.trusted.retain(|_, last| recent(*last, now));
                self.trusted_addresses.retain(|_, last| recent(*last, now));
            }
        }
        self.trusted.insert(pair, now);
        self.trusted_addresses.insert(address, now);
    }
}

impl fmt::Display for LoginOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.right { RIGHT } else { WRONG };
        write!(f, "{word} {} {}", self.address, self.login.as_str())
    }
}

impl LoginOutcome {
    /// What another replica said, if it is this.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ')?;
        let (address, login) = rest.split_once(' ')?;
        let right = match word {
            RIGHT => true,
            WRONG => false,
            _ => return None,
        };
        Some(Self {
            address: address.parse().ok()?,
            login: Login::parse(login).ok()?,
            right,
        })
    }
}

fn pair(address: IpAddr, login: &Login) -> Pair {
    (login.as_str().to_owned(), Network::of(address))
}

fn recent(last: Timestamp, now: Timestamp) -> bool {
    now.since(last) < TRUSTED_FOR
}

fn throttled(wait: Duration) -> Error {
    // Rounded up: whoever comes back then is not too early.
    let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    Error::new(
        ErrorKind::Throttled(wait),
        format!("too many failed logins; try again in {} s", wait.as_secs()),
    )
}

const PER_ADDRESS: Allowance = Allowance {
    burst: 30,
    interval: Duration::from_secs(2),
    longest: Duration::from_secs(2),
};
const PER_PAIR: Allowance = Allowance {
    burst: 10,
    interval: Duration::from_secs(10),
    longest: Duration::from_secs(10),
};
/// The delay grows, but nobody is locked out: once a minute a user may try from anywhere.
const PER_USER: Allowance = Allowance {
    burst: 50,
    interval: Duration::from_secs(5),
    longest: Duration::from_mins(1),
};
const TRUSTED_FOR: Duration = Duration::from_hours(24);
const CAPACITY: usize = 65_536;
const RIGHT: &str = "login";
const WRONG: &str = "failed-login";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn fail(limits: &LoginLimits, address: &str, login: &str, now: i64) -> bool {
        let login = Login::parse(login).unwrap();
        if limits.admit(ip(address), at(now)).is_err() {
            return false;
        }
        limits
            .attempt(ip(address), &login, at(now))
            .map(|attempt| drop(attempt.failed(at(now))))
            .is_ok()
    }

    fn succeed(limits: &LoginLimits, address: &str, login: &str, now: i64) -> bool {
        let login = Login::parse(login).unwrap();
        limits.admit(ip(address), at(now)).is_ok()
            && limits
                .attempt(ip(address), &login, at(now))
                .map(|attempt| drop(attempt.succeeded(at(now))))
                .is_ok()
    }

    #[test]
    fn an_honest_script_that_logs_in_once_a_second_is_never_refused() {
        let limits = LoginLimits::new();
        for second in 0..10_000 {
            assert!(succeed(&limits, "192.0.2.1", "ci", second));
        }
    }

    #[test]
    fn guessing_from_one_address_is_slowed_whatever_the_users() {
        let limits = LoginLimits::new();
        let tried = (0..1_000)
            .filter(|number| fail(&limits, "192.0.2.1", &format!("user{number}"), 0))
            .count();
        assert_eq!(tried, 30);
        assert!(!fail(&limits, "192.0.2.1", "another", 1));
        assert!(fail(&limits, "192.0.2.1", "another", 2));
        assert!(fail(&limits, "192.0.3.1", "another", 0));
    }

    #[test]
    fn guesses_at_other_replicas_count_too() {
        let limits = [LoginLimits::new(), LoginLimits::new(), LoginLimits::new()];
        let login = Login::parse("admin").unwrap();
        let mut tried = 0;
        for turn in 0..300 {
            let here = turn % limits.len();
            let Ok(attempt) = limits[here].attempt(ip("192.0.2.1"), &login, at(0)) else {
                continue;
            };
            tried += 1;
            let said = attempt.failed(at(0)).to_string();
            let heard = LoginOutcome::parse(&said).unwrap();
            for (replica, limits) in limits.iter().enumerate() {
                if replica != here {
                    limits.learn(&heard, at(0));
                }
            }
        }
        assert_eq!(tried, 10, "as many as at one");
        let right = LoginOutcome {
            address: ip("2001:db8::1"),
            login,
            right: true,
        };
        assert_eq!(LoginOutcome::parse(&right.to_string()), Some(right));
        for rubbish in [
            "",
            "login",
            "login x",
            "login nowhere admin",
            "logout ::1 admin",
        ] {
            assert_eq!(LoginOutcome::parse(rubbish), None, "{rubbish}");
        }
    }

    #[test]
    fn guessing_one_user_is_slowed_whatever_the_addresses() {
        let limits = LoginLimits::new();
        let tried = (0..1_000)
            .filter(|number| {
                fail(
                    &limits,
                    &format!("10.{}.{}.1", number / 250, number % 250),
                    "admin",
                    0,
                )
            })
            .count();
        assert_eq!(tried, 50);
    }

    #[test]
    fn nobody_can_lock_out_whoever_logged_in_lately() {
        let limits = LoginLimits::new();
        assert!(succeed(&limits, "192.0.2.1", "alice", 0));
        // From everywhere, from her own address under other names, and from her own network.
        for number in 0..1_000 {
            fail(
                &limits,
                &format!("10.{}.{}.1", number / 250, number % 250),
                "alice",
                0,
            );
            fail(&limits, "192.0.2.1", &format!("user{number}"), 0);
        }
        assert!(succeed(&limits, "192.0.2.1", "alice", 1));
        assert!(succeed(&limits, "192.0.2.7", "alice", 1));
        assert!(
            !fail(&limits, "192.0.2.1", "bob", 1),
            "the address itself is still held"
        );
    }
}
