//! Hashing passwords: two at a time, with a bounded queue. Each takes 46 MiB and some 50 ms, which is the point of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use regcred_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

/// The places at which passwords are hashed.
pub(crate) struct Hashing {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Hashing {
    pub(crate) fn new() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Runs `work` where blocking is allowed. Where too many wait already the answer is `Throttled`; those who are
    /// `trusted` find places that nobody else can take.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        trusted: bool,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Place::take(
            &self.waiting,
            if trusted {
                MOST_WAITING + RESERVED
            } else {
                MOST_WAITING
            },
        )?;
        let permit = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Error::internal("hashing has ended"))?;
        drop(place);
        tokio::task::spawn_blocking(move || {
            // The permit goes with the work, which ends also when the client has gone.
            let _permit = permit;
            work()
        })
        .await
        .map_err(|error| Error::internal(format!("hashing a password failed: {error}")))?
    }
}

/// A place in the queue, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Result<Self> {
        waiting
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |number| {
                (number < most).then_some(number + 1)
            })
            .map(|_| Self(waiting))
            .map_err(|_| {
                let wait = ErrorKind::Throttled(Duration::from_secs(1));
                Error::new(
                    wait,
                    "too many passwords are being checked; try again in a second",
                )
            })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

const AT_ONCE: usize = 2;
const MOST_WAITING: usize = 32;
const RESERVED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_queue_is_bounded_and_keeps_places_for_the_trusted() {
        let hashing = Arc::new(Hashing::new());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let start = |trusted| {
            let (hashing, held) = (Arc::clone(&hashing), Arc::clone(&held));
            tokio::spawn(async move {
                hashing
                    .run(trusted, move || {
                        let _ = held.lock().unwrap().recv();
                        Ok(())
                    })
                    .await
            })
        };
        let running: Vec<_> = (0..AT_ONCE + MOST_WAITING).map(|_| start(false)).collect();
        while hashing.waiting.load(Ordering::Relaxed) < MOST_WAITING
            || hashing.running.available_permits() > 0
        {
            tokio::task::yield_now().await;
        }
        let refused = hashing.run(false, || Ok(())).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Throttled(_)));
        let trusted = start(true);
        drop(release);
        for task in running.into_iter().chain([trusted]) {
            task.await.unwrap().unwrap();
        }
        assert_eq!(hashing.waiting.load(Ordering::Relaxed), 0);
    }
}
