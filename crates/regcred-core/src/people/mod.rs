//! People: logins, groups, accounts and their passwords.

mod account;
mod login;
mod password;

pub use account::Account;
pub use login::{GroupName, Login};
pub use password::{LoginPassword, PasswordHash};
