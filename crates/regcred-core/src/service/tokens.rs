//! Use cases of service tokens.

use std::time::Duration;

use crate::access::{Caller, Manager, Rights, Viewer};
use crate::audit::Action;
use crate::error::{Error, Result};
use crate::ids::{ProjectId, TokenId};
use crate::secret::SecretText;
use crate::service::Service;
use crate::store::{NewToken, ServiceToken};
use crate::text::plain;
use crate::token::TokenKind;

/// The token to create.
pub struct CreateToken {
    /// A name by which people know it.
    pub name: String,
    /// The projects in which it counts; the caller manages each of them.
    pub projects: Vec<ProjectId>,
    /// What it may do there.
    pub rights: Rights,
    /// After how long it runs out; 90 days unless given, 365 at most.
    pub life: Option<Duration>,
}

/// A token that was just created; its text is told only here.
pub struct CreatedToken {
    /// What is shown of it from now on.
    pub token: ServiceToken,
    /// The text to present as a bearer token.
    pub text: SecretText,
}

impl Service {
    /// Creates a service token, for managers of all its projects.
    pub async fn create_token(&self, caller: &Caller, input: CreateToken) -> Result<CreatedToken> {
        let CreateToken {
            name,
            mut projects,
            rights,
            life,
        } = input;
        plain("the token name", &name, MAX_NAME).map_err(|error| error.in_field("name"))?;
        projects.sort_unstable();
        projects.dedup();
        if projects.is_empty() || projects.len() > MAX_PROJECTS {
            return Err(Error::invalid(format!(
                "a service token counts in 1 to {MAX_PROJECTS} projects"
            ))
            .in_field("projectIds"));
        }
        let life = life.unwrap_or(DEFAULT_LIFE);
        if life.is_zero() || life > MAX_LIFE {
            return Err(Error::invalid(
                "a service token lives for more than 0 and at most 365 days",
            ));
        }
        let mut grants = Vec::with_capacity(projects.len());
        for project in &projects {
            grants.push(self.grant::<Manager>(caller, *project).await?);
        }
        let first = grants
            .first()
            .ok_or_else(|| Error::internal("a token without a project"))?;
        let now = self.clock.now();
        let minted = self
            .keys
            .token_key()
            .mint(TokenKind::Service, now, self.random.as_ref())?;
        let creator = crate::access::as_user(caller)?
            .user()
            .login
            .as_str()
            .to_owned();
        let token = ServiceToken {
            id: minted.id,
            name,
            projects,
            rights,
            creator,
            created: now,
            expires: now.plus(life),
        };
        let event = first.event(
            now,
            Action::TokenCreated {
                projects: token.projects.iter().map(ToString::to_string).collect(),
                token: token.id.to_string(),
                name: token.name.clone(),
                rights: token.rights.to_words(),
                expires: token.expires.rfc3339(0),
            },
        );
        self.store
            .create_token(
                &grants,
                NewToken {
                    token: token.clone(),
                    mac: minted.mac,
                },
                event,
            )
            .await?;
        Ok(CreatedToken {
            token,
            text: minted.text,
        })
    }

    /// The service tokens of a project, for managers. Of their projects, those that the caller may see.
    pub async fn tokens(&self, caller: &Caller, project: ProjectId) -> Result<Vec<ServiceToken>> {
        let grant = self.grant::<Manager>(caller, project).await?;
        let mut tokens = self.store.tokens(&grant).await?;
        for token in &mut tokens {
            let mut seen = Vec::new();
            for id in &token.projects {
                if *id == project || self.grant::<Viewer>(caller, *id).await.is_ok() {
                    seen.push(*id);
                }
            }
            token.projects = seen;
        }
        Ok(tokens)
    }

    /// Revokes a service token, for managers. It acts on the token's next request.
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: TokenId,
    ) -> Result<()> {
        let grant = self.grant::<Manager>(caller, project).await?;
        let action = Action::TokenRevoked {
            project: project.to_string(),
            token: id.to_string(),
        };
        let event = grant.event(self.clock.now(), action);
        let revoked = self.store.revoke_token(&grant, id, event);
        if self.ending(revoked).await? {
            Ok(())
        } else {
            Err(Error::not_found(format!(
                "there is no service token {id} in the project"
            )))
        }
    }
}

const MAX_NAME: usize = 255;
const MAX_PROJECTS: usize = 100;
const DEFAULT_LIFE: Duration = Duration::from_hours(90 * 24);
const MAX_LIFE: Duration = Duration::from_hours(365 * 24);
