//! Change a user's groups, or whether the user is an admin.

use super::absent;
use crate::access::{self, Caller};
use crate::audit::Action;
use crate::error::Result;
use crate::people::{Account, Login};
use crate::service::Service;
use crate::store::UserChange;

impl Service {
    /// Changes a user, for admins. It acts on the user's next request. `Conflict` where no admin would be left.
    pub async fn change_user(
        &self,
        caller: &Caller,
        login: &Login,
        mut change: UserChange,
    ) -> Result<Account> {
        let grant = access::as_admin(caller)?;
        let user = self
            .store
            .user(&grant, login)
            .await?
            .ok_or_else(|| absent(login))?;
        if let Some(groups) = &mut change.groups {
            groups.sort_unstable();
            groups.dedup();
        }
        let event = grant.event(
            self.clock.now(),
            Action::UserUpdated {
                user: user.id.to_string(),
                admin: change.admin,
                groups: change.groups.as_ref().map(|groups| {
                    groups
                        .iter()
                        .map(|group| group.as_str().to_owned())
                        .collect()
                }),
            },
        );
        let changed = self.store.update_user(&grant, user.id, change, event);
        if !self.ending(changed).await? {
            return Err(absent(login));
        }
        self.store
            .user(&grant, login)
            .await?
            .ok_or_else(|| absent(login))
    }
}
