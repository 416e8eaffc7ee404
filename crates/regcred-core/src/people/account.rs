//! A user's account, without its password.

use super::login::{GroupName, Login};
use crate::clock::Timestamp;
use crate::ids::UserId;

/// A user as admins see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's id.
    pub id: UserId,
    /// The login, unique.
    pub login: Login,
    /// Whether the user is an admin of the platform.
    pub admin: bool,
    /// The groups that the user belongs to, sorted.
    pub groups: Vec<GroupName>,
    /// When the account was made.
    pub created: Timestamp,
}
