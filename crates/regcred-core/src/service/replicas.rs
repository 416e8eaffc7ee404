//! What the processes on one store have to do with each other.

use std::time::Duration;

use super::Service;
use crate::clock::Timestamp;

impl Service {
    /// Whether this process does what is done by itself; of several on one store one does.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.store.leads()
    }

    /// Waits until another process may have changed tokens or rights since `seen`, and forgets what is remembered; the
    /// count of such changes, which begins at 0.
    pub async fn changed_elsewhere(&self, seen: u64) -> u64 {
        let changes = self.store.changed_elsewhere(seen).await;
        self.memory.forget();
        changes
    }

    /// Says something short to the other processes on the store, as far as they can be reached. It is signed, with its
    /// moment: whoever may connect to a database may speak there.
    pub async fn tell_others(&self, text: &str) {
        let said = format!("{} {text}", self.clock.now().as_micros());
        let signature = self.keys.sign(&said);
        self.store.tell_others(format!("{signature} {said}")).await;
    }

    /// Waits for what another process on the store said just now; one at a time may wait.
    pub async fn told_elsewhere(&self) -> String {
        loop {
            let told = self.store.told_elsewhere().await;
            if let Some(text) = self.heard(&told) {
                return text.to_owned();
            }
            tracing::warn!(
                "what was said to this replica has no signature of another one, or is old"
            );
        }
    }

    fn heard<'a>(&self, told: &'a str) -> Option<&'a str> {
        let (signature, said) = told.split_once(' ')?;
        let (moment, text) = said.split_once(' ')?;
        let moment = Timestamp::from_micros(moment.parse().ok()?);
        let now = self.clock.now();
        let fresh = now.since(moment).max(moment.since(now)) < HEARD_FOR;
        (self.keys.is_signed(said, signature) && fresh).then_some(text)
    }
}

/// With room for clocks that differ.
const HEARD_FOR: Duration = Duration::from_mins(1);
