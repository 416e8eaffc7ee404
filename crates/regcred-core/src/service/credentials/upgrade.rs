//! Upgrade Docker credentials: a new password, and perhaps another username and registry. At once, or staged.

use std::sync::Arc;

use super::absent;
use crate::access::{Caller, Editor, Grant};
use crate::audit::Action;
use crate::clock::Timestamp;
use crate::credentials::version::{self, CredentialsVersion, VersionState};
use crate::credentials::{self, DockerCredentials, Username};
use crate::error::Result;
use crate::ids::{CredentialsId, ProjectId};
use crate::registry::{ImageReference, Registry};
use crate::secret::RegistryPassword;
use crate::service::Service;
use crate::store::{DecideUpgrade, Upgrade};
use crate::verification::Proved;

/// What to upgrade.
pub struct UpgradeCredentials {
    /// In which project.
    pub project: ProjectId,
    /// Which credentials.
    pub id: CredentialsId,
    /// The registry from now on; `None` keeps the one there is.
    pub registry: Option<Registry>,
    /// The username from now on; `None` keeps the one there is.
    pub username: Option<Username>,
    /// The new password, mandatory.
    pub password: RegistryPassword,
    /// When it runs out. The old password's expiry says nothing of the new one: `None` is not known.
    pub expires: Option<Timestamp>,
    /// The version that the caller takes for the current one. Where it is another one, nothing is changed.
    pub expected_version: Option<u32>,
    /// The image to probe with from now on; `None` keeps the one there is, where it is of the registry.
    pub probe: Option<Option<ImageReference>>,
    /// What was proved of the password before.
    pub proved: Option<Proved>,
}

impl Service {
    /// Upgrades credentials: old or new, never anything between, also under concurrent upgrades. The version before is
    /// held for the project's grace period. `Conflict` where the version is not the expected one.
    pub async fn upgrade_credentials(
        &self,
        caller: &Caller,
        input: UpgradeCredentials,
    ) -> Result<DockerCredentials> {
        let (project, id) = (input.project, input.id);
        let grant = Arc::new(self.grant::<Editor>(caller, project).await?);
        let decide = self.new_version(&grant, input, |of| Action::CredentialsUpgraded {
            project: of.project,
            credentials: of.credentials,
            registry_key: of.registry_key,
            username: of.username,
            version: of.version,
            expires: of.expires,
            verdict: of.verdict,
            before: of.before,
            before_held_until: of.before_held_until,
        });
        let upgraded = self.store.upgrade_credentials(&grant, id, decide.await?);
        let upgraded = upgraded.await?;
        upgraded.ok_or_else(|| absent(id))
    }

    /// Makes a version that waits to be promoted, in place of one that waited before. What is pulled stays what it is.
    pub async fn stage_credentials(
        &self,
        caller: &Caller,
        input: UpgradeCredentials,
    ) -> Result<CredentialsVersion> {
        let (project, id) = (input.project, input.id);
        let grant = Arc::new(self.grant::<Editor>(caller, project).await?);
        let decide = self.new_version(&grant, input, |of| Action::CredentialsStaged {
            project: of.project,
            credentials: of.credentials,
            registry_key: of.registry_key,
            username: of.username,
            version: of.version,
            expires: of.expires,
            replaced: of.replaced,
            verdict: of.verdict,
        });
        let staged = self.store.stage_credentials(&grant, id, decide.await?);
        let staged = staged.await?;
        staged.ok_or_else(|| absent(id))
    }

    /// The held versions that have this password already, the first one first.
    async fn versions_with(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        password: &RegistryPassword,
    ) -> Result<Vec<u32>> {
        let (unsealing, now) = (grant.unsealing(), self.clock.now());
        let held = self.store.sealed_versions(&unsealing, id, now).await?;
        let same = held.iter().filter(|stored| {
            // What does not open is mended by a new password, and must not stand in its way.
            let opened = self.open_password(stored);
            opened.is_ok_and(|opened| opened.is(password))
        });
        let mut same: Vec<_> = same.map(|stored| stored.credentials.secret).collect();
        same.sort_unstable();
        Ok(same)
    }

    /// Seals the password for the version that is made.
    async fn new_version(
        &self,
        grant: &Arc<Grant<Editor>>,
        input: UpgradeCredentials,
        describe: impl Fn(Made) -> Action + Send + 'static,
    ) -> Result<DecideUpgrade> {
        let UpgradeCredentials {
            project,
            id,
            registry,
            username,
            password,
            expires,
            expected_version,
            probe,
            proved,
        } = input;
        let now = self.clock.now();
        let expires = credentials::expiry(expires, now)?;
        let same = self.versions_with(grant, id, &password).await?;
        let (keys, random, author) = (
            Arc::clone(&self.keys),
            Arc::clone(&self.random),
            Arc::clone(grant),
        );
        Ok(Box::new(move |present| {
            let row = present.row;
            version::expect(row.version, expected_version)?;
            // Upgrades that come together are ordered here, not by their clocks.
            let now = now.max(row.last_update);
            let registry = registry.as_ref().unwrap_or(&row.registry).clone();
            let username = username.as_ref().unwrap_or(&row.username).clone();
            let version = present.next;
            let binding = credentials::binding(&project, &id, version, &registry, &username);
            let password = keys.seal(&binding, password.expose().as_bytes(), random.as_ref())?;
            let proof = proved
                .as_ref()
                .map(|proved| proved.of(id, version, registry.key(), &username));
            let proof = proof.transpose()?;
            let probe = probe.clone().unwrap_or_else(|| row.probe_at(&registry));
            let held = |number: &u32| present.versions.iter().any(|held| held.secret == *number);
            let secret = same.iter().copied().find(held).unwrap_or(version);
            let mut versions = present.versions.iter();
            let staged =
                versions.find(|version| matches!(version.state, VersionState::Staged { .. }));
            let hold_until = present.grace.end(now);
            let event = author.event(
                now,
                describe(Made {
                    project: project.to_string(),
                    credentials: id.to_string(),
                    registry_key: registry.key().to_string(),
                    username: username.as_str().to_owned(),
                    version,
                    expires: expires.map(|moment| moment.rfc3339(0)),
                    replaced: staged.map(|version| version.number),
                    verdict: proof.map(|proof| proof.verdict.word()),
                    before: row.version,
                    before_held_until: hold_until.rfc3339(0),
                }),
            );
            Ok(Upgrade {
                registry,
                username,
                version,
                at: now,
                expires,
                password,
                probe,
                secret,
                proof,
                hold_until,
                event,
            })
        }))
    }
}

/// What the event of a new version says.
struct Made {
    project: String,
    credentials: String,
    registry_key: String,
    username: String,
    version: u32,
    expires: Option<String>,
    replaced: Option<u32>,
    verdict: Option<&'static str>,
    before: u32,
    before_held_until: String,
}
