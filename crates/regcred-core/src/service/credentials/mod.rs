//! Use cases of Docker credentials: one file an operation.

mod create;
mod delete;
mod read;
mod upgrade;
mod verify;
mod versions;

pub use create::CreateCredentials;
pub use upgrade::UpgradeCredentials;
pub use verify::ToProve;
pub use versions::SwitchVersion;

use crate::error::Error;
use crate::ids::CredentialsId;

fn absent(id: CredentialsId) -> Error {
    Error::not_found(format!(
        "there are no Docker credentials {id} in the project"
    ))
}
