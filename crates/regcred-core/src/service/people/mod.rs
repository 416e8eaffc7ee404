//! Use cases of users: one file an operation.

mod change;
mod create;
mod delete;
mod password;
mod read;

pub use create::CreateUser;

use crate::error::Error;
use crate::people::Login;

fn absent(login: &Login) -> Error {
    Error::not_found(format!("there is no user `{}`", login.as_str()))
}
