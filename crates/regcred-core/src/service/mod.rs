//! The use cases. Each does one thing for a caller who has been authenticated, and knows nothing of HTTP or GraphQL.

mod authentication;
mod checks;
mod credentials;
mod deliveries;
mod login;
mod memory;
mod people;
mod projects;
mod pull;
mod records;
mod replicas;
mod tokens;
mod trail;
mod workloads;

use std::sync::Arc;

pub use credentials::{CreateCredentials, SwitchVersion, ToProve, UpgradeCredentials};
pub use login::{Candidate, Verified};
use memory::Memory;
pub use people::CreateUser;
pub use projects::{CreateProject, EditProject};
pub use pull::{Explained, Explanation, PullRefusal, PullRequest, Pullable, Pulled};
pub use records::{DamagedRecord, RecordsReport};
pub use tokens::{CreateToken, CreatedToken};
pub use workloads::{CreateWorkload, NewVersion};

use crate::clock::Clock;
use crate::error::Result;
use crate::random::Random;
use crate::sealing::{KeyRing, SealedRecord};
use crate::store::Store;
use crate::verification::Watch;

/// All use cases over one store.
pub struct Service {
    store: Arc<dyn Store>,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    memory: Memory,
    decoy: SealedRecord,
    watch: Watch,
}

impl Service {
    /// Over `store`, whose records `keys` open.
    pub fn new(
        store: Arc<dyn Store>,
        keys: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let decoy = login::decoy(&keys, random.as_ref())?;
        Ok(Self {
            store,
            keys,
            clock,
            random,
            memory: Memory::default(),
            decoy,
            watch: Watch::default(),
        })
    }

    /// The same, with credentials watched in another way.
    #[must_use]
    pub fn watching(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// Whether the store can serve now.
    pub async fn ready(&self) -> Result<()> {
        self.store.ready().await
    }

    /// The clock that the use cases go by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The randomness that the use cases draw on.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        self.random.as_ref()
    }
}
