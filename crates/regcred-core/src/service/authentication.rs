//! Recognising tokens, with a small memory of those that were seen last.
//!
//! A remembered token costs an HMAC and no read. Whatever could end a token forgets all of them, so a revocation
//! acts with the next request.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Service;
use super::login::{SESSION_IDLE, idle};
use crate::access::{Principal, TokenPrincipal, UserPrincipal};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::TokenId;
use crate::token::{TokenKind, TokenMac};

impl Service {
    /// The principal that presents `token`; one and the same error for everything that is wrong with it.
    pub async fn authenticate(&self, token: &str) -> Result<Principal> {
        let (kind, id, mac) = self.keys.token_key().read(token)?;
        let now = self.clock.now();
        let memory = self.store.forgets_after();
        if let Some((principal, touch)) = self.sessions.recall(id, &mac, now, memory)? {
            if touch {
                self.note_use(id, now).await;
            }
            return Ok(principal);
        }
        let epoch = self.sessions.epoch();
        let known = match kind {
            TokenKind::Session => self.known_session(id, now).await?,
            TokenKind::Service => self.known_token(id, now).await?,
        };
        let known = known
            .filter(|known| known.mac.matches(&mac) && known.live(now))
            .ok_or_else(Error::unauthenticated)?;
        let principal = known.principal.clone();
        self.sessions.remember(id, known, epoch);
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
            read: now,
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

    async fn known_token(&self, id: TokenId, now: Timestamp) -> Result<Option<Known>> {
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
            read: now,
            used: None,
        }))
    }
}

/// The tokens that were seen last.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    epoch: u64,
    known: HashMap<TokenId, Known>,
}

struct Known {
    mac: TokenMac,
    principal: Principal,
    expires: Timestamp,
    /// When it was read from the store.
    read: Timestamp,
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

impl Sessions {
    /// Forgets every token: one of them, or what it stands for, has changed.
    pub(super) fn forget(&self) {
        let mut memory = self.lock();
        memory.epoch += 1;
        memory.known.clear();
    }

    /// The principal of a token that was read within `memory`, where that has an end, and whether its use is to be noted
    /// in the store.
    fn recall(
        &self,
        id: TokenId,
        mac: &TokenMac,
        now: Timestamp,
        memory: Option<Duration>,
    ) -> Result<Option<(Principal, bool)>> {
        let mut lock = self.lock();
        let Some(known) = lock.known.get_mut(&id) else {
            return Ok(None);
        };
        if memory.is_some_and(|memory| now.since(known.read) >= memory) {
            return Ok(None);
        }
        if !known.mac.matches(mac) {
            return Err(Error::unauthenticated());
        }
        if !known.live(now) {
            lock.known.remove(&id);
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

    fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// Remembers a token, unless something was forgotten since `epoch`: it may have been this one.
    fn remember(&self, id: TokenId, known: Known, epoch: u64) {
        let mut memory = self.lock();
        if memory.epoch == epoch {
            if memory.known.len() >= MOST_REMEMBERED {
                memory.known.clear();
            }
            memory.known.insert(id, known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // No code under the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NOTE_EVERY: Duration = Duration::from_mins(1);
const MOST_REMEMBERED: usize = 10_000;
