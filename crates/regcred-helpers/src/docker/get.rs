//! `get`: username and password for a server key.

use serde::Serialize;

use crate::access::{Access, Asked, Found};
use crate::failure::{Failure, NOT_FOUND, Result};
use crate::process::{Answer, json};
use crate::reference::ServerKey;

pub(super) async fn get(access: &Access, key: &ServerKey) -> Result<Answer> {
    match access.pull(Asked::Server(key)).await? {
        Found::Credentials(found) => json(&Credentials {
            server_url: key.as_str(),
            username: &found.username,
            secret: found.password.expose(),
        }),
        Found::Nothing(why) => Err(Failure::known(
            NOT_FOUND,
            format!("regcred says of {:?}: {why}", key.as_str()),
        )),
    }
}

/// What docker reads, by its names.
#[derive(Serialize)]
struct Credentials<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    #[serde(rename = "Username")]
    username: &'a str,
    #[serde(rename = "Secret")]
    secret: &'a str,
}
