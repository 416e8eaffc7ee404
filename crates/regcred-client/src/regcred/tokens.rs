//! Service tokens: what programs present in place of a login.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Regcred;
use crate::error::Result;
use crate::graphql::{Document, Done, InProject};
use crate::secret::Secret;
use crate::values::{ProjectId, TokenId, moment};

/// What the server tells about a service token. Its text is not among it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// Its id.
    pub id: TokenId,
    /// The name by which people know it.
    pub name: String,
    /// The projects in which it counts.
    #[serde(rename = "projectIds")]
    pub projects: Vec<ProjectId>,
    /// What it may do there.
    pub rights: Vec<TokenRight>,
    /// The login of its maker.
    pub creator: String,
    /// When it was made.
    #[serde(deserialize_with = "moment")]
    pub created_at: Timestamp,
    /// When it runs out.
    #[serde(deserialize_with = "moment")]
    pub expires_at: Timestamp,
}

/// What a service token may do in its projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TokenRight {
    /// What a viewer may.
    View,
    /// What an editor may.
    Edit,
    /// Get a password out, and nothing else.
    Pull,
    /// Read the audit trail, and nothing else.
    Audit,
}

/// The service token to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewToken {
    /// A name by which people know it.
    pub name: String,
    /// The projects in which it counts; the caller manages each of them.
    #[serde(rename = "projectIds")]
    pub projects: Vec<ProjectId>,
    /// What it may do there.
    pub rights: Vec<TokenRight>,
    /// After how many days it runs out: 1 to 365; absent is 90.
    pub expires_in_days: Option<u32>,
}

impl Regcred {
    /// Creates a service token, and tells its text, this once.
    pub async fn create_token(&self, token: &NewToken) -> Result<(TokenInfo, Secret)> {
        #[derive(Serialize)]
        struct Variables<'a> {
            token: &'a NewToken,
        }
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "createServiceToken")]
            created: Created,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Created {
            service_token: TokenInfo,
            token: Secret,
        }
        let data: Data = self.execute(TOKENS, &CREATE, Variables { token }).await?;
        Ok((data.created.service_token, data.created.token))
    }

    /// The service tokens of a project, those that ran out included, in the order in which they were made.
    pub async fn list_tokens(&self, project: ProjectId) -> Result<Vec<TokenInfo>> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "serviceTokens")]
            tokens: Vec<TokenInfo>,
        }
        let variables = InProject {
            project_id: project,
        };
        let data: Data = self.execute(TOKENS, &LIST, variables).await?;
        Ok(data.tokens)
    }

    /// Revokes a service token in all its projects. It acts on the token's next request.
    pub async fn revoke_token(&self, project: ProjectId, token: TokenId) -> Result<()> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Variables {
            id: TokenId,
            project_id: ProjectId,
        }
        let variables = Variables {
            id: token,
            project_id: project,
        };
        let done: Done = self.execute(TOKENS, &REVOKE, variables).await?;
        done.check(
            &REVOKE,
            format!("there is no service token {token} in the project"),
        )
    }
}

const TOKENS: &str = "service tokens";

const CREATE: Document = Document::mutation(
    "createServiceToken",
    "mutation createServiceToken($token: ServiceTokenInput!) { createServiceToken(serviceToken: $token) \
     { serviceToken { id name projectIds rights creator createdAt expiresAt } token } }",
);
const LIST: Document = Document::query(
    "serviceTokens",
    "query serviceTokens($projectId: UUID!) { \
     serviceTokens(projectId: $projectId) { id name projectIds rights creator createdAt expiresAt } }",
);
const REVOKE: Document = Document::mutation(
    "revokeServiceToken",
    "mutation revokeServiceToken($id: UUID!, $projectId: UUID!) { \
     revokeServiceToken(id: $id, projectId: $projectId) }",
);
