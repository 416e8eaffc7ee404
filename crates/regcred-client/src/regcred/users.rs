//! Users of a regcred, for its admins, and the caller's own password.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Regcred;
use crate::error::Result;
use crate::graphql::{Document, Done, Nothing};
use crate::secret::Secret;
use crate::values::moment;

/// What the server tells about a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The login, in lower case.
    pub login: String,
    /// Whether the user is an admin of the platform.
    pub admin: bool,
    /// The groups that the user belongs to, sorted.
    pub groups: Vec<String>,
    /// When the user was made.
    #[serde(deserialize_with = "moment")]
    pub created_at: Timestamp,
}

/// The user to create.
pub struct NewUser {
    /// ASCII letters, digits and `.`, `_`, `-`, `@`, `+`; its case does not count.
    pub login: String,
    /// At least 8 characters.
    pub password: Secret,
    /// Whether the user is to be an admin of the platform.
    pub admin: bool,
    /// The groups that the user belongs to.
    pub groups: Vec<String>,
}

/// What to change of a user; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Whether the user is an admin of the platform.
    pub admin: Option<bool>,
    /// All groups from now on.
    pub groups: Option<Vec<String>>,
}

impl Regcred {
    /// All users, ordered by login. For admins.
    pub async fn list_users(&self) -> Result<Vec<UserInfo>> {
        #[derive(Deserialize)]
        struct Data {
            users: Vec<UserInfo>,
        }
        let data: Data = self.execute(USERS, &LIST, Nothing {}).await?;
        Ok(data.users)
    }

    /// Creates a user. For admins. [`crate::Error::Conflict`] where the login is taken.
    pub async fn create_user(&self, user: &NewUser) -> Result<UserInfo> {
        #[derive(Serialize)]
        struct Variables<'a> {
            user: Input<'a>,
        }
        #[derive(Serialize)]
        struct Input<'a> {
            login: &'a str,
            password: &'a str,
            admin: bool,
            groups: &'a [String],
        }
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "createUser")]
            user: UserInfo,
        }
        let variables = Variables {
            user: Input {
                login: &user.login,
                password: user.password.expose(),
                admin: user.admin,
                groups: &user.groups,
            },
        };
        let data: Data = self.execute(USERS, &CREATE, variables).await?;
        Ok(data.user)
    }

    /// Changes a user. For admins. It acts on the user's next request.
    pub async fn update_user(&self, login: &str, change: &UserChange) -> Result<UserInfo> {
        #[derive(Serialize)]
        struct Variables<'a> {
            login: &'a str,
            admin: Option<bool>,
            groups: Option<&'a [String]>,
        }
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "updateUser")]
            user: UserInfo,
        }
        let variables = Variables {
            login,
            admin: change.admin,
            groups: change.groups.as_deref(),
        };
        let data: Data = self.execute(USERS, &UPDATE, variables).await?;
        Ok(data.user)
    }

    /// Deletes a user with sessions and memberships. For admins. [`crate::Error::Conflict`] where no admin would be
    /// left.
    pub async fn delete_user(&self, login: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Variables<'a> {
            login: &'a str,
        }
        let done: Done = self.execute(USERS, &DELETE, Variables { login }).await?;
        done.check(&DELETE, format!("there is no user {login:?}"))
    }

    /// Replaces the caller's own password. Every session of the caller ends, this one too.
    pub async fn change_password(&self, current: &Secret, new: &Secret) -> Result<()> {
        #[derive(Serialize)]
        struct Variables<'a> {
            current: &'a str,
            new: &'a str,
        }
        let variables = Variables {
            current: current.expose(),
            new: new.expose(),
        };
        let done: Done = self.execute(USERS, &CHANGE_PASSWORD, variables).await?;
        done.check(&CHANGE_PASSWORD, "the server did not replace the password")
    }

    /// Replaces the password of any user; every session of the user ends. For admins.
    pub async fn reset_password(&self, login: &str, new: &Secret) -> Result<()> {
        #[derive(Serialize)]
        struct Variables<'a> {
            login: &'a str,
            new: &'a str,
        }
        let variables = Variables {
            login,
            new: new.expose(),
        };
        let done: Done = self.execute(USERS, &RESET_PASSWORD, variables).await?;
        done.check(&RESET_PASSWORD, format!("there is no user {login:?}"))
    }
}

const USERS: &str = "users to look after";

const LIST: Document = Document::query(
    "users",
    "query users { users { login admin groups createdAt } }",
);
const CREATE: Document = Document::mutation(
    "createUser",
    "mutation createUser($user: UserInput!) { createUser(user: $user) { login admin groups createdAt } }",
);
const UPDATE: Document = Document::mutation(
    "updateUser",
    "mutation updateUser($login: String!, $admin: Boolean, $groups: [String!]) { \
     updateUser(login: $login, admin: $admin, groups: $groups) { login admin groups createdAt } }",
);
const DELETE: Document = Document::mutation(
    "deleteUser",
    "mutation deleteUser($login: String!) { deleteUser(login: $login) }",
);
const CHANGE_PASSWORD: Document = Document::mutation(
    "changePassword",
    "mutation changePassword($current: String!, $new: String!) { \
     changePassword(currentPassword: $current, newPassword: $new) }",
);
const RESET_PASSWORD: Document = Document::mutation(
    "resetPassword",
    "mutation resetPassword($login: String!, $new: String!) { resetPassword(login: $login, newPassword: $new) }",
);
