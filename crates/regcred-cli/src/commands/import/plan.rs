//! What an import is going to do, decided before anything is done.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use regcred_client::regcred::RegistryKey;
use regcred_client::{CredentialsInfo, Registry, Secret};

use crate::commands::changes::{Action, Outcome, Plan, Step, Words};
use crate::docker_config::{Contents, DOCKER_HUB, DOCKER_HUB_OF_DOCKER, Entry, Login};

/// What is one registry, however it is spelled.
pub(super) enum Keys {
    /// As the server says: the canonical form of each, or why it is no registry.
    Told(HashMap<String, Result<String, String>>),
    /// As it is spelled, on a server that does not say.
    Typed,
}

impl Keys {
    /// What the server is to be asked about.
    pub(super) fn wanted(found: &Contents, there: &[CredentialsInfo]) -> Vec<String> {
        let of_file = found.entries.iter().map(|entry| entry.key.as_str());
        let there = there.iter().filter_map(|one| one.registry.as_deref());
        let mut wanted: Vec<_> = of_file.chain(there).map(str::to_owned).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// What the server says.
    pub(super) fn told(answers: Vec<RegistryKey>) -> Self {
        let answers = answers.into_iter().map(|answer| {
            let problem = answer
                .problem
                .unwrap_or_else(|| "it is no registry".to_owned());
            (answer.registry, answer.key.ok_or(problem))
        });
        Self::Told(answers.collect())
    }

    /// The form by which registries are compared.
    fn of(&self, typed: Option<&str>) -> Result<String, String> {
        match (self, typed) {
            (_, None | Some("")) => Ok(DOCKER_HUB.to_owned()),
            (Self::Told(keys), Some(typed)) => match keys.get(typed) {
                Some(told) => told.clone(),
                None => Ok(typed.to_owned()),
            },
            (Self::Typed, Some(DOCKER_HUB_OF_DOCKER | DOCKER_HUB | "index.docker.io")) => {
                Ok(DOCKER_HUB.to_owned())
            }
            (Self::Typed, Some(typed)) => Ok(typed.to_owned()),
        }
    }

    /// Why regcred would refuse a login; what another server refuses, nobody knows before.
    fn refused(&self, login: &Login) -> Option<String> {
        if matches!(self, Self::Typed) {
            return None;
        }
        let (username, password) = (&login.username, login.password.expose());
        let why = if username.chars().count() > MOST_OF_USERNAME {
            "its username has more than 255 characters"
        } else if username.chars().any(char::is_control) {
            "its username holds control characters"
        } else if username.contains(':') {
            "its username holds a colon, which no login to a registry can"
        } else if password.len() > MOST_OF_PASSWORD {
            "its password has more than 16 KiB"
        } else {
            return None;
        };
        Some(format!("{why}, which regcred refuses"))
    }
}

/// The plan, and the passwords of its steps by the index of the entry.
pub(super) fn plan(
    found: Contents,
    there: &[CredentialsInfo],
    keys: &Keys,
    overwrite: bool,
    words: &'static Words,
) -> (Plan, Vec<Secret>) {
    let mut remarks = found.odd;
    let known: HashMap<(String, String), &CredentialsInfo> = there
        .iter()
        .filter_map(|one| {
            Some((
                (keys.of(one.registry.as_deref()).ok()?, one.username.clone()),
                one,
            ))
        })
        .collect();
    let counts = which_count(&found.entries, keys);
    let differing = differing(&found.entries, &counts, keys);
    let mut passwords = Vec::new();
    let mut steps = Vec::new();
    let mut matched = 0;
    for (index, entry) in found.entries.into_iter().enumerate() {
        remarks.extend(entry.odd.iter().map(|odd| format!("{}: {odd}", entry.key)));
        let registry = keys.of(Some(&entry.key));
        let (login, registry) = match (entry.login, registry) {
            (Ok(login), Ok(registry)) => (login, registry),
            (Err(why), _) => {
                steps.push(skipped(entry.key, String::new(), why));
                continue;
            }
            (Ok(login), Err(problem)) => {
                steps.push(skipped(entry.key, login.username, problem));
                continue;
            }
        };
        let first = counts.get(&(registry.clone(), login.username.clone()));
        if let Some((counting, spelled)) = first
            && *counting != index
        {
            let differs = if differing.contains(&index) {
                ", with another password"
            } else {
                ""
            };
            let why =
                format!("the same registry and username as {spelled:?}, which counts{differs}");
            steps.push(skipped(entry.key, login.username, why));
            continue;
        }
        if let Some(why) = keys.refused(&login) {
            steps.push(skipped(entry.key, login.username, why));
            continue;
        }
        if !is_usual(&entry.key, &registry) {
            remarks.push(format!("{:?} is taken as {registry:?}", entry.key));
        }
        let known_one = known.get(&(registry.clone(), login.username.clone()));
        matched += usize::from(known_one.is_some());
        let (action, reason) = match known_one {
            None => (Action::Create, None),
            Some(_) if overwrite => (Action::Overwrite, None),
            Some(_) => {
                let why =
                    "the project has them, with this password or another; --overwrite replaces it";
                (Action::Exists, Some(why.to_owned()))
            }
        };
        steps.push(Step {
            action,
            key: Some(entry.key),
            username: login.username,
            registry: match known_one {
                Some(known) => known.registry.clone(),
                None if registry == DOCKER_HUB => Registry::DockerHub,
                None => Registry::At(registry),
            },
            id: known_one.map(|known| known.id),
            outcome: Outcome::NotAttempted,
            reason,
            users: known_one.map_or(0, |known| known.jobs.len() + known.apps.len()),
            entry: Some(passwords.len()),
        });
        passwords.push(login.password);
    }
    remarks.extend(ambiguous(&steps, there, keys));
    let plan = Plan {
        steps,
        left_alone: there.len() - matched,
        remarks,
        words,
    };
    (plan, passwords)
}

/// Of entries with the same registry and username, the one that counts: that in canonical spelling, or else the first.
fn which_count(entries: &[Entry], keys: &Keys) -> HashMap<(String, String), (usize, String)> {
    let mut counts: HashMap<(String, String), (usize, String)> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let (Ok(login), Ok(registry)) = (&entry.login, keys.of(Some(&entry.key))) else {
            continue;
        };
        let usual = is_usual(&entry.key, &registry);
        let place = (registry, login.username.clone());
        match counts.get_mut(&place) {
            Some((counting, spelled)) if usual && !is_usual(spelled, &place.0) => {
                (*counting, *spelled) = (index, entry.key.clone());
            }
            Some(_) => {}
            None => drop(counts.insert(place, (index, entry.key.clone()))),
        }
    }
    counts
}

