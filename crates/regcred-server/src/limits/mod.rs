//! Limits: how often a login may fail, how many passwords are hashed at once, and how many pulls a token has under way.

mod bucket;
mod hashing;
mod login;
mod network;
mod pulls;

pub(crate) use hashing::Hashing;
pub(crate) use login::{LoginLimits, LoginOutcome};
pub(crate) use pulls::{PullLimits, UnderWay};
