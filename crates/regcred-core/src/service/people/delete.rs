//! Delete a user.

use super::absent;
use crate::access::{self, Caller};
use crate::audit::Action;
use crate::error::Result;
use crate::people::Login;
use crate::service::Service;

impl Service {
    /// Deletes a user with sessions and memberships, for admins. `Conflict` where no admin would be left.
    pub async fn delete_user(&self, caller: &Caller, login: &Login) -> Result<()> {
        let grant = access::as_admin(caller)?;
        let user = self
            .store
            .user(&grant, login)
            .await?
            .ok_or_else(|| absent(login))?;
        let action = Action::UserDeleted {
            user: user.id.to_string(),
            login: user.login.as_str().to_owned(),
        };
        let event = grant.event(self.clock.now(), action);
        let deleted = self.store.delete_user(&grant, user.id, event);
        let deleted = self.ending(deleted).await?;
        if deleted { Ok(()) } else { Err(absent(login)) }
    }
}
