//! Principals: who is asking.

use std::fmt;

use serde::Serialize;

use super::role::Rights;
use crate::error::Result;
use crate::ids::{ProjectId, TokenId, UserId};
use crate::people::Login;
use crate::random::{self, Random};

/// A principal who has been authenticated.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A user with a session.
    User(UserPrincipal),
    /// A service token.
    Token(TokenPrincipal),
}

/// A user with a session.
#[derive(Clone, Debug)]
pub struct UserPrincipal {
    /// The user.
    pub id: UserId,
    /// The login, in canonical form.
    pub login: Login,
    /// Whether the user is an admin of the platform.
    pub admin: bool,
    /// The session through which the user asks.
    pub session: TokenId,
}

/// A service token.
#[derive(Clone, Debug)]
pub struct TokenPrincipal {
    /// The token.
    pub id: TokenId,
    /// The name that its maker gave it.
    pub name: String,
    /// The projects in which it counts; never empty.
    pub projects: Vec<ProjectId>,
    /// What it may do there.
    pub rights: Rights,
}

/// A principal together with the request in which it asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who asks.
    pub principal: Principal,
    /// In which request.
    pub request: RequestId,
}

impl Caller {
    /// Who is written down as the author of what this caller does.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match &self.principal {
            Principal::User(user) => Actor::User {
                id: user.id.to_string(),
                login: user.login.as_str().to_owned(),
            },
            Principal::Token(token) => token.actor(),
        }
    }
}

impl TokenPrincipal {
    /// The token as the author of what it does.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Token {
            id: self.id.to_string(),
            name: self.name.clone(),
        }
    }
}

/// The author of an audited event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A user.
    User {
        /// The user's id.
        id: String,
        /// The login at that time.
        login: String,
    },
    /// A service token.
    Token {
        /// The token's id.
        id: String,
        /// Its name.
        name: String,
    },
    /// Whoever holds the database and its key, working on them directly.
    Operator,
    /// The service, by itself.
    #[serde(rename = "regcred")]
    Service,
}

/// The id of one request: in its answer, its log lines and its audit events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    /// Sixteen random hexadecimal digits.
    pub fn generate(random: &dyn Random) -> Result<Self> {
        Ok(Self(format!(
            "{:016x}",
            u64::from_be_bytes(random::bytes(random)?)
        )))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
