//! Whether Docker credentials work: proved on demand, and shown with them.

use std::collections::HashMap;

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::verification as domain;

use super::asker;
use super::scalars::{DateTime, Uuid};

/// What is known of credentials after they were tried at their registry. Only `REJECTED` and `NO_PULL_RIGHT` say that
/// they are bad.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Verdict")]
pub(super) enum Verdict {
    /// The registry let them in; with an image to probe, it let pull it, too.
    Ok,
    /// The registry, or its token server, refused them.
    Rejected,
    /// They log in, but may not pull the image that was probed.
    NoPullRight,
    /// Nothing was proved: the registry asks for no login, or does not answer as one does.
    Unverifiable,
    /// No answer: network, TLS, or an error of the registry's own.
    Unreachable,
    /// The registry wants to be asked later.
    RateLimited,
    /// The service's settings do not let them be sent there.
    Blocked,
}

/// What has to be proved of Docker credentials before they are saved. Each demands more than the one before.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::SavingPolicy")]
pub(super) enum VerifyBeforeSaving {
    /// Nothing: they are not tried.
    Off,
    /// That their registry does not refuse them. Where nothing can be proved, they are saved.
    NotRefused,
    /// That they work.
    Proved,
}

/// A proof of Docker credentials at their registry.
#[derive(SimpleObject)]
pub(super) struct Verification {
    verdict: Verdict,
    checked_at: DateTime,
    /// Which of the passwords was tried: 1 when the credentials were created, a higher number with each that is made.
    version: u32,
    /// Whether it was tried, too, whether they may pull an image.
    probed: bool,
}

impl From<domain::Verification> for Verification {
    fn from(proof: domain::Verification) -> Self {
        Self {
            verdict: proof.verdict.into(),
            checked_at: DateTime::read(proof.at),
            version: proof.version,
            probed: proof.probed,
        }
    }
}

/// The proofs of credentials of a project, where the query selects them.
pub(super) struct Proofs(HashMap<CredentialsId, Vec<domain::Verification>>);

impl Proofs {
    /// Of one of them or of all.
    pub(super) async fn read(
        ctx: &Context<'_>,
        project: ProjectId,
        of: Option<CredentialsId>,
    ) -> Result<Self> {
        let asker = asker(ctx)?;
        let selected = SELECTING
            .iter()
            .any(|field| ctx.look_ahead().field(field).exists());
        let mut proofs: HashMap<_, Vec<_>> = HashMap::new();
        if selected {
            let (service, caller) = (&asker.backend.service, &asker.caller);
            for proof in service.verifications(caller, project, of).await? {
                proofs.entry(proof.credentials).or_default().push(proof);
            }
        }
        Ok(Self(proofs))
    }

    /// Those of one of them, the latest first.
    pub(super) fn take(&mut self, id: CredentialsId) -> Vec<domain::Verification> {
        self.0.remove(&id).unwrap_or_default()
    }
}

#[derive(Default)]
pub(super) struct VerificationMutations;

#[Object]
impl VerificationMutations {
    /// Tries Docker credentials at their own registry, the version that counts or the given one, and keeps what came of it.
    /// For editors. With `probe`, an image of that registry, or with the one that they have, it is tried whether they may
    /// pull it, too. It takes ten seconds at most, and as long again where others are being tried.
    async fn verify_docker_credentials(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
        project_id: Uuid,
        probe: Option<String>,
        version: Option<u32>,
    ) -> Result<Verification> {
        let asker = asker(ctx)?;
        let (project, id) = (
            project_id.read(ProjectId::parse)?,
            id.read(CredentialsId::parse)?,
        );
        let proof = asker
            .backend
            .verify(&asker.caller, project, (id, version), probe.as_deref())
            .await?;
        Ok(proof.into())
    }
}

/// The mutations that may wait for somebody else's server.
pub(crate) const ASK_A_REGISTRY: [&str; 5] = [
    "verifyDockerCredentials",
    "createDockerCredentials",
    "updateDockerCredentials",
    "stageDockerCredentials",
    "promoteDockerCredentials",
];
/// The fields for which the proofs are read.
const SELECTING: [&str; 2] = ["verification", "verifications"];
