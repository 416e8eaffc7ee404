//! Create a user.

use crate::access::{self, AdminGrant, Caller};
use crate::audit::Action;
use crate::error::Result;
use crate::ids::UserId;
use crate::people::{Account, GroupName, Login, PasswordHash};
use crate::service::Service;
use crate::store::NewUser;

/// The user to create. The password was hashed by the caller, where blocking is allowed.
pub struct CreateUser {
    /// The login.
    pub login: Login,
    /// The hash of the password.
    pub password: PasswordHash,
    /// Whether the user is an admin of the platform.
    pub admin: bool,
    /// The groups that the user belongs to.
    pub groups: Vec<GroupName>,
}

impl Service {
    /// Creates a user, for admins. `Conflict` where the login is taken.
    pub async fn create_user(&self, caller: &Caller, input: CreateUser) -> Result<Account> {
        self.create_user_as(&access::as_admin(caller)?, input).await
    }

    /// Creates a user for the operator, who holds database and key.
    pub async fn create_user_as(&self, grant: &AdminGrant, input: CreateUser) -> Result<Account> {
        let CreateUser {
            login,
            password,
            admin,
            mut groups,
        } = input;
        groups.sort_unstable();
        groups.dedup();
        let now = self.clock.now();
        let id = UserId::generate(now, self.random.as_ref())?;
        let sealed = self.keys.seal(
            &PasswordHash::binding(&id, &login, 1),
            &password.to_bytes(),
            self.random.as_ref(),
        )?;
        let account = Account {
            id,
            login,
            admin,
            groups,
            created: now,
        };
        let event = grant.event(
            now,
            Action::UserCreated {
                user: id.to_string(),
                login: account.login.as_str().to_owned(),
                admin,
                groups: account
                    .groups
                    .iter()
                    .map(|group| group.as_str().to_owned())
                    .collect(),
            },
        );
        self.store
            .create_user(
                grant,
                NewUser {
                    account: account.clone(),
                    password: sealed,
                },
                event,
            )
            .await?;
        Ok(account)
    }
}
