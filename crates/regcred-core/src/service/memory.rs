//! What is remembered of the store, so that a request need not ask it again who may do what: tokens, how users stand to
//! projects, and what projects demand of passwords.
//!
//! Whatever could change any of it forgets all of it, so that a change acts with the next request; where other processes
//! share the store they say so, and what was read counts for a few seconds at most. What is remembered lets callers in; it
//! turns nobody away who may have been given a role since.

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
    pub(super) tokens: Kept<TokenId, Known>,
    standings: Kept<(UserId, ProjectId), Standing>,
    demands: Kept<ProjectId, SavingPolicy>,
}

impl Memory {
    /// Forgets everything: something of it has changed, or may have.
    pub(super) fn forget(&self) {
        let mut all = self.lock();
        let epoch = all.epoch + 1;
        *all = Remembered {
            epoch,
            ..Remembered::default()
        };
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

/// Up to [`MOST_KEPT`] values, each with the moment at which it was read.
pub(super) struct Kept<K, V>(HashMap<K, (V, Timestamp)>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    /// A value that may still count.
    pub(super) fn get(&mut self, key: &K, fresh: Fresh) -> Option<&mut V> {
        let (value, read) = self.0.get_mut(key)?;
        let old = fresh
            .within
            .is_some_and(|within| fresh.now.since(*read) >= within);
        (!old).then_some(value)
    }

    /// Keeps what was read at a moment. Where there is no room any more, all the others go.
    pub(super) fn insert(&mut self, key: K, value: V, read: Timestamp) {
        if self.0.len() >= MOST_KEPT {
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

    /// Makes a change that ends what may be remembered. That is forgotten also where the change failed: it may not be known
    /// whether it was made.
    pub(super) async fn ending<T>(&self, change: impl Future<Output = Result<T>>) -> Result<T> {
        let done = change.await;
        self.memory.forget();
        done
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
        // Whoever names projects that there are not does not fill the memory.
        if standing != Standing::NoProject {
            let remember = |all: &mut Remembered| all.standings.insert(of, standing, fresh.now);
            self.memory.remember(epoch, remember);
        }
        access::decide(caller, project, standing)
    }

    /// What the project demands of a password before it is saved. For editors.
    pub async fn saving_policy(&self, caller: &Caller, project: ProjectId) -> Result<SavingPolicy> {
        self.grant::<Editor>(caller, project).await?;
        let fresh = self.fresh();
        let (epoch, known) = {
            let mut all = self.memory.lock();
            (all.epoch, all.demands.get(&project, fresh).copied())
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let demanded = self.project(caller, project).await?.verify_before_saving;
        let remember = |all: &mut Remembered| all.demands.insert(project, demanded, fresh.now);
        self.memory.remember(epoch, remember);
        Ok(demanded)
    }
}

/// A token takes some 400 bytes, anything else fewer.
const MOST_KEPT: usize = 100_000;
