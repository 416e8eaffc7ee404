//! Explain a pull: who would get it and why, without a password.

use super::PullRequest;
use super::hand_out::{MOST_CANDIDATES, no_match};
use crate::access::{self, Caller};
use crate::credentials::{CredentialsUse, DockerCredentials};
use crate::error::Result;
use crate::ids::{CredentialsId, ProjectId};
use crate::pull::{Choice, Verdict, choose, disagreement, verdict};
use crate::registry::PullTarget;
use crate::service::Service;
use crate::verification::Verification;

/// What would come of a pull.
pub struct Explanation {
    /// In which project.
    pub project: ProjectId,
    /// Of what.
    pub target: PullTarget,
    /// The credentials that would leave.
    pub chosen: Option<CredentialsId>,
    /// Whether several stand against each other.
    pub ambiguous: bool,
    /// By which rule, as a sentence.
    pub rule: String,
    /// What has to do with it, the best first; at most 100.
    pub candidates: Vec<Explained>,
}

/// How one of the project's credentials stands to the pull.
pub struct Explained {
    /// The credentials.
    pub credentials: DockerCredentials,
    /// How they stand to it.
    pub verdict: Verdict,
    /// When and by which token they were last used, if they were.
    pub used: Option<CredentialsUse>,
    /// What came of trying the present password at the registry, if that was done.
    pub proved: Option<Verification>,
}

impl Service {
    /// Says what would come of a pull. For those who see the project's credentials, and for tokens that may pull them.
    pub async fn explain_pull(&self, caller: &Caller, request: PullRequest) -> Result<Explanation> {
        let PullRequest {
            project,
            target,
            pin,
        } = request;
        let project = self.named_project(caller, project.as_deref()).await?;
        let sight = access::check_sight(self.store.as_ref(), caller, project).await?;
        let covering = self.covering(&sight, &target, pin).await?;
        let pins = self.pins(&sight, &target, pin, &covering).await?;
        let choice = choose(&target, pin, &covering, &pins);
        let near = self
            .store
            .credentials_near(&sight, target.host_without_port(), MOST_NEAR)
            .await?;
        let others = near
            .iter()
            .filter(|row| covering.iter().all(|other| other.id != row.id));
        let mut candidates: Vec<_> = covering
            .iter()
            .chain(others)
            .filter_map(|row| Some((verdict(&target, pin, &choice, row)?, row)))
            .collect();
        candidates.sort_by_key(|(verdict, row)| (*verdict, row.registry.key(), &row.username));
        candidates.truncate(MOST_CANDIDATES);
        let mut explained = Vec::with_capacity(candidates.len());
        for (verdict, row) in candidates {
            let proved = self.store.verifications(&sight, Some(row.id)).await?;
            let mut proved = proved.into_iter();
            explained.push(Explained {
                proved: proved.find(|proof| proof.version == row.version),
                credentials: row.clone(),
                verdict,
                used: self
                    .store
                    .credentials_uses(&sight, Some(row.id), None)
                    .await?
                    .pop(),
            });
        }
        let seen = self.sees_workloads(caller, project).await?;
        let rule = match &choice {
            Choice::Match(_) if pin.is_some() => {
                "the pull is pinned to these credentials, and they cover it".to_owned()
            }
            Choice::Match(row) if row.registry.key().scope().is_empty() => format!(
                "`{}` is the whole registry, and no longer scope covers `{}`",
                row.registry.key(),
                target.key()
            ),
            Choice::Match(row) => format!(
                "`{}` is the longest scope that covers `{}` by whole path segments",
                row.registry.key(),
                target.key()
            ),
            Choice::Pinned(row, pin) => format!(
                "of the accounts for `{}`, these are named for this image by {}",
                row.registry.key(),
                pin.by_whom(seen)
            ),
            Choice::Ambiguous(rows) => format!(
                "{} accounts have the longest scope that covers `{}`, and no pin decides between them, of the pull or of \
                 the jobs and apps that run this image{}",
                rows.len(),
                target.key(),
                disagreement(rows, &pins, seen)
            ),
            Choice::NoMatch => no_match(&target, pin, &near).message().to_owned(),
        };
        let (chosen, ambiguous) = match &choice {
            Choice::Match(row) | Choice::Pinned(row, _) => (Some(row.id), false),
            Choice::NoMatch => (None, false),
            Choice::Ambiguous(_) => (None, true),
        };
        Ok(Explanation {
            project,
            target,
            chosen,
            ambiguous,
            rule,
            candidates: explained,
        })
    }
}

const MOST_NEAR: usize = 200;
