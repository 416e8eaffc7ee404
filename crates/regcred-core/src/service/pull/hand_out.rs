//! Hand out a password: the one way in which one leaves.

use super::PullRequest;
use crate::access::{self, Caller, PullGrant, Sight};
use crate::audit::{Action, AuditEvent};
use crate::clock::Timestamp;
use crate::credentials::DockerCredentials;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::CredentialsId;
use crate::pull::{Choice, choose, disagreement};
use crate::registry::PullTarget;
use crate::secret::RegistryPassword;
use crate::service::Service;
use crate::store::{PullRecord, PullRecorded, StoredPassword};
use crate::workload::Pin;

/// What leaves.
pub struct Pulled {
    /// The credentials.
    pub credentials: DockerCredentials,
    /// Their password.
    pub password: RegistryPassword,
}

/// Why nothing leaves.
#[derive(Debug)]
pub enum PullRefusal {
    /// No credentials of the project match.
    NoMatch(Error),
    /// Several match, and nothing decides between them.
    Ambiguous(Error, Vec<DockerCredentials>),
    /// Anything else.
    Other(Error),
}

impl From<Error> for PullRefusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Service {
    /// Hands out the credentials that match, once it is written down for good that they leave. For tokens that may
    /// pull in the project.
    pub async fn pull(&self, caller: &Caller, request: PullRequest) -> Result<Pulled, PullRefusal> {
        let PullRequest {
            project,
            target,
            pin,
        } = request;
        let project = self.named_project(caller, project.as_deref()).await?;
        let grant = access::check_pull(self.store.as_ref(), caller, project).await?;
        for _ in 0..MOST_TRIES {
            let chosen = self.choose(caller, &grant, &target, pin).await?;
            if let Some(pulled) = self.hand_out(&grant, &target, &chosen).await? {
                return Ok(pulled);
            }
            // They were upgraded or deleted since they were read: what is there now counts.
        }
        Err(Error::unavailable("the credentials changed with every try to pull them").into())
    }

    /// The one that it is, as it was read with its password.
    async fn choose(
        &self,
        caller: &Caller,
        grant: &PullGrant,
        target: &PullTarget,
        pin: Option<CredentialsId>,
    ) -> Result<StoredPassword, PullRefusal> {
        let sight = grant.sight();
        let mut candidates = self.candidates(grant, target, pin).await?;
        let covering = candidates.iter().map(|stored| stored.credentials.clone());
        let covering: Vec<_> = covering.collect();
        let pins = self.pins(&sight, target, pin, &covering).await?;
        match choose(target, pin, &covering, &pins) {
            Choice::Match(row) | Choice::Pinned(row, _) => {
                let chosen = candidates
                    .iter()
                    .position(|stored| stored.credentials.id == row.id)
                    .map(|place| candidates.swap_remove(place));
                chosen.ok_or_else(|| Error::internal("a pull chose what was not read").into())
            }
            Choice::Ambiguous(several) => {
                let seen = self.sees_workloads(caller, grant.project()).await?;
                let disagree = disagreement(&several, &pins, seen);
                let several: Vec<_> = several.into_iter().cloned().collect();
                Err(PullRefusal::Ambiguous(
                    ambiguous(target, &several, &disagree),
                    several,
                ))
            }
            Choice::NoMatch => {
                let host = target.host_without_port();
                let near = self.store.credentials_near(&sight, host, MOST_NAMED);
                let near = near.await?;
                Err(PullRefusal::NoMatch(no_match(target, pin, &near)))
            }
        }
    }

    /// What [`Self::covering`] finds, with the sealed passwords: what is chosen of it need not be read again.
    async fn candidates(
        &self,
        grant: &PullGrant,
        target: &PullTarget,
        pin: Option<CredentialsId>,
    ) -> Result<Vec<StoredPassword>> {
        let unsealing = grant.unsealing();
        if let Some(pin) = pin {
            let pinned = self.store.sealed_password(&unsealing, pin, None).await?;
            return Ok(pinned.into_iter().collect());
        }
        let keys: Vec<_> = target.covering().collect();
        self.store
            .sealed_of_first(&unsealing, &keys, MOST_CANDIDATES)
            .await
    }

