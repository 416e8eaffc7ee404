//! Users and sessions. The platform keeps these behind other doors; here they are additions to its schema.

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject};
use regcred_core::Error;
use regcred_core::access::Principal;
use regcred_core::people::{Account, GroupName, Login, LoginPassword};
use regcred_core::service::CreateUser;
use regcred_core::store::UserChange;

use super::scalars::DateTime;
use super::secret::Secret;
use super::{InField as _, asker};

/// Who asks.
#[derive(SimpleObject)]
pub(super) struct Me {
    kind: PrincipalKind,
    /// The login of the user, or the name of the service token.
    name: String,
    /// Whether it is an admin of the platform.
    admin: bool,
}

/// What a principal is.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum PrincipalKind {
    User,
    ServiceToken,
}

/// A user.
#[derive(SimpleObject)]
pub(super) struct User {
    login: String,
    admin: bool,
    /// The groups that the user belongs to, sorted.
    groups: Vec<String>,
    created_at: DateTime,
}

impl From<Account> for User {
    fn from(account: Account) -> Self {
        Self {
            login: account.login.as_str().to_owned(),
            admin: account.admin,
            groups: account
                .groups
                .iter()
                .map(|group| group.as_str().to_owned())
                .collect(),
            created_at: DateTime::read(account.created),
        }
    }
}

/// The user to create.
#[derive(InputObject)]
pub(super) struct UserInput {
    /// ASCII letters, digits and `.`, `_`, `-`, `@`, `+`; its case does not count.
    login: String,
    /// At least 8 characters.
    password: Secret,
    #[graphql(default)]
    admin: bool,
    #[graphql(default)]
    groups: Vec<String>,
}

#[derive(Default)]
pub(super) struct PeopleQueries;

#[Object]
impl PeopleQueries {
    /// Who asks.
    #[expect(
        clippy::unused_async,
        reason = "resolvers are asynchronous for the library"
    )]
    async fn me(&self, ctx: &Context<'_>) -> Result<Me> {
        Ok(match &asker(ctx)?.caller.principal {
            Principal::User(user) => Me {
                kind: PrincipalKind::User,
                name: user.login.as_str().to_owned(),
                admin: user.admin,
            },
            Principal::Token(token) => Me {
                kind: PrincipalKind::ServiceToken,
                name: token.name.clone(),
                admin: false,
            },
        })
    }

    /// All users, ordered by login. For admins.
    async fn users(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        let asker = asker(ctx)?;
        Ok(asker
            .backend
            .service
            .users(&asker.caller)
            .await?
            .into_iter()
            .map(User::from)
            .collect())
    }
}

#[derive(Default)]
pub(super) struct PeopleMutations;

#[Object]
impl PeopleMutations {
    /// Creates a user. For admins. `CONFLICT` where the login is taken.
    async fn create_user(&self, ctx: &Context<'_>, user: UserInput) -> Result<User> {
        let asker = asker(ctx)?;
        // Before the password is hashed, which is expensive.
        regcred_core::access::as_admin(&asker.caller)?;
        let login = Login::parse(&user.login).in_field("login")?;
        let groups = group_names(&user.groups).in_field("groups")?;
        let password = LoginPassword::parse_new(user.password.into_inner()).in_field("password")?;
        let password = asker.backend.hash(password).await?;
        let input = CreateUser {
            login,
            password,
            admin: user.admin,
            groups,
        };
        Ok(asker
            .backend
            .service
            .create_user(&asker.caller, input)
            .await?
            .into())
    }

    /// Changes what is given of a user; groups are replaced. For admins. It acts on the user's next request.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        login: String,
        admin: Option<bool>,
        groups: Option<Vec<String>>,
    ) -> Result<User> {
        let asker = asker(ctx)?;
        let login = Login::parse(&login).in_field("login")?;
        let change = UserChange {
            admin,
            groups: groups
                .as_deref()
                .map(group_names)
                .transpose()
                .in_field("groups")?,
        };
        Ok(asker
            .backend
            .service
            .change_user(&asker.caller, &login, change)
            .await?
            .into())
    }

    /// Deletes a user with sessions and memberships. For admins. `CONFLICT` where no admin would be left.
    async fn delete_user(&self, ctx: &Context<'_>, login: String) -> Result<bool> {
        let asker = asker(ctx)?;
        asker
            .backend
            .service
            .delete_user(&asker.caller, &Login::parse(&login).in_field("login")?)
            .await?;
        Ok(true)
    }

    /// Replaces the caller's own password; every session ends, this one too. For users.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        current_password: Secret,
        new_password: Secret,
    ) -> Result<bool> {
        let asker = asker(ctx)?;
        let login = regcred_core::access::as_user(&asker.caller)?
            .user()
            .login
            .clone();
        let current =
            LoginPassword::presented(current_password.into_inner()).in_field("currentPassword")?;
        let new = LoginPassword::parse_new(new_password.into_inner()).in_field("newPassword")?;
        let proof = asker
            .backend
            .prove(asker.peer, &login, current)
            .await?
            .ok_or_else(|| Error::forbidden("the current password is wrong"))?;
        let new = asker.backend.hash(new).await?;
        asker
            .backend
            .service
            .change_own_password(&asker.caller, &proof, &new)
            .await?;
        Ok(true)
    }

    /// Replaces the password of any user; every session of the user ends. For admins.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        login: String,
        new_password: Secret,
    ) -> Result<bool> {
        let asker = asker(ctx)?;
        regcred_core::access::as_admin(&asker.caller)?;
        let login = Login::parse(&login).in_field("login")?;
        let new = LoginPassword::parse_new(new_password.into_inner()).in_field("newPassword")?;
        let new = asker.backend.hash(new).await?;
        asker
            .backend
            .service
            .reset_password(&asker.caller, &login, &new)
            .await?;
        Ok(true)
    }

    /// Ends the session through which the caller asks. For users.
    async fn logout(&self, ctx: &Context<'_>) -> Result<bool> {
        let asker = asker(ctx)?;
        asker.backend.service.end_session(&asker.caller).await?;
        Ok(true)
    }
}

fn group_names(names: &[String]) -> regcred_core::Result<Vec<GroupName>> {
    if names.len() > MAX_GROUPS {
        return Err(Error::invalid(format!(
            "a user belongs to at most {MAX_GROUPS} groups"
        )));
    }
    names.iter().map(|name| GroupName::parse(name)).collect()
}

const MAX_GROUPS: usize = 200;
