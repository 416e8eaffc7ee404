//! The file of a client in which the helper is entered.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use regcred_client::Secret;

use crate::docker_config::edit::{NotEdited, Slot};
use crate::docker_config::key::RegistryHost;
use crate::docker_config::places;
use crate::docker_config::read;
use crate::docker_config::strict::{self, Client};
use crate::failure::{Exit, Failure, Result};
use crate::files;

/// Which file is meant.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub(super) struct WhichFile {
    /// The auth.json of podman, skopeo and buildah that lasts, rather than docker's config.json
    /// [env: `REGISTRY_AUTH_FILE`]
    #[arg(long)]
    containers: bool,
    /// This auth.json
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,
}

/// A file of a client, as it is now.
pub(super) struct ClientFile {
    pub(super) path: PathBuf,
    /// Whether it is containers' `auth.json`; docker's `config.json` otherwise.
    pub(super) is_of_containers: bool,
    /// Its text; `None` where there is no file.
    pub(super) text: Option<Secret>,
    /// While it is held, no other regcred changes the file.
    _lock: Option<File>,
}

impl WhichFile {
    /// Whether it is containers' `auth.json`; docker's `config.json` otherwise.
    pub(super) fn is_of_containers(&self) -> bool {
        self.containers || self.auth_file.is_some()
    }

    /// Reads it.
    pub(super) fn load(&self) -> Result<ClientFile> {
        self.read(self.path()?, None)
    }

    /// Reads the one that its clients take a registry from: of podman's, the first of its search that has a helper or a
    /// login for this key or is broken, or else the first that is there.
    pub(super) fn load_for(&self, key: Option<&str>) -> Result<ClientFile> {
        if self.auth_file.is_some() || !self.containers {
            return self.load();
        }
        let search = places::search_of_containers();
        let there = search.iter().filter(|path| path.exists());
        let has_it = |path: &&PathBuf| {
            let Ok(Some(text)) = files::read_plain(path) else {
                return true;
            };
            // They go no further than to a file that is broken.
            let is_broken = strict::check(&text, Client::Containers).is_err();
            is_broken || read(&text).is_ok_and(|found| key.is_none_or(|key| found.has(key)))
        };
        let first = there.clone().find(has_it);
        // docker's own is no file of podman's, unless it has what is looked for.
        let own = there
            .clone()
            .find(|path| places::docker().ok().as_ref() != Some(*path));
        match first.or(own) {
            Some(path) => self.read(path.clone(), None),
            None => self.load(),
        }
    }

    /// Reads it and keeps others from changing it, for whoever is going to. Its directory is made, 0700, where there is none.
    pub(super) fn load_to_change(&self) -> Result<ClientFile> {
        let path = self.path()?;
        let lock = with_directory(&path).and_then(|()| files::lock_beside(&path));
        let lock = lock.map_err(|error| {
            Failure::internal(
                format!("the file {} cannot be changed: {error}", path.display()),
                "make its directory yours to write, and run this again",
            )
        })?;
        self.read(path, Some(lock))
    }

    fn path(&self) -> Result<PathBuf> {
        match &self.auth_file {
            Some(path) => Ok(path.clone()),
            None if self.containers => places::containers(),
            None => places::docker(),
        }
    }

    fn read(&self, path: PathBuf, lock: Option<File>) -> Result<ClientFile> {
        let text = files::read_plain(&path).map_err(|error| {
            let message = format!("the file {} cannot be read: {error}", path.display());
            Failure::internal(message, "mend it; it is left as it is")
        })?;
        Ok(ClientFile {
            path,
            is_of_containers: self.is_of_containers(),
            text,
            _lock: lock,
        })
    }
}

impl ClientFile {
    /// Whose file it is.
    pub(super) fn client(&self) -> Client {
        if self.is_of_containers {
            Client::Containers
        } else {
            Client::Docker
        }
    }

    /// Where a registry is entered, spelled as this file's clients look for it.
    pub(super) fn slot(&self, host: &RegistryHost) -> Slot {
        let key = if self.is_of_containers {
            host.of_containers()
        } else {
            host.of_docker()
        };
        Slot::Registry(key.to_owned())
    }

    /// Writes it, 0600, in one stroke, unless somebody who knows no lock changed it meanwhile.
    pub(super) fn replace(&self, text: &Secret) -> Result<()> {
        let now = files::read_plain(&self.path).ok().flatten();
        let is_same = match (&now, &self.text) {
            (None, None) => true,
            (Some(now), Some(before)) => now.expose() == before.expose(),
            _ => false,
        };
        if !is_same {
            let message = format!(
                "the file {} was changed meanwhile; it is left as it is",
                self.path.display()
            );
            return Err(Failure::new(Exit::Conflict, message, "run it again"));
        }
        replace(&self.path, text)
    }

    /// Why it was not edited, for its user.
    pub(super) fn failure(&self, error: NotEdited) -> Failure {
        let path = self.path.display();
        match error {
            NotEdited::Broken(why) => Failure::internal(
                format!("the file {path} is left as it is: {why}"),
                "mend it, and run this again",
            ),
            NotEdited::Taken { slot, by } => Failure::new(
                Exit::Conflict,
                format!("in {path}, {slot} is the helper {by:?}; nothing was changed"),
                "replace it with --force, or leave that registry out",
            ),
        }
    }
}

/// Writes a file, 0600, in one stroke; its directory is made, 0700, where there is none.
pub(super) fn replace(path: &Path, text: &Secret) -> Result<()> {
    with_directory(path)
        .and_then(|()| files::replace(path, text))
        .map_err(|error| {
            Failure::internal(
                format!("the file {} cannot be written: {error}", path.display()),
                "make its directory yours to write, and run this again",
            )
        })
}

fn with_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent();
    match directory.filter(|directory| !directory.as_os_str().is_empty()) {
        Some(directory) if !directory.exists() => files::make_private(directory),
        _ => Ok(()),
    }
}
