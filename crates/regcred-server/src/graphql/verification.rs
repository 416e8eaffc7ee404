//! Whether Docker credentials work: proved on demand, and shown with them.

use std::collections::HashMap;

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::verification as domain;

use super::scalars::{DateTime, Uuid};
use super::{InField as _, asker};

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

/// A proof of Docker credentials at their registry.
#[derive(SimpleObject)]
pub(super) struct Verification {
    verdict: Verdict,
    checked_at: DateTime,
    /// Which of the passwords was tried: 1 when the credentials were created, one more with each update.
    version: u32,
}

impl From<domain::Verification> for Verification {
    fn from(proof: domain::Verification) -> Self {
        Self {
            verdict: proof.verdict.into(),
            checked_at: DateTime::read(proof.at),
            version: proof.version,
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
    /// Tries Docker credentials at their own registry, and keeps what came of it. For editors. With `probe`, an image of
    /// that registry, it is tried whether they may pull it, too. It takes ten seconds at most, and as long again where
    /// others are being tried.
    async fn verify_docker_credentials(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
        project_id: Uuid,
        probe: Option<String>,
    ) -> Result<Verification> {
        let asker = asker(ctx)?;
        let (project, id) = (
            project_id.read(ProjectId::parse)?,
            id.read(CredentialsId::parse)?,
        );
        let proof = asker
            .backend
            .verify(&asker.caller, project, id, probe.as_deref())
            .await
            .in_field("probe")?;
        Ok(proof.into())
    }
}

/// The mutation that waits for somebody else's server.
pub(crate) const ASKS_A_REGISTRY: &str = "verifyDockerCredentials";
/// The fields for which the proofs are read.
const SELECTING: [&str; 2] = ["verification", "verifications"];
