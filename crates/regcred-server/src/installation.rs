//! Opening an installation: its key, its store, and the use cases over them.

use std::path::Path;
use std::sync::Arc;

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_core::service::Service;
use regcred_core::store::Store;
use regcred_core::verification::Watch;
use regcred_storage::{SqliteOptions, SqliteStore};

use crate::settings::{KekSource, SettingsError};

/// An open installation.
pub(crate) struct Installation {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) service: Arc<Service>,
}

impl Installation {
    /// Opens the one in `data_dir`, or makes it where `make` says so, with credentials watched as `watch` says.
    pub(crate) fn open(
        data_dir: &Path,
        kek: &KekSource,
        make: bool,
        watch: Watch,
    ) -> Result<Self, SettingsError> {
        let fresh = !data_dir.join(regcred_storage::DATABASE_FILE).exists();
        if fresh && !make {
            return Err(format!(
                "there is no database in {}; give the data directory of an installation",
                data_dir.display()
            ));
        }
        if fresh {
            regcred_storage::prepare_directory(data_dir).map_err(|error| error.to_string())?;
        }
        let kek = kek.read(data_dir, fresh)?;
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let options = SqliteOptions::new(data_dir);
        let (store, keys) = SqliteStore::open(&options, &kek, clock.as_ref(), random.as_ref())
            .map_err(|error| error.to_string())?;
        let store = Arc::new(store);
        let service = Service::new(Arc::clone(&store) as Arc<dyn Store>, keys, clock, random)
            .map_err(|error| {
                format!(
                    "the installation cannot be opened: {}",
                    error.detail().unwrap_or(error.message())
                )
            })?;
        Ok(Self {
            store,
            service: Arc::new(service.watching(watch)),
        })
    }
}