/// The entries whose password is another than that of the entry that counts.
fn differing(
    entries: &[Entry],
    counts: &HashMap<(String, String), (usize, String)>,
    keys: &Keys,
) -> HashSet<usize> {
    let login_of = |index: usize| entries.get(index)?.login.as_ref().ok();
    let differs = |(index, entry): (usize, &Entry)| {
        let login = entry.login.as_ref().ok()?;
        let place = (keys.of(Some(&entry.key)).ok()?, login.username.clone());
        let (counting, _) = counts.get(&place)?;
        (!login_of(*counting)?.is_same(login)).then_some(index)
    };
    entries.iter().enumerate().filter_map(differs).collect()
}

/// Whether a registry is spelled as clients spell it.
fn is_usual(spelled: &str, key: &str) -> bool {
    spelled == key || key == DOCKER_HUB && spelled == DOCKER_HUB_OF_DOCKER
}

/// Registries for which the project will have several accounts, between which nothing decides; each once.
fn ambiguous(steps: &[Step], there: &[CredentialsInfo], keys: &Keys) -> Vec<String> {
    let created = steps.iter().filter(|step| step.action == Action::Create);
    let mut accounts: BTreeMap<String, (BTreeSet<&str>, bool)> = BTreeMap::new();
    let there = there
        .iter()
        .map(|one| (&one.registry, &one.username, false));
    let created = created.map(|step| (&step.registry, &step.username, true));
    for (registry, username, is_new) in created.chain(there) {
        if let Ok(registry) = keys.of(registry.as_deref()) {
            let (usernames, has_new) = accounts.entry(registry).or_default();
            usernames.insert(username);
            *has_new |= is_new;
        }
    }
    let several = accounts
        .into_iter()
        .filter(|(_, (usernames, has_new))| *has_new && usernames.len() > 1);
    let remark = |(registry, (usernames, _)): (String, (BTreeSet<&str>, bool))| {
        let names: Vec<_> = usernames.iter().map(|name| format!("{name:?}")).collect();
        let names = names.join(" and ");
        format!("{registry} has {names}: a pull that names none of them is refused as ambiguous")
    };
    several.map(remark).collect()
}

fn skipped(key: String, username: String, why: String) -> Step {
    Step {
        action: Action::Skip,
        registry: Registry::At(key.clone()),
        key: Some(key),
        username,
        id: None,
        outcome: Outcome::NotAttempted,
        reason: Some(why),
        users: 0,
        entry: None,
    }
}

