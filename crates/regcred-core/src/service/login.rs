//! Logging in: look the user up, prove the password, open a session.
//!
//! The proof is expensive on purpose, so the caller runs [`Candidate::verify`] where blocking is allowed and behind
//! a bounded queue. An unknown user costs the same as a wrong password.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use crate::access::{Actor, RequestId};
use crate::audit::{Action, AuditEvent};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::UserId;
use crate::people::{Login, LoginPassword, PasswordHash};
use crate::random::Random;
use crate::sealing::{KeyRing, SealedRecord};
use crate::secret::SecretText;
use crate::store::{NewSession, UserSecret};
use crate::token::TokenKind;

/// A login whose password is not proved yet; it may be of a user who does not exist.
pub struct Candidate {
    secret: UserSecret,
    exists: bool,
    keys: Arc<KeyRing>,
}

/// The proof that a password was right.
pub struct Verified {
    user: UserId,
    login: Login,
    password_version: u32,
}

impl Candidate {
    /// Whether `password` is right; `None` where it is wrong or the user unknown. Takes some 50 ms.
    pub fn verify(self, password: &LoginPassword) -> Result<Option<Verified>> {
        let UserSecret {
            id,
            login,
            password: sealed,
            password_version,
        } = self.secret;
        let opened = self
            .keys
            .open_record(
                &PasswordHash::binding(&id, &login, password_version),
                &sealed,
            )
            .map_err(|error| {
                Error::internal(format!("user_account.password of user {id}: {error}"))
            })?;
        let hash = PasswordHash::from_bytes(&opened).ok_or_else(|| {
            Error::internal(format!(
                "user_account.password of user {id} is no password hash"
            ))
        })?;
        let right = password.verify(&hash)? && self.exists;
        Ok(right.then_some(Verified {
            user: id,
            login,
            password_version,
        }))
    }
}

impl Verified {
    /// The user whose password was proved.
    #[must_use]
    pub fn login(&self) -> &Login {
        &self.login
    }
}

impl Service {
    /// The candidate for `login`, whether or not there is such a user.
    pub async fn login_candidate(&self, login: &Login) -> Result<Candidate> {
        let found = self.store.user_secret(login).await?;
        let exists = found.is_some();
        let secret = found.unwrap_or_else(|| UserSecret {
            id: DECOY_USER,
            login: Login::decoy(),
            password: self.decoy.as_bytes().to_vec(),
            password_version: 1,
        });
        Ok(Candidate {
            secret,
            exists,
            keys: Arc::clone(&self.keys),
        })
    }

    /// Opens a session for a proved user; the token is told once.
    pub async fn open_session(&self, verified: Verified, request: RequestId) -> Result<SecretText> {
        let now = self.clock.now();
        let token = self
            .keys
            .token_key()
            .mint(TokenKind::Session, now, self.random.as_ref())?;
        let session = NewSession {
            id: token.id,
            mac: token.mac,
            user: verified.user,
            password_version: verified.password_version,
            created: now,
            expires: now.plus(SESSION_LIFE),
        };
        let actor = Actor::User {
            id: verified.user.to_string(),
            login: verified.login.as_str().to_owned(),
        };
        let action = Action::SessionOpened {
            user: verified.user.to_string(),
            session: token.id.to_string(),
        };
        match self
            .store
            .open_session(
                session,
                AuditEvent {
                    at: now,
                    actor,
                    request,
                    action,
                },
            )
            .await
        {
            // The user went, or the password changed, since it was proved.
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::unauthenticated()),
            other => other.map(|()| token.text),
        }
    }
}

/// A sealed hash that no password has, against which unknown users are checked.
pub(super) fn decoy(keys: &KeyRing, random: &dyn Random) -> Result<SealedRecord> {
    let password = LoginPassword::presented("no user has this password".to_owned())?;
    let hash = password.hash(random)?;
    keys.seal(
        &PasswordHash::binding(&DECOY_USER, &Login::decoy(), 1),
        &hash.to_bytes(),
        random,
    )
}

/// A session that is not used for so long is over.
pub(super) const SESSION_IDLE: Duration = Duration::from_mins(30);
/// A session is over after so long, however much it is used.
const SESSION_LIFE: Duration = Duration::from_hours(12);
const DECOY_USER: UserId = UserId::from_bytes([0; 16]);

/// Whether a session that was last used at `last_used` has fallen idle.
pub(super) fn idle(last_used: Timestamp, now: Timestamp) -> bool {
    now.since(last_used) > SESSION_IDLE
}
