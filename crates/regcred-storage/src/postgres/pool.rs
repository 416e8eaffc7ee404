//! Connections that read, beside the one that writes.
//!
//! A read waits for a free connection, two seconds at most. Where a connection turns out to be of no use any more, those
//! that lie idle are taken to be, too, and the read is done once more on a new one: it changed nothing. So it is where a
//! new one broke, as long as the two seconds last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use regcred_core::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::PostgresOptions;
use super::error::Trouble;
use super::link::Link;
use crate::unit::closed;

/// The connections that read.
#[derive(Clone)]
pub(super) struct Pool(Arc<Links>);

struct Links {
    options: PostgresOptions,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Link>>>,
    free: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(options: &PostgresOptions) -> Self {
        Self(Arc::new(Links {
            options: options.clone(),
            idle: Mutex::new(Some(Vec::new())),
            free: Arc::new(Semaphore::new(options.most_connections())),
        }))
    }

    /// Reads, and answers within `time` of its turn.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        time: Duration,
        work: impl Fn(&Link) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match tokio::time::timeout(LONGEST_WAIT, self.turn()).await {
            Ok(turn) => turn?.read(time, work).await,
            Err(_) => Err(no_turn()),
        }
    }

    /// Waits for a turn, however long; an error once the pool is closed.
    pub(super) async fn turn(&self) -> Result<Turn> {
        let free = Arc::clone(&self.0.free).acquire_owned().await;
        let links = Arc::clone(&self.0);
        free.map(|free| Turn { free, links }).map_err(|_| closed())
    }

    /// Closes those that are idle; those in use close when they are given back.
    pub(super) fn close(&self) {
        self.0.free.close();
        self.0.lock().take();
    }
}

/// A connection that is free for whoever has this, or may be made.
pub(super) struct Turn {
    free: OwnedSemaphorePermit,
    links: Arc<Links>,
}

impl Turn {
    /// Reads, and answers within `time`.
    pub(super) async fn read<T: Send + 'static>(
        self,
        time: Duration,
        work: impl Fn(&Link) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        tokio::task::spawn_blocking(move || {
            let Self { free, links } = self;
            let done = links.read(time, work);
            drop(free);
            done
        })
        .await
        .map_err(|error| Error::internal(format!("a read ended badly: {error}")))?
    }
}

impl Links {
    fn read<T>(&self, time: Duration, work: impl Fn(&Link) -> Result<T>) -> Result<T> {
        let idle = self.lock().as_mut().ok_or_else(closed)?.pop();
        if let Some(link) = idle {
            let (done, usable) = attempt(&link, time, &work);
            if usable {
                self.give_back(link);
                return done;
            }
            if link.is_silent() {
                return done;
            }
            // The others will not have fared better.
            let others = self.lock().as_mut().map(std::mem::take);
            drop(others);
        }
        // A new one, too, may be ended by the server the moment that it is there.
        let until = Instant::now() + LONGEST_WAIT;
        let (done, usable) = self.on_a_new_one(until, time, &work);
        if usable || Instant::now() >= until {
            return done;
        }
        self.on_a_new_one(until, time, &work).0
    }

    /// Does the work on a connection that is made until then, and tells whether it could be used.
    fn on_a_new_one<T>(
        &self,
        until: Instant,
        time: Duration,
        work: impl Fn(&Link) -> Result<T>,
    ) -> (Result<T>, bool) {
        let left = until.saturating_duration_since(Instant::now());
        match Link::open(&self.options, left) {
            Ok(link) => {
                let (done, usable) = attempt(&link, time, work);
                if usable {
                    self.give_back(link);
                }
                (done, usable)
            }
            Err(error) => (Err(error), false),
        }
    }

    fn give_back(&self, link: Link) {
        if let Some(idle) = self.lock().as_mut() {
            idle.push(link);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Link>>> {
        // No code under the lock can panic half-way through a change.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does the work, and tells whether the connection can be used again.
fn attempt<T>(link: &Link, time: Duration, work: impl Fn(&Link) -> Result<T>) -> (Result<T>, bool) {
    link.allow(time);
    link.use_again();
    let done = work(link);
    let lost = link.trouble() == Some(Trouble::Lost);
    // What is left of a snapshot that failed half-way.
    let usable = !lost && (done.is_ok() || link.roll_back("ROLLBACK").is_ok());
    (done, usable)
}

/// Nobody gave a connection back in time.
pub(super) fn no_turn() -> Error {
    Error::unavailable(format!(
        "no connection to PostgreSQL was free within {LONGEST_WAIT:?}"
    ))
}

/// So long a read waits for a connection, and a connection may take.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(2);
