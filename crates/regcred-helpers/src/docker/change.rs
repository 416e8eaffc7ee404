//! `store` and `erase`, so that `docker login` and `docker logout` work with a token that may edit.
//!
//! Both touch credentials of exactly the key's registry, never those of a longer or shorter path, and never one of
//! several accounts.

use regcred_client::regcred::Candidate;
use regcred_client::{ProjectId, Registry, RegistryChange, Secret};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::access::{Access, Asked, usernames};
use crate::failure::{Failure, NO_USERNAME, Result};
use crate::process::Answer;
use crate::reference::ServerKey;

/// What docker wants to be kept.
pub(super) struct Login {
    key: ServerKey,
    username: String,
    password: Secret,
}

impl Login {
    /// Reads what docker writes. What does not fit is not repeated: it holds a password.
    pub(super) fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Written {
            #[serde(rename = "ServerURL", default)]
            server_url: String,
            #[serde(rename = "Username", default)]
            username: String,
            #[serde(rename = "Secret")]
            secret: Secret,
        }
        let written: Written = serde_json::from_str(text).map_err(|_| {
            Failure::new(
                "standard input holds no credentials",
                "they are of the form {\"ServerURL\": ..., \"Username\": ..., \"Secret\": ...}; nothing was sent",
            )
        })?;
        let key = ServerKey::parse(&written.server_url)?;
        if written.username.is_empty() {
            return Err(Failure::known(NO_USERNAME, "standard input must name one"));
        }
        Ok(Self {
            key,
            username: written.username,
            password: written.secret,
        })
    }

    pub(super) fn key(&self) -> &ServerKey {
        &self.key
    }
}

/// Creates credentials, or replaces the password of those that there are.
pub(super) async fn store(access: &Access, login: &Login) -> Result<Answer> {
    let registry = login.key.registry()?;
    let (project, kept) = kept(access, &login.key).await?;
    let credentials = access.client().docker_credentials();
    let own = kept.iter().find(|one| one.username == login.username);
    let done = match own {
        Some(own) => {
            // The registry stays as it was typed.
            let keep = RegistryChange::Keep;
            credentials
                .upgrade(project, own.credentials_id, &login.password, keep, None)
                .await
        }
        None if !kept.is_empty() => {
            let others = usernames(kept.iter().map(|one| one.username.as_str()));
            return Err(Failure::new(
                format!(
                    "regcred keeps another account for {:?}: {others}; a second one would make pulls ambiguous",
                    login.key.as_str()
                ),
                "nothing was changed; delete that one first, or log in with it",
            ));
        }
        None => {
            let registry: Registry = registry.into();
            credentials
                .create(project, &login.username, &login.password, registry)
                .await
        }
    };
    access.forget_all();
    done.map_err(|error| access.failure(&error))?;
    Ok(Zeroizing::default())
}

/// Deletes the credentials of a key. There being none is what was wanted.
pub(super) async fn erase(access: &Access, key: &ServerKey) -> Result<Answer> {
    let (project, kept) = kept(access, key).await?;
    match kept.as_slice() {
        [] => access.forget_all(),
        [one] => {
            let credentials = access.client().docker_credentials();
            let done = credentials.delete(project, one.credentials_id).await;
            access.forget_all();
            done.map_err(|error| access.failure(&error))?;
        }
        several => {
            let accounts = usernames(several.iter().map(|one| one.username.as_str()));
            return Err(Failure::new(
                format!(
                    "regcred keeps several accounts for {:?}: {accounts}",
                    key.as_str()
                ),
                "nothing was deleted; delete the one that is meant with `regcred credentials delete`",
            ));
        }
    }
    Ok(Zeroizing::default())
}

/// The credentials of exactly this key's registry.
async fn kept(access: &Access, key: &ServerKey) -> Result<(ProjectId, Vec<Candidate>)> {
    let request = access.request(Asked::Server(key));
    let explained = access.client().regcred().explain(&request).await;
    let explained = explained.map_err(|error| access.failure(&error))?;
    if !key.place().is_on_host_of(&explained.registry_key) {
        return Err(Failure::new(
            "regcred answered for another registry than the one that was asked for",
            "nothing was changed; check that the URL is regcred's own",
        ));
    }
    let (wanted, mut kept) = (explained.registry_key, explained.candidates);
    kept.retain(|one| one.registry_key == wanted);
    Ok((explained.project, kept))
}
