//! Which credentials go into a file, and which its clients would not see.

use std::collections::BTreeMap;

use regcred_client::regcred::PullableCredentials;

use super::Form;
use crate::docker_config::DOCKER_HUB;
use crate::failure::{Exit, Failure, Result};

/// Those that go into the file, one of each registry, and what is to be known of them.
pub(super) fn choose(
    all: Vec<PullableCredentials>,
    usernames: &[String],
    hosts_only: bool,
    form: Form,
) -> Result<(Vec<PullableCredentials>, Vec<String>)> {
    let is_there = |name: &&String| all.iter().any(|one| one.username == **name);
    if let Some(name) = usernames.iter().find(|name| !is_there(name)) {
        return Err(Failure::new(
            Exit::NotFound,
            format!("no credentials of the project have the username {name:?}"),
            "see those that there are with `regcred credentials list`",
        ));
    }
    let mut warnings = Vec::new();
    let mut by_key: BTreeMap<String, Vec<PullableCredentials>> = BTreeMap::new();
    for one in all {
        if one.username == "<token>" {
            warnings.push(format!(
                "the identity token of {} is left out: most clients cannot use it from a file",
                one.registry_key
            ));
            continue;
        }
        if hosts_only && one.registry_key.contains('/') {
            warnings.push(format!("the account of {} is left out", one.registry_key));
            continue;
        }
        by_key
            .entry(one.registry_key.clone())
            .or_default()
            .push(one);
    }
    let mut chosen = Vec::new();
    for (key, accounts) in by_key {
        let one = one_of(&key, accounts, usernames)?;
        if one.username.contains(':') {
            return Err(Failure::new(
                Exit::Refused,
                format!(
                    "the username {:?} at {key} has a colon, which none of these files can hold",
                    one.username
                ),
                "let clients get it through docker-credential-regcred instead",
            ));
        }
        warnings.extend(unseen(&key, form)?);
        chosen.push(one);
    }
    Ok((chosen, warnings))
}

fn one_of(
    key: &str,
    accounts: Vec<PullableCredentials>,
    usernames: &[String],
) -> Result<PullableCredentials> {
    let names: Vec<_> = accounts.iter().map(|one| one.username.clone()).collect();
    let is_one = accounts.len() == 1;
    let mut fitting = accounts
        .into_iter()
        .filter(|one| is_one || usernames.contains(&one.username));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Failure::new(
            Exit::Conflict,
            format!(
                "{key} has the accounts {}, and a file holds one of each registry",
                names.join(", ")
            ),
            "choose one of them with --username",
        )),
    }
}

/// What the clients of a file make of a key with a path.
fn unseen(key: &str, form: Form) -> Result<Option<String>> {
    if !key.contains('/') {
        return Ok(None);
    }
    match form {
        Form::AuthJson => Ok(None),
        // Several of one host would be taken in any order, one path's account for another path.
        Form::ConfigJson => Err(Failure::new(
            Exit::Refused,
            format!(
                "docker takes the account of {key} for all of its host, whatever the path; only podman and skopeo heed it"
            ),
            "write --format auth-json for those, leave such accounts out with --hosts-only, or let docker get logins \
             through docker-credential-regcred",
        )),
        Form::Kubernetes if key.starts_with(DOCKER_HUB) => Ok(Some(format!(
            "{key}: the kubelet takes it for all images whose names begin so, whole segments or not; other clients of the \
             secret may take it for all of its host"
        ))),
        Form::Kubernetes => Ok(Some(format!(
            "the kubelet takes {key} for all images whose names begin so, such as {key}work/app, too"
        ))),
        Form::DockerAuthConfig => Err(Failure::new(
            Exit::Refused,
            format!("docker takes the account of {key} for all of its host, whatever the path"),
            "leave such accounts out with --hosts-only, write --format auth-json for podman and skopeo, or let docker get \
             logins through docker-credential-regcred",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(key: &str, username: &str) -> PullableCredentials {
        serde_json::from_value(json!({
            "credentialsId": "0cb2662f-84eb-4a7d-93cb-2340f7773bce", "registryKey": key, "username": username,
            "lastUpdate": "2026-11-20T10:00:00.000Z", "expiresAt": null,
        }))
        .unwrap()
    }

    fn chosen(
        all: &[(&str, &str)],
        usernames: &[&str],
        form: Form,
    ) -> Result<(Vec<String>, usize)> {
        let all = all
            .iter()
            .map(|(key, username)| account(key, username))
            .collect();
        let usernames: Vec<_> = usernames.iter().map(|name| (*name).to_owned()).collect();
        let (chosen, warnings) = choose(all, &usernames, false, form)?;
        Ok((
            chosen.into_iter().map(|one| one.username).collect(),
            warnings.len(),
        ))
    }

    #[test]
    fn of_several_accounts_one_is_named() {
        let all = [("a.io", "one"), ("a.io", "two"), ("b.io", "three")];
        let failure = chosen(&all, &[], Form::AuthJson).unwrap_err();
        assert_eq!(failure.exit, Exit::Conflict);
        assert!(failure.message.contains("one, two"));
        assert!(chosen(&all, &["one", "two"], Form::AuthJson).is_err());
        let (names, _) = chosen(&all, &["two"], Form::AuthJson).unwrap();
        assert_eq!(names, ["two", "three"]);
    }

    #[test]
    fn what_a_client_would_not_see_is_told_or_refused() {
        let scoped = [("a.io/team", "one")];
        assert_eq!(chosen(&scoped, &[], Form::AuthJson).unwrap().1, 0);
        assert!(chosen(&scoped, &[], Form::ConfigJson).is_err());
        assert_eq!(chosen(&scoped, &[], Form::Kubernetes).unwrap().1, 1);
        assert!(chosen(&scoped, &[], Form::DockerAuthConfig).is_err());
        assert!(chosen(&[("a.io", "a:b")], &[], Form::AuthJson).is_err());
        let all = vec![account("a.io/team", "one"), account("a.io", "two")];
        let (left, warnings) = choose(all, &[], true, Form::ConfigJson).unwrap();
        assert_eq!((left.len(), left[0].username.as_str()), (1, "two"));
        assert_eq!(warnings, ["the account of a.io/team is left out"]);
        let (names, warnings) = chosen(&[("a.io", "<token>")], &[], Form::AuthJson).unwrap();
        assert_eq!((names.len(), warnings), (0, 1));
    }
}
