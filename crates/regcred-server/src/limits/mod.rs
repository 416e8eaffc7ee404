//! Limits: how often a login may fail, and how many passwords are hashed at once.

mod bucket;
mod hashing;
mod login;
mod network;

pub(crate) use hashing::Hashing;
pub(crate) use login::LoginLimits;
