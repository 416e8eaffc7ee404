//! Where the files lie, by the rules of their clients.

use std::env;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy as _, choose_base_strategy};

use crate::failure::{Failure, Result};

/// docker's `config.json`: in `$DOCKER_CONFIG`, or `~/.docker`.
pub(crate) fn docker() -> Result<PathBuf> {
    if let Some(directory) = set("DOCKER_CONFIG") {
        return Ok(directory.join("config.json"));
    }
    Ok(home()?.join(".docker").join("config.json"))
}

/// containers' `auth.json` that lasts: `$REGISTRY_AUTH_FILE`, or `containers/auth.json` below `$XDG_CONFIG_HOME` or
/// `~/.config`. The one of `podman login` goes with the session; podman reads this one where that has nothing.
pub(crate) fn containers() -> Result<PathBuf> {
    match set("REGISTRY_AUTH_FILE") {
        Some(file) => Ok(file),
        None => Ok(config()?.join("containers").join("auth.json")),
    }
}

/// The files in which podman, skopeo and buildah look one after the other, docker's last.
pub(crate) fn search_of_containers() -> Vec<PathBuf> {
    if let Some(file) = set("REGISTRY_AUTH_FILE") {
        return vec![file];
    }
    let runtime = match set("XDG_RUNTIME_DIR") {
        Some(directory) => directory.join("containers"),
        None => Path::new("/run/containers").join(rustix::process::getuid().as_raw().to_string()),
    };
    let lasting = [containers(), docker()].into_iter().flatten();
    std::iter::once(runtime.join("auth.json"))
        .chain(lasting)
        .collect()
}

/// The configuration of regcred's own helper: `$REGCRED_HELPER_CONFIG`, or `regcred/helper.toml` below
/// `$XDG_CONFIG_HOME` or `~/.config`.
pub(crate) fn helper() -> Result<PathBuf> {
    if let Some(file) = set("REGCRED_HELPER_CONFIG") {
        return Ok(file);
    }
    Ok(config()?.join("regcred").join("helper.toml"))
}

fn config() -> Result<PathBuf> {
    let strategy = choose_base_strategy().map_err(|_| no_home())?;
    Ok(strategy.config_dir())
}

fn home() -> Result<PathBuf> {
    set("HOME").or_else(env::home_dir).ok_or_else(no_home)
}

/// A variable that is set to a path.
fn set(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn no_home() -> Failure {
    Failure::internal("there is no home directory", "set HOME, or name the file")
}
