//! What `regcred credentials apply` is going to do: the steps of the file, then what is pruned.

use std::collections::HashMap;

use regcred_client::CredentialsInfo;

use super::super::changes::{Action, Outcome, Plan, Step, Words};
use super::manifest::{Entry, Manifest};

/// Compares the file with what there is. Without `prune` nothing is deleted.
pub(super) fn plan(
    manifest: &Manifest,
    there: &[CredentialsInfo],
    prune: bool,
    words: &'static Words,
) -> Plan {
    let mut there_by_place: HashMap<_, _> = there
        .iter()
        .map(|one| ((one.username.as_str(), &one.registry), one))
        .collect();
    let mut steps = Vec::new();
    for (index, entry) in manifest.credentials.iter().enumerate() {
        let known = there_by_place.remove(&(entry.username.as_str(), &entry.registry));
        steps.push(Step {
            action: action(entry, known),
            username: entry.username.clone(),
            registry: entry.registry.clone(),
            id: known.map(|known| known.id),
            outcome: Outcome::NotAttempted,
            key: None,
            reason: None,
            users: 0,
            entry: Some(index),
        });
    }
    let others = there
        .iter()
        .filter(|one| there_by_place.contains_key(&(one.username.as_str(), &one.registry)));
    if !prune {
        let left_alone = others.count();
        return Plan {
            steps,
            left_alone,
            remarks: Vec::new(),
            words,
        };
    }
    steps.extend(others.map(|one| Step {
        action: Action::Prune,
        username: one.username.clone(),
        registry: one.registry.clone(),
        id: Some(one.id),
        outcome: Outcome::NotAttempted,
        key: None,
        reason: None,
        users: one.jobs.len() + one.apps.len(),
        entry: None,
    }));
    Plan {
        steps,
        left_alone: 0,
        remarks: Vec::new(),
        words,
    }
}

/// A password cannot be compared, for nobody gets it out. Only its date can: what was upgraded since has it.
fn action(entry: &Entry, known: Option<&CredentialsInfo>) -> Action {
    match (known, entry.password_changed) {
        (None, _) => Action::Create,
        (Some(known), Some(changed)) if known.last_update >= changed.0 => Action::Unchanged,
        (Some(_), _) => Action::Upgrade,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const WORDS: Words = Words {
        planned: |_| String::new(),
        done: |_| String::new(),
    };

    fn there(username: &str, registry: Option<&str>, last_update: &str) -> CredentialsInfo {
        serde_json::from_value(json!({
            "id": "0cb2662f-84eb-4a7d-93cb-2340f7773bce", "username": username, "registry": registry,
            "lastUpdate": last_update, "jobs": [{"id": "0cb2662f-84eb-4a7d-93cb-2340f7773bce"}], "apps": null,
        }))
        .unwrap()
    }

    fn plan(prune: bool) -> (Vec<(Action, String)>, usize) {
        let manifest = Manifest::parse(
            "credentials:\n\
             - {username: new, registry: ghcr.io, password: env:A}\n\
             - {username: old, registry: ghcr.io, password: env:A}\n\
             - {username: old, password: env:A, passwordChanged: 2026-11-19}\n\
             - {username: late, password: env:A, passwordChanged: 2026-11-20}\n",
        )
        .unwrap();
        let there = vec![
            there("old", Some("ghcr.io"), "2026-11-20T10:00:00.000Z"),
            there("old", None, "2026-11-20T10:00:00.000Z"),
            there("late", None, "2026-11-20T10:00:00.000Z"),
            there("gone", Some("quay.io"), "2026-11-20T10:00:00.000Z"),
            there("old", Some("GHCR.io"), "2026-11-20T10:00:00.000Z"),
        ];
        let plan = super::plan(&manifest, &there, prune, &WORDS);
        let steps = plan.steps.iter().map(|step| (step.action, step.name()));
        (steps.collect(), plan.left_alone)
    }

    #[test]
    fn each_entry_is_created_upgraded_or_left() {
        let expected = [
            (Action::Create, "new at ghcr.io"),
            (Action::Upgrade, "old at ghcr.io"),
            (Action::Unchanged, "old at Docker Hub"),
            (Action::Upgrade, "late at Docker Hub"),
        ];
        let (steps, left_alone) = plan(false);
        assert_eq!(
            steps,
            expected.map(|(action, name)| (action, name.to_owned()))
        );
        assert_eq!(left_alone, 2);
    }

    #[test]
    fn what_is_not_in_the_file_is_pruned_last_and_only_where_asked() {
        let (steps, left_alone) = plan(true);
        let pruned = [
            (Action::Prune, "gone at quay.io".to_owned()),
            (Action::Prune, "old at GHCR.io".to_owned()),
        ];
        assert_eq!(steps[4..], pruned);
        assert_eq!(left_alone, 0);
    }
}
