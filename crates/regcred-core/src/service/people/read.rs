//! Read accounts.

use crate::access::{self, Caller};
use crate::audit::Action;
use crate::error::Result;
use crate::people::Account;
use crate::service::Service;

impl Service {
    /// All accounts, for admins.
    pub async fn users(&self, caller: &Caller) -> Result<Vec<Account>> {
        self.store.users(&access::as_admin(caller)?).await
    }

    /// Ends the session through which the caller asks.
    pub async fn end_session(&self, caller: &Caller) -> Result<()> {
        let grant = access::as_user(caller)?;
        let session = grant.user().session;
        let event = grant.event(
            self.clock.now(),
            Action::SessionEnded {
                session: session.to_string(),
            },
        );
        let ended = self.store.end_session(&grant, session, event);
        self.ending(ended).await.map(drop)
    }
}
