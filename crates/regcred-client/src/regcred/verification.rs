//! Whether credentials work: tried at their registry, by the server.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Regcred;
#[cfg(doc)]
use crate::client::ClientBuilder;
use crate::error::{Error, Result};
use crate::graphql::Document;
use crate::values::{CredentialsId, ProjectId, moment, nullable};

/// What came of trying credentials at their registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// What is known of them since.
    pub verdict: VerificationVerdict,
    /// When they were tried.
    #[serde(deserialize_with = "moment")]
    pub checked_at: Timestamp,
    /// Which of their passwords was tried: 1 is the first, and each update makes one more.
    pub version: u32,
    /// Whether it was tried, too, whether they may pull an image.
    pub probed: bool,
}

/// What has to be proved of credentials before they are saved. Each demands more than the one before; a project may demand
/// more than a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VerifyBeforeSaving {
    /// Nothing: they are not tried.
    Off,
    /// That their registry does not refuse them. Where nothing can be proved, they are saved.
    NotRefused,
    /// That they work.
    Proved,
}

/// What is known of credentials after they were tried. Never more than was proved: only two of the verdicts say that they
/// are bad ([`Self::is_bad`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VerificationVerdict {
    /// The registry let them in; where an image was probed, it let pull that, too.
    Ok,
    /// The registry, or its token server, refused them.
    Rejected,
    /// They log in, but may not pull the image that was probed.
    NoPullRight,
    /// Nothing was proved: the registry asks for no login, or does not answer as one does.
    Unverifiable,
    /// No answer: network, TLS, or a fault of the registry's own.
    Unreachable,
    /// The registry wants to be asked later.
    RateLimited,
    /// The settings of the server do not let them be sent there.
    Blocked,
    /// A word that this client does not know.
    #[serde(other)]
    Unknown,
}

impl VerificationVerdict {
    /// Whether it says that the credentials are bad. All others but [`Self::Ok`] say that nothing was proved.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Rejected | Self::NoPullRight)
    }
}

impl Regcred {
    /// Has the server try credentials at their own registry, and keep what came of it. For editors. With `probe`, an
    /// image of that registry, or with the one that they have, it is tried whether they may pull it, too.
    ///
    /// That they are bad is a verdict, and no error. [`Error::Unavailable`] where the server did not get round to it
    /// within 25 seconds; a request may take as long as all of it unless the caller says otherwise
    /// ([`ClientBuilder::request_timeout`]). Each try is a login at the registry, some of which lock accounts after a
    /// few wrong ones: it is repeated as a change is, only where it certainly did not reach the server.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: regcred_client::Client,
    /// #     project: regcred_client::ProjectId,
    /// # ) -> regcred_client::Result<()> {
    /// let all = client.docker_credentials().list_for_project(project).await?;
    /// for credentials in all {
    ///     let tried = client.regcred().verify(project, credentials.id, None).await?;
    ///     if tried.verdict.is_bad() {
    ///         println!("{} at {} do not work", credentials.username, credentials.registry);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        probe: Option<&str>,
    ) -> Result<Verification> {
        self.verify_one(project, credentials, None, probe).await
    }

    /// The same of a version, such as one that is staged.
    pub async fn verify_version(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        version: u32,
        probe: Option<&str>,
    ) -> Result<Verification> {
        self.verify_one(project, credentials, Some(version), probe)
            .await
    }

    async fn verify_one(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        version: Option<u32>,
        probe: Option<&str>,
    ) -> Result<Verification> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "verifyDockerCredentials")]
            verification: Verification,
        }
        let variables = Variables {
            id: credentials,
            project_id: project,
            probe,
            version,
        };
        let data: Data = self.execute(VERIFICATION, &VERIFY, variables).await?;
        Ok(data.verification)
    }

    /// The last tries of credentials, of earlier passwords, too, the latest first; at most 20. For viewers.
    pub async fn verifications(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
    ) -> Result<Vec<Verification>> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "dockerCredentials", deserialize_with = "nullable")]
            credentials: Option<Tried>,
        }
        #[derive(Deserialize)]
        struct Tried {
            verifications: Vec<Verification>,
        }
        let variables = Variables {
            id: credentials,
            project_id: project,
            probe: None,
            version: None,
        };
        let data: Data = self.execute(VERIFICATION, &HISTORY, variables).await?;
        let tried = data.credentials.ok_or_else(|| {
            Error::not_found(format!(
                "there are no credentials {credentials} in the project"
            ))
        })?;
        Ok(tried.verifications)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variables<'a> {
    id: CredentialsId,
    project_id: ProjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

const VERIFICATION: &str = "verification of credentials";

const VERIFY: Document = Document::mutation(
    "verifyDockerCredentials",
    "mutation verifyDockerCredentials($id: UUID!, $projectId: UUID!, $probe: String, $version: Int) { \
     verifyDockerCredentials(id: $id, projectId: $projectId, probe: $probe, version: $version) { verdict checkedAt version probed } }",
)
.within(PATIENCE);
const HISTORY: Document = Document::query(
    "verifications",
    "query verifications($id: UUID!, $projectId: UUID!) { \
     dockerCredentials(id: $id, projectId: $projectId) { verifications { verdict checkedAt version probed } } }",
);
/// More than the 25 seconds after which the server gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
