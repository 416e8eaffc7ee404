//! Proofs of credentials at their registry: of what is stored, and of what is to be saved.

use std::time::Duration;

use regcred_core::access::Caller;
use regcred_core::credentials::version::{self, VersionState};
use regcred_core::credentials::{self, read_probe};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::service::{CreateCredentials, SwitchVersion, UpgradeCredentials};
use regcred_core::verification::{Proof, Proved, SavingPolicy, Verification};
use regcred_core::{Error, ErrorKind, Result};
use regcred_registry::{Login, Place};

use crate::app::Backend;

impl Backend {
    /// Proves stored credentials at their registry, the given version or the one that counts, and writes the verdict down.
    /// The right to pull is tried where an image to probe with is given, or stored with them. For editors.
    pub(crate) async fn verify(
        &self,
        caller: &Caller,
        project: ProjectId,
        (id, version): (CredentialsId, Option<u32>),
        probe: Option<&str>,
    ) -> Result<Verification> {
        let service = &self.service;
        let key = service.registry_to_prove_at(caller, project, id, version);
        let key = key.await?;
        let probe = probe.map(|probe| read_probe(probe, &key)).transpose()?;
        let place = self.prover.place(&key, &project.to_string()).await;
        let place = place.ok_or_else(busy)?;
        // What is opened is what counts now: the wait may have been long.
        let opened = service.credentials_to_prove(caller, project, id, version);
        let opened = opened.await?;
        let row = &opened.credentials;
        if *row.registry.key() != key {
            return Err(Error::conflict(
                "the registry of the credentials was changed meanwhile, so they were not tried; look at them, and try again",
            ));
        }
        let login = Login {
            registry: &key,
            username: &row.username,
            password: &opened.password,
            probe: probe.as_ref().or(row.probe.as_ref()),
        };
        let (proof, rest) = self
            .try_out(&login, Some((row.id, row.version)), place)
            .await;
        let recorded = service.record_verification(caller, &opened, &proof, login.probe, rest);
        let recorded = recorded.await?;
        self.alerts.tell(recorded.announced.as_slice());
        Ok(recorded.verification)
    }

    /// Proves a password that is to be saved with new credentials, where that is asked for or the project demands it.
    pub(crate) async fn prove_new(
        &self,
        caller: &Caller,
        input: &mut CreateCredentials,
        asked: Option<SavingPolicy>,
    ) -> Result<()> {
        let policy = self.policy(caller, input.project, asked).await?;
        if policy == SavingPolicy::Off {
            return Ok(());
        }
        let unsaved = Login {
            registry: input.registry.key(),
            username: &input.username,
            password: &input.password,
            probe: input.probe.as_ref(),
        };
        credentials::expiry(input.expires, self.now())?;
        let of = (input.project, None);
        input.proved = self.prove_unsaved(caller, of, &unsaved, policy).await?;
        Ok(())
    }

    /// The same of a new version of credentials.
    pub(crate) async fn prove_next(
        &self,
        caller: &Caller,
        input: &mut UpgradeCredentials,
        asked: Option<SavingPolicy>,
    ) -> Result<()> {
        let policy = self.policy(caller, input.project, asked).await?;
        if policy == SavingPolicy::Off {
            return Ok(());
        }
        let service = &self.service;
        let present = service.credentials(caller, input.project, input.id).await?;
        let registry = input.registry.as_ref().unwrap_or(&present.registry);
        let kept = present.probe_at(registry);
        let unsaved = Login {
            registry: registry.key(),
            username: input.username.as_ref().unwrap_or(&present.username),
            password: &input.password,
            probe: input.probe.as_ref().unwrap_or(&kept).as_ref(),
        };
        // What is refused anyway is not sent before.
        version::expect(present.version, input.expected_version)?;
        credentials::expiry(input.expires, self.now())?;
        let of = (input.project, Some(input.id));
        input.proved = self.prove_unsaved(caller, of, &unsaved, policy).await?;
        Ok(())
    }

    /// Proves the staged version before it is promoted, where that is asked for or the project demands it. What comes of it
    /// is not let pass where it does not suffice, unless the promotion is forced; tried it is in any case.
    pub(crate) async fn prove_staged(
        &self,
        caller: &Caller,
        input: &mut SwitchVersion,
        asked: Option<SavingPolicy>,
    ) -> Result<()> {
        let policy = self.policy(caller, input.project, asked).await?;
        if policy == SavingPolicy::Off {
            return Ok(());
        }
        let (service, id) = (&self.service, input.id);
        let versions = service.credentials_versions(caller, input.project, id);
        let versions = versions.await?;
        let mut numbers = versions.iter();
        let current = numbers.find(|version| version.state == VersionState::Current);
        let current = current.map_or(0, |current| current.number);
        // What is refused anyway is not sent before; and what was tried is what is promoted.
        let staged =
            version::to_promote(&versions, current, input.version, input.expected_version)?;
        input.version = Some(staged.number);
        let of = (id, Some(staged.number));
        let proof = self.verify(caller, input.project, of, None).await?;
        match policy.check(proof.verdict, staged.registry.key()) {
            Err(_) if input.force => Ok(()),
            done => done,
        }
    }

    /// What is asked for and what the project demands, whichever is stricter. For editors.
    async fn policy(
        &self,
        caller: &Caller,
        project: ProjectId,
        asked: Option<SavingPolicy>,
    ) -> Result<SavingPolicy> {
        let demanded = self.service.saving_policy(caller, project).await?;
        Ok(demanded.max(asked.unwrap_or_default()))
    }

    /// Tries credentials, saved ones where it is said `of` which, and hears for how long their registry, and their account, are
    /// left alone behind it by what is tried by itself.
    async fn try_out(
        &self,
        login: &Login<'_>,
        of: Option<(CredentialsId, u32)>,
        place: Place,
    ) -> (Proof, Duration) {
        let proof = self.prover.prove(login, place).await;
        let (now, jitter) = (self.now(), self.jitter());
        let (host, username) = (login.registry.host(), login.username);
        let verdict = proof.verdict;
        self.accounts().hear(host, username, of, verdict, now);
        let rest = self.hosts().hear(host, &proof, now, jitter);
        (proof, rest)
    }

    /// `None` where there was no place to try it in time, and that is no reason not to save it.
    async fn prove_unsaved(
        &self,
        caller: &Caller,
        (project, id): (ProjectId, Option<CredentialsId>),
        unsaved: &Login<'_>,
        policy: SavingPolicy,
    ) -> Result<Option<Proved>> {
        let asker = project.to_string();
        let place = self.prover.place(unsaved.registry, &asker).await;
        let Some(place) = place else {
            return match policy {
                SavingPolicy::Proved => Err(busy().with_message(
                    "too many credentials are being verified now, so these were not tried, and nothing was saved; try \
                     again shortly",
                )),
                SavingPolicy::Off | SavingPolicy::NotRefused => Ok(None),
            };
        };
        let whom = (unsaved.registry, unsaved.username);
        let service = &self.service;
        service.record_trying(caller, project, id, whom).await?;
        let (Proof { verdict, .. }, _) = self.try_out(unsaved, None, place).await;
        let proved = Proved {
            registry: unsaved.registry.clone(),
            username: unsaved.username.clone(),
            verdict,
            probed: unsaved.probe.is_some(),
            at: self.now(),
        };
        if let Err(refusal) = policy.check(verdict, unsaved.registry) {
            service
                .record_not_saved(caller, project, id, &proved)
                .await?;
            return Err(refusal);
        }
        Ok(Some(proved))
    }
}

fn busy() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "too many credentials are being verified now, so these were not tried; try again shortly",
    )
}