/// As regcred has it.
const MOST_OF_USERNAME: usize = 255;
/// In bytes; likewise.
const MOST_OF_PASSWORD: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker_config::read;

    const WORDS: Words = Words {
        planned: |_| String::new(),
        done: |_| String::new(),
    };

    fn entry(key: &str, username: &str) -> Entry {
        Entry {
            key: key.to_owned(),
            login: Ok(Login {
                username: username.to_owned(),
                password: Secret::new(format!("{username}'s")),
            }),
            odd: Vec::new(),
        }
    }

    fn there(username: &str, registry: Option<&str>) -> CredentialsInfo {
        serde_json::from_value(json!({
            "id": "0cb2662f-84eb-4a7d-93cb-2340f7773bce", "username": username, "registry": registry,
            "lastUpdate": "2026-11-20T10:00:00.000Z", "jobs": null, "apps": null,
        }))
        .unwrap()
    }

    fn keys() -> Keys {
        Keys::Told(
            [
                (DOCKER_HUB_OF_DOCKER, Ok("docker.io")),
                ("https://ghcr.io/v2/", Ok("ghcr.io")),
                ("ghcr.io", Ok("ghcr.io")),
                ("GHCR.io", Ok("ghcr.io")),
                ("user@host", Err("the registry contains a login")),
            ]
            .map(|(typed, key)| {
                (
                    typed.to_owned(),
                    key.map(str::to_owned).map_err(str::to_owned),
                )
            })
            .into(),
        )
    }

    fn steps(plan: &Plan) -> Vec<(Action, String)> {
        let steps = plan.steps.iter();
        steps.map(|step| (step.action, step.name())).collect()
    }

    #[test]
    fn each_entry_is_created_found_or_skipped() {
        let entries = || Contents {
            entries: vec![
                entry(DOCKER_HUB_OF_DOCKER, "ada"),
                entry("https://ghcr.io/v2/", "bot"),
                entry("ghcr.io", "bot"),
                entry("user@host", "eve"),
                entry("quay.io", "new"),
            ],
            ..Contents::default()
        };
        let there = [
            there("ada", None),
            there("bot", Some("GHCR.io")),
            there("other", Some("quay.io")),
        ];
        let (found, passwords) = plan(entries(), &there, &keys(), false, &WORDS);
        let expected = [
            (Action::Exists, "ada at Docker Hub"),
            (Action::Skip, "bot at https://ghcr.io/v2/"),
            (Action::Exists, "bot at GHCR.io"),
            (Action::Skip, "eve at user@host"),
            (Action::Create, "new at quay.io"),
        ];
        assert_eq!(
            steps(&found),
            expected.map(|(action, name)| (action, name.to_owned()))
        );
        assert_eq!(found.left_alone, 1);
        assert_eq!(
            found.remarks,
            [
                "quay.io has \"new\" and \"other\": a pull that names none of them is refused as ambiguous"
            ]
        );
        let created = found.steps[4].entry.and_then(|index| passwords.get(index));
        assert_eq!(created.map(Secret::expose), Some("new's"));

        let (overwritten, _) = plan(entries(), &there, &keys(), true, &WORDS);
        assert_eq!(overwritten.count(Action::Overwrite), 2);
    }

    #[test]
    fn on_another_server_spellings_are_compared() {
        let entries = vec![entry(DOCKER_HUB_OF_DOCKER, "ada"), entry("GHCR.io", "bot")];
        let contents = Contents {
            entries,
            ..Contents::default()
        };
        let there = [there("bot", Some("ghcr.io")), there("ada", None)];
        let (found, _) = plan(contents, &there, &Keys::Typed, false, &WORDS);
        let expected = [
            (Action::Exists, "ada at Docker Hub".to_owned()),
            (Action::Create, "bot at GHCR.io".to_owned()),
        ];
        assert_eq!(steps(&found), expected);
    }

    #[test]
    fn what_is_no_login_is_skipped_with_its_reason() {
        let text = r#"{"auths":{"ghcr.io":{"auth":"!"}}}"#;
        let contents = read(&Secret::new(text.to_owned())).unwrap();
        let (found, passwords) = plan(contents, &[], &keys(), false, &WORDS);
        assert_eq!(steps(&found), [(Action::Skip, "ghcr.io".to_owned())]);
        assert!(
            found.steps[0]
                .reason
                .as_ref()
                .unwrap()
                .contains("no base64")
        );
        assert!(passwords.is_empty());
    }
}
