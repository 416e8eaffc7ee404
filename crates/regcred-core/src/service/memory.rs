//! What is remembered of the store, so that a request need not ask it again who may do what: tokens, how users stand to
//! projects, and what projects demand of passwords.
//!
//! Whatever could change any of it forgets all of it, so that a change acts with the next request; where other processes
//! share the store they say so, and what was read counts for a few seconds at most. What is remembered lets callers in, and
//! turns nobody away: they may have been given a role since, and a project may demand nothing any more.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Service;
use super::authentication::Known;
use crate::access::{self, Caller, Editor, Grant, Level, Principal};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::{ProjectId, TokenId, UserId};
use crate::store::Standing;
use crate::verification::SavingPolicy;

/// What was read last.
#[derive(Default)]
pub(super) struct Memory(Mutex<Remembered>);

#[derive(Default)]
pub(super) struct Remembered {
    /// How often all of it was forgotten.
    epoch: u64,
    pub(super) tokens: Kept<TokenId, Known, MOST_TOKENS>,
    standings: Kept<(UserId, ProjectId), Standing, MOST_ROLES>,
    /// Projects that demand nothing of passwords.
    lenient: Kept<ProjectId, (), MOST_ROLES>,
}

impl Memory {
    /// Forgets everything: something of it has changed, or may have.
    pub(super) fn forget(&self) {
        let mut all = self.lock();
        let nothing = Remembered {
            epoch: all.epoch + 1,
            ..Remembered::default()
        };
        let forgotten = std::mem::replace(&mut *all, nothing);
        // Whoever asks meanwhile does not wait until it is freed.
        drop(all);
        drop(forgotten);
    }

    /// To be asked before something is read that is to be remembered.
    pub(super) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// Remembers something, unless something was forgotten since `epoch`: it may have been this.
    pub(super) fn remember(&self, epoch: u64, remember: impl FnOnce(&mut Remembered)) {
        let mut all = self.lock();
        if all.epoch == epoch {
            remember(&mut all);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Remembered> {
        // No code under the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Up to `MOST` values, each with the moment at which it was read.
pub(super) struct Kept<K, V, const MOST: usize>(HashMap<K, (V, Timestamp)>);

impl<K, V, const MOST: usize> Default for Kept<K, V, MOST> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V, const MOST: usize> Kept<K, V, MOST> {
    /// A value that may still count.
    pub(super) fn get(&mut self, key: &K, fresh: Fresh) -> Option<&mut V> {
        let (value, read) = self.0.get_mut(key)?;
        // A clock that went back says nothing of how old it is.
        let counts = fresh
            .within
            .is_none_or(|within| *read <= fresh.now && fresh.now.since(*read) < within);
        counts.then_some(value)
    }

    /// Keeps what was read at a moment. Where there is no room any more, all the others go.
    pub(super) fn insert(&mut self, key: K, value: V, read: Timestamp) {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.0.clear();
        }
        self.0.insert(key, (value, read));
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }
}

/// What counts as fresh: what was read `within` so long before `now`, or whenever.
#[derive(Clone, Copy)]
pub(super) struct Fresh {
    pub(super) now: Timestamp,
    within: Option<Duration>,
}

impl Service {
    pub(super) fn fresh(&self) -> Fresh {
        Fresh {
            now: self.clock.now(),
            within: self.store.forgets_after(),
        }
    }

    /// Makes a change that ends what may be remembered. That is forgotten also where the change failed or was broken off: it
    /// may not be known whether it was made.
    pub(super) async fn ending<T>(&self, change: impl Future<Output = Result<T>>) -> Result<T> {
        let _forgetting = Forgetting(&self.memory);
        change.await
    }

    /// A grant of level `L` in `project`, as [`access::check`] gives it.
    pub(super) async fn grant<L: Level>(
        &self,
        caller: &Caller,
        project: ProjectId,
    ) -> Result<Grant<L>> {
        let Principal::User(user) = &caller.principal else {
            return access::check(self.store.as_ref(), caller, project).await;
        };
        let (of, fresh) = ((user.id, project), self.fresh());
        let (epoch, known) = {
            let mut all = self.memory.lock();
            (all.epoch, all.standings.get(&of, fresh).copied())
        };
        if let Some(known) = known
            && let Ok(grant) = access::decide(caller, project, known)
        {
            return Ok(grant);
        }
        let standing = self.store.standing(user.id, project).await?;
        let granted = access::decide(caller, project, standing);
        // Whoever is turned away does not fill the memory.
        if granted.is_ok() {
            let remember = |all: &mut Remembered| all.standings.insert(of, standing, fresh.now);
            self.memory.remember(epoch, remember);
        }
        granted
    }

    /// What the project demands of a password before it is saved. For editors.
    pub async fn saving_policy(&self, caller: &Caller, project: ProjectId) -> Result<SavingPolicy> {
        self.grant::<Editor>(caller, project).await?;
        let fresh = self.fresh();
        let (epoch, lenient) = {
            let mut all = self.memory.lock();
            (all.epoch, all.lenient.get(&project, fresh).is_some())
        };
        if lenient {
            return Ok(SavingPolicy::Off);
        }
        let demanded = self.project(caller, project).await?.verify_before_saving;
        if demanded == SavingPolicy::Off {
            let remember = |all: &mut Remembered| all.lenient.insert(project, (), fresh.now);
            self.memory.remember(epoch, remember);
        }
        Ok(demanded)
    }
}

/// Forgets what is remembered once it is dropped.
struct Forgetting<'a>(&'a Memory);

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// A token takes some 400 bytes, and 2 KiB where it counts in a hundred projects.
const MOST_TOKENS: usize = 100_000;
/// A role takes some 100 bytes.
const MOST_ROLES: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const SECOND: i64 = 1_000_000;

    fn fresh(seconds: i64, within: Option<u64>) -> Fresh {
        Fresh {
            now: Timestamp::from_micros(seconds * SECOND),
            within: within.map(Duration::from_secs),
        }
    }

    #[test]
    fn what_was_read_before_something_was_forgotten_is_not_remembered() {
        let (memory, read) = (Memory::default(), Timestamp::from_micros(0));
        let project = ProjectId::generate(read, &SystemRandom).unwrap();
        let remember = |all: &mut Remembered| all.lenient.insert(project, (), read);
        let known = || {
            memory
                .lock()
                .lenient
                .get(&project, fresh(0, None))
                .is_some()
        };
        let before = memory.epoch();
        memory.forget();
        memory.remember(before, remember);
        assert!(!known());
        memory.remember(memory.epoch(), remember);
        assert!(known());
        drop(Forgetting(&memory));
        assert!(!known());
    }

    #[test]
    fn what_was_read_counts_for_so_long_whatever_the_clock_does() {
        let mut kept = Kept::<_, _, 10>::default();
        kept.insert(1, (), Timestamp::from_micros(100 * SECOND));
        for (now, within, counts) in [
            (100, Some(4), true),
            (103, Some(4), true),
            (104, Some(4), false),
            (99, Some(4), false),
            (99, None, true),
            (100_000, None, true),
        ] {
            let known = kept.get(&1, fresh(now, within)).is_some();
            assert_eq!(known, counts, "{now} {within:?}");
        }
    }

    #[test]
    fn there_is_room_for_so_much_and_no_more() {
        let mut kept = Kept::<_, _, 10>::default();
        for number in 0..=10 {
            kept.insert(number, (), Timestamp::from_micros(0));
            assert!(kept.0.len() <= 10);
        }
        // What is there already takes no room.
        kept.insert(10, (), Timestamp::from_micros(1));
        assert_eq!(kept.0.len(), 1);
    }
}
