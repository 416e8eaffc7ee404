//! Recognising tokens. One that is remembered ([`super::memory`]) costs an HMAC and no read.

use std::time::Duration;

use super::Service;
use super::login::{SESSION_IDLE, idle};
use super::memory::{Fresh, Memory, Remembered};
use crate::access::{Principal, TokenPrincipal, UserPrincipal};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::TokenId;
use crate::token::{TokenKind, TokenMac};

impl Service {
    /// The principal that presents `token`; one and the same error for everything that is wrong with it.
    pub async fn authenticate(&self, token: &str) -> Result<Principal> {
        let (kind, id, mac) = self.keys.token_key().read(token)?;
        let fresh = self.fresh();
        let now = fresh.now;
        if let Some((principal, touch)) = recall(&self.memory, id, &mac, fresh)? {
            if touch {
                self.note_use(id, now).await;
            }
            return Ok(principal);
        }
        let epoch = self.memory.epoch();
        let known = match kind {
            TokenKind::Session => self.known_session(id, now).await?,
            TokenKind::Service => self.known_token(id).await?,
        };
        let known = known
            .filter(|known| known.mac.matches(&mac) && known.live(now))
            .ok_or_else(Error::unauthenticated)?;
        let principal = known.principal.clone();
        let remember = |all: &mut Remembered| all.tokens.insert(id, known, now);
        self.memory.remember(epoch, remember);
        Ok(principal)
    }

    /// Removes sessions and tokens that ran out; to be called now and then.
    pub async fn purge_expired(&self) -> Result<u64> {
        let now = self.clock.now();
        let idle_since = Timestamp::from_micros(
            now.as_micros() - i64::try_from(SESSION_IDLE.as_micros()).unwrap_or(0),
        );
        self.store.purge_expired(now, idle_since).await
    }

    async fn known_session(&self, id: TokenId, now: Timestamp) -> Result<Option<Known>> {
        let Some(session) = self.store.session(id).await? else {
            return Ok(None);
        };
        if idle(session.last_used, now) {
            return Ok(None);
        }
        let due = now.since(session.last_used) >= NOTE_EVERY;
        if due {
            self.note_use(id, now).await;
        }
        let user = UserPrincipal {
            id: session.user,
            login: session.login,
            admin: session.admin,
            session: id,
        };
        Ok(Some(Known {
            mac: session.mac,
            principal: Principal::User(user),
            expires: session.expires,
            used: Some(Used {
                last: now,
                noted: if due { now } else { session.last_used },
            }),
        }))
    }

    /// Where it cannot be noted that a session is used, reads go on: it may only fall idle too early.
    async fn note_use(&self, id: TokenId, now: Timestamp) {
        if let Err(error) = self.store.touch_session(id, now).await {
            tracing::warn!(
                detail = error.detail(),
                "the use of a session cannot be noted"
            );
        }
    }

    async fn known_token(&self, id: TokenId) -> Result<Option<Known>> {
        let Some(secret) = self.store.token_secret(id).await? else {
            return Ok(None);
        };
        let token = secret.token;
        let principal = TokenPrincipal {
            id: token.id,
            name: token.name,
            projects: token.projects,
            rights: token.rights,
        };
        Ok(Some(Known {
            mac: secret.mac,
            principal: Principal::Token(principal),
            expires: token.expires,
            used: None,
        }))
    }
}

/// A token as it was read.
pub(super) struct Known {
    mac: TokenMac,
    principal: Principal,
    expires: Timestamp,
    /// For sessions, which fall idle.
    used: Option<Used>,
}

struct Used {
    last: Timestamp,
    /// The last use that the store knows of.
    noted: Timestamp,
}

impl Known {
    fn live(&self, now: Timestamp) -> bool {
        now < self.expires && !self.used.as_ref().is_some_and(|used| idle(used.last, now))
    }
}

/// The principal of a token that is remembered, and whether its use is to be noted in the store.
fn recall(
    memory: &Memory,
    id: TokenId,
    mac: &TokenMac,
    fresh: Fresh,
) -> Result<Option<(Principal, bool)>> {
    let now = fresh.now;
    let mut all = memory.lock();
    let Some(known) = all.tokens.get(&id, fresh) else {
        return Ok(None);
    };
    if !known.mac.matches(mac) {
        return Err(Error::unauthenticated());
    }
    if !known.live(now) {
        all.tokens.remove(&id);
        return Err(Error::unauthenticated());
    }
    let touch = known.used.as_mut().is_some_and(|used| {
        used.last = now;
        let due = now.since(used.noted) >= NOTE_EVERY;
        if due {
            used.noted = now;
        }
        due
    });
    Ok(Some((known.principal.clone(), touch)))
}

const NOTE_EVERY: Duration = Duration::from_mins(1);
