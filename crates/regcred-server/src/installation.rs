//! Opening an installation: its key, its store, and the use cases over them.

use std::path::Path;
use std::sync::Arc;

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_core::sealing::KeyRing;
use regcred_core::service::Service;
use regcred_core::store::Store;
use regcred_core::verification::Watch;
use regcred_storage::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};

use crate::settings::{KekSource, Place, SettingsError};

/// An open installation.
pub(crate) struct Installation {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) service: Arc<Service>,
}

type Opened = (Arc<dyn Store>, Arc<KeyRing>);

impl Installation {
    /// Opens the one that lies there, or makes it where `make` says so, with credentials watched as `watch` says.
    pub(crate) fn open(
        place: &Place,
        kek: &KekSource,
        make: bool,
        watch: Watch,
    ) -> Result<Self, SettingsError> {
        let (store, keys) = match place {
            Place::Directory(directory) => open_directory(directory, kek, make)?,
            Place::Server(options) => open_server(options, kek, make)?,
        };
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let service = Service::new(Arc::clone(&store), keys, clock, random).map_err(|error| {
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

fn open_directory(data_dir: &Path, kek: &KekSource, make: bool) -> Result<Opened, SettingsError> {
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
    let kek = kek.read(Some(data_dir), fresh)?;
    let options = SqliteOptions::new(data_dir);
    let opened = SqliteStore::open(&options, &kek, &SystemClock, &SystemRandom);
    let (store, keys) = opened.map_err(|error| error.to_string())?;
    Ok((Arc::new(store), keys))
}

fn open_server(
    options: &PostgresOptions,
    kek: &KekSource,
    make: bool,
) -> Result<Opened, SettingsError> {
    let kek = kek.read(None, false)?;
    let there = make || PostgresStore::exists(options).map_err(|error| error.to_string())?;
    if !there {
        return Err(format!(
            "{options} holds no installation; give the database of one"
        ));
    }
    let opened = PostgresStore::open(options, &kek, &SystemClock, &SystemRandom);
    let (store, keys) = opened.map_err(|error| error.to_string())?;
    Ok((Arc::new(store), keys))
}
