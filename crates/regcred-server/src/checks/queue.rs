//! What is to be tried next, as the store said when it was asked last: it is not asked again with each try. What is stale in it
//! is refused by the store where it is claimed.

use std::time::Duration;

use regcred_core::Timestamp;
use regcred_core::verification::{DueCheck, DueChecks, Hosts, LeftAlone};

use super::A_WHILE;

/// What is due before long, that which is due longest first.
#[derive(Default)]
pub(super) struct Queue {
    checks: Vec<DueCheck>,
    /// When the store was asked.
    asked: Option<Timestamp>,
    /// Whether the store has more that is due before long.
    more: bool,
    /// How often the store was asked.
    #[cfg(test)]
    pub(super) fills: usize,
}

impl Queue {
    /// Until when what is due is to be in it.
    pub(super) fn horizon(now: Timestamp) -> Timestamp {
        now.plus(A_WHILE)
    }

    pub(super) fn fill(&mut self, found: DueChecks, now: Timestamp) {
        (self.checks, self.more) = (found.checks, found.more);
        self.asked = Some(now);
        #[cfg(test)]
        {
            self.fills += 1;
        }
    }

    /// Whether it is too old to go by.
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        self.asked
            .is_none_or(|asked| asked.plus(A_WHILE) <= now || now < asked)
    }

    /// Whether the store is to be asked where nothing in it can begin.
    pub(super) fn is_used_up(&self, now: Timestamp) -> bool {
        let patience = if self.checks.is_empty() {
            Duration::from_micros(1)
        } else {
            SOME_SECONDS
        };
        self.more && self.asked.is_none_or(|asked| asked.plus(patience) <= now)
    }

    /// Takes the first one whose host is free.
    pub(super) fn take(&mut self, hosts: &Hosts, now: Timestamp) -> Option<DueCheck> {
        let mut due = self.checks.iter().take_while(|check| check.due <= now);
        let free = |check: &DueCheck| hosts.free_at(&check.host).is_some_and(|free| free <= now);
        let first = due.position(free)?;
        Some(self.checks.remove(first))
    }

    /// What is due of an account was put off.
    pub(super) fn leave_alone(&mut self, account: &LeftAlone) {
        let of_account =
            |check: &DueCheck| check.host == account.host && check.username == account.username;
        self.checks.retain(|check| !of_account(check));
        self.more = true;
    }

    /// When it is to be looked at again, unless something is over before.
    pub(super) fn next(&self, hosts: &Hosts, now: Timestamp) -> Timestamp {
        let free = |check: &DueCheck| Some(hosts.free_at(&check.host)?.max(check.due));
        let first = self.checks.iter().filter_map(free).min();
        let patience = if self.more { SOME_SECONDS } else { A_WHILE };
        let old = self.asked.unwrap_or(now).plus(patience);
        first.map_or(old, |first| first.min(old))
    }
}

/// So many are in it at most.
pub(super) const MOST: usize = 256;
/// The store is asked so soon again where it has more than there is room for, all of it at hosts that are not free.
const SOME_SECONDS: Duration = Duration::from_secs(5);
