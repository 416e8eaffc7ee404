//! The versions of Docker credentials: promote one, bring one back, destroy one.

use std::sync::Arc;

use super::absent;
use crate::access::{Caller, Editor, Sight, Viewer};
use crate::audit::Action;
use crate::clock::Timestamp;
use crate::credentials::DockerCredentials;
use crate::credentials::version::{self, CredentialsVersion};
use crate::error::{Error, Result};
use crate::ids::{CredentialsId, ProjectId};
use crate::service::Service;
use crate::store::{Present, Switch};

/// Which version is to count.
pub struct SwitchVersion {
    /// In which project.
    pub project: ProjectId,
    /// Of which credentials.
    pub id: CredentialsId,
    /// The number of the version; `None` is the one that is staged, or that counted last.
    pub version: Option<u32>,
    /// The version that the caller takes for the current one. Where it is another one, nothing is changed.
    pub expected_version: Option<u32>,
    /// Whether to go on where the registry refused the version when it was tried last.
    pub force: bool,
}

impl Service {
    /// Makes the staged version the current one. `NotFound` where none is staged, `Conflict` where another one is, where the
    /// credentials have changed since, or where the registry refused it, unless forced.
    pub async fn promote_credentials(
        &self,
        caller: &Caller,
        input: SwitchVersion,
    ) -> Result<DockerCredentials> {
        let pick = |present: &Present<'_>, number, expected, _| {
            version::to_promote(present.versions, present.row.version, number, expected).cloned()
        };
        self.switch(caller, input, pick, |of| Action::CredentialsPromoted {
            project: of.project,
            credentials: of.credentials,
            registry_key: of.registry_key,
            username: of.username,
            version: of.version,
            before: of.before,
            before_held_until: of.before_held_until,
            verdict: of.verdict,
            force: of.force,
        })
        .await
    }

    /// Brings a previous version back; the one that counted until then is held, so that this can be undone, too.
    /// `NotFound` where there is none any more, `Conflict` where the registry refused it, unless forced.
    pub async fn roll_back_credentials(
        &self,
        caller: &Caller,
        input: SwitchVersion,
    ) -> Result<DockerCredentials> {
        let pick = |present: &Present<'_>, number, expected, now| {
            let current = present.row.version;
            version::to_bring_back(present.versions, current, number, expected, now).cloned()
        };
        self.switch(caller, input, pick, |of| Action::CredentialsRolledBack {
            project: of.project,
            credentials: of.credentials,
            registry_key: of.registry_key,
            username: of.username,
            version: of.version,
            before: of.before,
            before_held_until: of.before_held_until,
            verdict: of.verdict,
            force: of.force,
        })
        .await
    }

    async fn switch(
        &self,
        caller: &Caller,
        input: SwitchVersion,
        pick: impl Fn(&Present<'_>, Option<u32>, Option<u32>, Timestamp) -> Result<CredentialsVersion>
        + Send
        + 'static,
        describe: impl Fn(Switched) -> Action + Send + 'static,
    ) -> Result<DockerCredentials> {
        let SwitchVersion {
            project,
            id,
            version,
            expected_version,
            force,
        } = input;
        let grant = Arc::new(self.grant::<Editor>(caller, project).await?);
        let (author, now) = (Arc::clone(&grant), self.clock.now());
        let decide = Box::new(move |present: &Present<'_>| {
            let now = now.max(present.row.last_update);
            let picked = pick(present, version, expected_version, now)?;
            if let Some(verdict) = picked.refused
                && !force
            {
                return Err(refused(picked.number, verdict.word()));
            }
            let hold_until = present.grace.end(now);
            let event = author.event(
                now,
                describe(Switched {
                    project: project.to_string(),
                    credentials: id.to_string(),
                    registry_key: picked.registry.key().to_string(),
                    username: picked.username.as_str().to_owned(),
                    version: picked.number,
                    before: present.row.version,
                    before_held_until: hold_until.rfc3339(0),
                    verdict: picked.proof.map(|proof| proof.verdict.word()),
                    force,
                }),
            );
            Ok(Switch {
                to: picked.number,
                at: now,
                hold_until,
                event,
            })
        });
        let switched = self.store.switch_credentials(&grant, id, decide).await?;
        switched.ok_or_else(|| absent(id))
    }

    /// Destroys a version that does not count: one that is staged, or a previous one before its time. `Conflict` where it
    /// is the current one.
    pub async fn destroy_version(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialsId,
        number: u32,
    ) -> Result<()> {
        let grant = Arc::new(self.grant::<Editor>(caller, project).await?);
        let (author, now) = (Arc::clone(&grant), self.clock.now());
        let describe = Box::new(move |gone: &CredentialsVersion| {
            author.event(
                now,
                Action::CredentialsVersionDestroyed {
                    project: project.to_string(),
                    credentials: id.to_string(),
                    registry_key: gone.registry.key().to_string(),
                    username: gone.username.as_str().to_owned(),
                    version: gone.number,
                },
            )
        });
        let destroyed = self.store.destroy_version(&grant, id, number, describe);
        if destroyed.await? {
            return Ok(());
        }
        Err(Error::not_found(format!(
            "the Docker credentials {id} have no version {number} that could be destroyed"
        )))
    }

    /// The versions of credentials that can be used, the current one among them, the latest first. For viewers.
    pub async fn credentials_versions(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialsId,
    ) -> Result<Vec<CredentialsVersion>> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        let held = self.held_versions(&grant.sight(), id).await?;
        // The one that counts is always among them.
        if held.is_empty() {
            return Err(absent(id));
        }
        Ok(held)
    }

    pub(super) async fn held_versions(
        &self,
        sight: &Sight,
        id: CredentialsId,
    ) -> Result<Vec<CredentialsVersion>> {
        let all = self.store.credentials_versions(sight, id).await?;
        let now = self.clock.now();
        Ok(all
            .into_iter()
            .filter(|version| version.is_held(now))
            .collect())
    }

    /// One of them. `NotFound` where it is absent or destroyed.
    pub(super) async fn held_version(
        &self,
        sight: &Sight,
        id: CredentialsId,
        number: u32,
    ) -> Result<CredentialsVersion> {
        let all = self.held_versions(sight, id).await?;
        let mut all = all.into_iter();
        all.find(|version| version.number == number).ok_or_else(|| {
            Error::not_found(format!(
                "the Docker credentials {id} have no version {number} (any more)"
            ))
        })
    }
}

/// What the event of another version that counts says.
struct Switched {
    project: String,
    credentials: String,
    registry_key: String,
    username: String,
    version: u32,
    before: u32,
    before_held_until: String,
    verdict: Option<&'static str>,
    force: bool,
}

fn refused(number: u32, verdict: &str) -> Error {
    Error::conflict(format!(
        "version {number} was tried at its registry, and the verdict was {verdict}; verify it again once that is mended, \
         stage another password, or promote it all the same with `force`"
    ))
}
