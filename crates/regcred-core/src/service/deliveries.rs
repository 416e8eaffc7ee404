//! What waits to be delivered to webhooks.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::DeliveryId;
use crate::service::Service;
use crate::verification::schedule::Jitter;
use crate::webhook::{self, Delivery, Target};

impl Service {
    /// What is to be delivered to a target first, be it due or not.
    pub async fn next_delivery(&self, target: &Target) -> Result<Option<Delivery>> {
        let grant = self.by_itself()?;
        self.store.next_delivery(&grant, target).await
    }

    /// Forgets a delivery that was made, or that is given up.
    pub async fn end_delivery(&self, id: DeliveryId) -> Result<()> {
        self.store.end_delivery(&self.by_itself()?, id).await
    }

    /// Puts a delivery off that failed, for as long as the receiver asks or longer: until when; `None` where that was the last
    /// attempt, and it is forgotten.
    pub async fn put_off_delivery(
        &self,
        delivery: &Delivery,
        asked: Option<Duration>,
    ) -> Result<Option<Timestamp>> {
        let jitter = Jitter::draw(self.random.as_ref())?;
        let attempts = delivery.attempts.saturating_add(1);
        let Some(delay) = webhook::again_after(attempts, asked, jitter) else {
            self.end_delivery(delivery.id).await?;
            return Ok(None);
        };
        let due = self.clock.now().plus(delay);
        let grant = self.by_itself()?;
        self.store
            .put_off_delivery(&grant, delivery.id, due)
            .await?;
        Ok(Some(due))
    }

    /// Forgets what waits for webhooks that are no longer in the settings; how many deliveries.
    pub async fn forget_other_deliveries(&self) -> Result<u64> {
        let (grant, targets) = (self.by_itself()?, self.watch.webhooks.clone());
        self.store.forget_deliveries(&grant, targets).await
    }
}
