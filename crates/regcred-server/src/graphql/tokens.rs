//! Service tokens. Additions to the platform's schema.

use std::time::Duration;

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject};
use regcred_core::Error;
use regcred_core::access::{Right, Rights};
use regcred_core::ids::{ProjectId, TokenId};
use regcred_core::service::CreateToken;
use regcred_core::store;

use super::scalars::{DateTime, Uuid};
use super::{InField as _, asker};

/// What a service token may do in its projects.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Right")]
pub(super) enum TokenRight {
    /// What a viewer may.
    View,
    /// What an editor may.
    Edit,
    /// Get a password out: `POST /api/v1/pull`. No user may, an admin neither.
    Pull,
    /// Read the audit trail, and nothing else. Nothing is served for it yet.
    Audit,
}

/// A service token, without its secret.
#[derive(SimpleObject)]
pub(super) struct ServiceToken {
    id: Uuid,
    name: String,
    /// The projects in which it counts.
    project_ids: Vec<Uuid>,
    rights: Vec<TokenRight>,
    /// The login of its maker.
    creator: String,
    created_at: DateTime,
    expires_at: DateTime,
}

impl From<store::ServiceToken> for ServiceToken {
    fn from(token: store::ServiceToken) -> Self {
        Self {
            id: Uuid::new(&token.id),
            name: token.name,
            project_ids: token.projects.iter().map(Uuid::new).collect(),
            rights: token
                .rights
                .as_slice()
                .iter()
                .map(|right| TokenRight::from(*right))
                .collect(),
            creator: token.creator,
            created_at: DateTime::read(token.created),
            expires_at: DateTime::read(token.expires),
        }
    }
}

/// A service token that was just created.
#[derive(SimpleObject)]
pub(super) struct CreatedServiceToken {
    service_token: ServiceToken,
    /// The text to present as a bearer token. It is told only here.
    token: String,
}

/// The service token to create.
#[derive(InputObject)]
pub(super) struct ServiceTokenInput {
    /// A name by which people know it.
    name: String,
    /// The projects in which it counts; the caller manages each of them.
    project_ids: Vec<Uuid>,
    rights: Vec<TokenRight>,
    /// After how many days it runs out: 1 to 365, 90 unless given.
    expires_in_days: Option<i32>,
}

#[derive(Default)]
pub(super) struct TokenQueries;

#[Object]
impl TokenQueries {
    /// The service tokens of a project, in the order in which they were made. For managers.
    async fn service_tokens(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
    ) -> Result<Vec<ServiceToken>> {
        let asker = asker(ctx)?;
        let tokens = asker
            .backend
            .service
            .tokens(&asker.caller, project_id.read(ProjectId::parse)?)
            .await?;
        Ok(tokens.into_iter().map(ServiceToken::from).collect())
    }
}

#[derive(Default)]
pub(super) struct TokenMutations;

#[Object]
impl TokenMutations {
    /// Creates a service token. For users who manage all its projects.
    async fn create_service_token(
        &self,
        ctx: &Context<'_>,
        service_token: ServiceTokenInput,
    ) -> Result<CreatedServiceToken> {
        let asker = asker(ctx)?;
        let days = service_token.expires_in_days.map(|days| {
            u64::try_from(days)
                .ok()
                .filter(|days| (1..=365).contains(days))
                .ok_or_else(|| Error::invalid("expiresInDays is 1 to 365"))
        });
        let input = CreateToken {
            name: service_token.name,
            projects: service_token
                .project_ids
                .iter()
                .map(|id| id.read(ProjectId::parse))
                .collect::<regcred_core::Result<_>>()?,
            rights: Rights::new(service_token.rights.into_iter().map(Right::from).collect())
                .in_field("rights")?,
            life: days
                .transpose()
                .in_field("expiresInDays")?
                .map(|days| Duration::from_hours(days * 24)),
        };
        let created = asker
            .backend
            .service
            .create_token(&asker.caller, input)
            .await?;
        Ok(CreatedServiceToken {
            service_token: created.token.into(),
            token: created.text.expose().to_owned(),
        })
    }

    /// Revokes a service token, in all its projects. For managers. It acts on the token's next request.
    async fn revoke_service_token(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
        project_id: Uuid,
    ) -> Result<bool> {
        let asker = asker(ctx)?;
        let (project, id) = (project_id.read(ProjectId::parse)?, id.read(TokenId::parse)?);
        asker
            .backend
            .service
            .revoke_token(&asker.caller, project, id)
            .await?;
        Ok(true)
    }
}