    /// The credentials on which it depends what comes of a pull: those of the longest scope, or the pinned ones.
    pub(super) async fn covering(
        &self,
        sight: &Sight,
        target: &PullTarget,
        pin: Option<CredentialsId>,
    ) -> Result<Vec<DockerCredentials>> {
        if let Some(pin) = pin {
            let pinned = self.store.credentials(sight, pin).await?;
            return Ok(pinned.into_iter().collect());
        }
        let keys: Vec<_> = target.covering().collect();
        self.store
            .credentials_of_first(sight, &keys, MOST_CANDIDATES)
            .await
    }

    /// What the project's workloads with this image name, where it depends on that. Where there are more accounts than
    /// are looked at, nothing can be said of all of them.
    pub(super) async fn pins(
        &self,
        sight: &Sight,
        target: &PullTarget,
        pin: Option<CredentialsId>,
        covering: &[DockerCredentials],
    ) -> Result<Vec<Pin>> {
        match choose(target, pin, covering, &[]) {
            Choice::Ambiguous(several) if several.len() < MOST_CANDIDATES => {
                self.store.pins(sight, &target.key()).await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// `None` where the credentials have changed since they were read.
    async fn hand_out(
        &self,
        grant: &PullGrant,
        target: &PullTarget,
        chosen: &StoredPassword,
    ) -> Result<Option<Pulled>> {
        let row = &chosen.credentials;
        let password = self.open_password(chosen)?;
        let at = self.clock.now();
        let recorded = self
            .store
            .record_pull(
                grant,
                record(target, row, at),
                event(grant, target, row, at),
            )
            .await
            .map_err(nothing_leaves)?;
        match recorded {
            PullRecorded::Written => Ok(Some(Pulled {
                credentials: row.clone(),
                password,
            })),
            PullRecorded::Changed => Ok(None),
            PullRecorded::TokenGone => Err(Error::unauthenticated()),
        }
    }
}

fn record(target: &PullTarget, row: &DockerCredentials, at: Timestamp) -> PullRecord {
    PullRecord {
        credentials: row.id,
        version: row.version,
        target: target.key(),
        at,
    }
}

fn event(
    grant: &PullGrant,
    target: &PullTarget,
    row: &DockerCredentials,
    at: Timestamp,
) -> AuditEvent {
    grant.event(
        at,
        Action::CredentialsPulled {
            project: grant.project().to_string(),
            credentials: row.id.to_string(),
            registry_key: row.registry.key().to_string(),
            username: row.username.as_str().to_owned(),
            version: row.version,
            target: target.asked().to_owned(),
        },
    )
}

/// The caller is told that nothing leaves; the log, why.
fn nothing_leaves(error: Error) -> Error {
    if error.kind() == ErrorKind::Unavailable {
        error.with_message(
            "the pull cannot be written down now, so no password is handed out; try again shortly",
        )
    } else {
        error
    }
}

fn ambiguous(target: &PullTarget, several: &[DockerCredentials], disagree: &str) -> Error {
    let key = several
        .first()
        .map_or_else(String::new, |row| row.registry.key().to_string());
    let named = several
        .iter()
        .take(MOST_NAMED)
        .map(|row| format!("`{}` ({})", row.username.as_str(), row.id))
        .collect::<Vec<_>>()
        .join(", ");
    let more = several.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { " and others" } else { "" };
    Error::conflict(format!(
        "the project has several accounts for `{key}`, and nothing decides which one `{}` is pulled with: {named}{more}{disagree}; \
         pin one by its id, in the pull or in the job or app that runs the image, or give each a path of its own",
        target.key(),
    ))
}

/// Says what there is instead on the same host: most who meet this have misspelled something.
pub(super) fn no_match(
    target: &PullTarget,
    pin: Option<CredentialsId>,
    near: &[DockerCredentials],
) -> Error {
    let asked = target.key();
    if let Some(pin) = pin {
        return Error::not_found(format!(
            "the pull is pinned to the Docker credentials {pin}, and those are not in the project or do not cover `{asked}`"
        ));
    }
    let near = near.iter().take(MOST_NAMED);
    let mut there: Vec<_> = near
        .map(|row| format!("`{}`", row.registry.key()))
        .collect();
    there.dedup();
    let hint = if there.is_empty() {
        "it has none for that host".to_owned()
    } else {
        format!("on that host it has {}", there.join(", "))
    };
    Error::not_found(format!(
        "no Docker credentials of the project match `{asked}`; {hint}"
    ))
}

/// Whoever upgrades the same credentials over and over may come before a pull every other time.
const MOST_TRIES: usize = 32;
const MOST_NAMED: usize = 8;
/// As many of several accounts are looked at and told.
pub(super) const MOST_CANDIDATES: usize = 100;
