//! `list`: the keys that `get` serves, each with its username.

use std::collections::BTreeMap;

use regcred_client::regcred::PullableCredentials;

use crate::access::Access;
use crate::failure::Result;
use crate::process::{Answer, json};
use crate::reference::key_of_docker;

/// A key with several accounts is not among them, unless the configuration names one: `get` refuses to guess. Nor is
/// one whose username `get` would not hand out.
pub(super) async fn list(access: &Access) -> Result<Answer> {
    let pullable = access.client().regcred().pullable(access.project()).await;
    let pullable = pullable.map_err(|error| access.failure(&error))?;
    let mut accounts: BTreeMap<&str, Vec<&PullableCredentials>> = BTreeMap::new();
    for one in &pullable.credentials {
        if let Some(key) = key_of_docker(&one.registry_key) {
            accounts.entry(key).or_default().push(one);
        }
    }
    let usernames = accounts.into_iter().filter_map(|(key, kept)| {
        let one = match kept.as_slice() {
            [one] => one,
            several => access
                .pins()
                .one_of(several.iter(), |one| one.credentials_id)?,
        };
        let username = one.username.as_str();
        (!username.contains(char::is_control)).then_some((key, username))
    });
    json(&usernames.collect::<BTreeMap<_, _>>())
}
