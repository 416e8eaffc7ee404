//! Use cases of projects: one file an operation.

mod create;
mod delete;
mod edit;
mod members;
mod read;

pub use create::CreateProject;
pub use edit::EditProject;

use crate::error::Error;
use crate::ids::ProjectId;
use crate::store::GroupRole;

fn absent(id: ProjectId) -> Error {
    Error::not_found(format!("there is no project {id} that you may see"))
}

/// The roles of groups as an audit event holds them.
fn described(groups: &[GroupRole]) -> Vec<(String, &'static str)> {
    groups
        .iter()
        .map(|given| (given.group.as_str().to_owned(), given.role.word()))
        .collect()
}

/// Refuses a group that is named twice.
fn each_once(groups: &[GroupRole]) -> Result<(), Error> {
    let twice = groups.iter().enumerate().find(|(index, given)| {
        groups
            .iter()
            .take(*index)
            .any(|earlier| earlier.group == given.group)
    });
    match twice {
        None => Ok(()),
        Some((_, given)) => Err(Error::invalid(format!(
            "the group `{}` is named twice",
            given.group.as_str()
        ))
        .in_field("authorizedGroups")),
    }
}
