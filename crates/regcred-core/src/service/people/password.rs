//! Change a password. It ends all sessions of the user.

use super::absent;
use crate::access::{self, AdminGrant, Caller};
use crate::audit::{Action, AuditEvent};
use crate::error::{Error, Result};
use crate::people::{Login, PasswordHash};
use crate::service::{Service, Verified};
use crate::store::UserSecret;

impl Service {
    /// Replaces the calling user's own password; `proof` shows that the caller knows the present one.
    pub async fn change_own_password(
        &self,
        caller: &Caller,
        proof: &Verified,
        new: &PasswordHash,
    ) -> Result<()> {
        let grant = access::as_user(caller)?;
        let login = &grant.user().login;
        if proof.login() != login {
            return Err(Error::forbidden("the proof is of another user"));
        }
        let secret = self
            .store
            .user_secret(login)
            .await?
            .ok_or_else(Error::unauthenticated)?;
        let action = Action::PasswordChanged {
            user: secret.id.to_string(),
        };
        self.replace_password(&secret, new, grant.event(self.clock.now(), action))
            .await
    }

    /// Replaces any user's password, for admins.
    pub async fn reset_password(
        &self,
        caller: &Caller,
        login: &Login,
        new: &PasswordHash,
    ) -> Result<()> {
        self.reset_password_as(&access::as_admin(caller)?, login, new)
            .await
    }

    /// Replaces any user's password for the operator, who holds database and key.
    pub async fn reset_password_as(
        &self,
        grant: &AdminGrant,
        login: &Login,
        new: &PasswordHash,
    ) -> Result<()> {
        let secret = self
            .store
            .user_secret(login)
            .await?
            .ok_or_else(|| absent(login))?;
        let action = Action::PasswordChanged {
            user: secret.id.to_string(),
        };
        self.replace_password(&secret, new, grant.event(self.clock.now(), action))
            .await
    }

    async fn replace_password(
        &self,
        secret: &UserSecret,
        new: &PasswordHash,
        event: AuditEvent,
    ) -> Result<()> {
        let version = secret.password_version + 1;
        let binding = PasswordHash::binding(&secret.id, &secret.login, version);
        let sealed = self
            .keys
            .seal(&binding, &new.to_bytes(), self.random.as_ref())?;
        let expected = secret.password_version;
        let replaced = self
            .store
            .replace_password(secret.id, expected, sealed, event);
        if self.ending(replaced).await? {
            Ok(())
        } else {
            Err(Error::conflict(
                "the password was changed by somebody else at the same time; look again",
            ))
        }
    }
}
