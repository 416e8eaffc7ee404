//! What tells one backend from another: where statements run, and how their transactions are ordered.

use std::future::Future;
use std::time::Duration;

use regcred_core::Result;
use regcred_core::ids::ProjectId;
use regcred_core::registry::RegistryKey;
use regcred_core::store::StoredPassword;

use crate::sql::Database;
use crate::statements::credentials;
use crate::unit::{Key, Other, Unit, Work};

/// A database of an installation, opened.
pub(crate) trait Backend: Send + Sync + 'static {
    /// A look-up.
    fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Database) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Reads the sealed passwords of the first of the keys that any credentials have: like [`Self::read`], of pulls, which
    /// come by the thousand.
    fn sealed_of_first(
        &self,
        project: ProjectId,
        keys: Vec<RegistryKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StoredPassword>>> + Send {
        self.read(move |db| credentials::sealed_of_first(db, project, &keys, limit))
    }

    /// A read that grows with the whole database, and must not hold up others.
    fn scan<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Database) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Runs `work` in a transaction that holds `keys`, as often as it takes, and answers once it is committed.
    fn write<T: Send + 'static>(
        &self,
        keys: Vec<Key>,
        work: impl FnMut(&mut Unit<'_>) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.carry_out(keys, Other(work))
    }

    /// The same, of work that may be known.
    fn carry_out<W: Work + 'static>(
        &self,
        keys: Vec<Key>,
        work: W,
    ) -> impl Future<Output = Result<W::Done>> + Send;

    /// The stream of the audit trail that this process writes.
    fn stream(&self) -> u32;

    /// Whether this process does what is done by itself; of several on one database one does.
    fn leads(&self) -> bool;

    /// How long what was read of tokens and rights may be remembered; `None` where no other process changes them.
    fn forgets_after(&self) -> Option<Duration>;

    /// Waits until another process may have changed tokens or rights since `seen`; the count of such changes.
    fn changed_elsewhere(&self, seen: u64) -> impl Future<Output = u64> + Send;

    /// Says something to the other processes on the database, as far as they can be reached.
    fn tell_others(&self, text: String) -> impl Future<Output = ()> + Send;

    /// Waits for what another process said. One at a time may wait.
    fn told_elsewhere(&self) -> impl Future<Output = String> + Send;

    /// Whether it can serve now.
    fn ready(&self) -> impl Future<Output = Result<()>> + Send;

    /// Finishes what is under way and closes.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
