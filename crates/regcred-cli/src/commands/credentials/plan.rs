//! What `regcred credentials apply` is going to do, decided before anything is done.

use std::collections::HashMap;
use std::fmt;

use regcred_client::{CredentialsId, CredentialsInfo, Registry};
use serde::{Serialize, Serializer};

use super::manifest::{Entry, Manifest};

/// The steps in the order in which they are taken: the file's, then what is pruned.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// How many credentials the project has that are not in the file, and stay.
    pub(super) left_alone: usize,
}

/// What is done with one of the credentials.
#[derive(Serialize)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) username: String,
    pub(super) registry: Registry,
    pub(super) id: Option<CredentialsId>,
    pub(super) outcome: Outcome,
    /// How many jobs and apps use it.
    #[serde(skip)]
    pub(super) users: usize,
    /// The entry of the file, by its index.
    #[serde(skip)]
    pub(super) entry: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    Create,
    Upgrade,
    Unchanged,
    Prune,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Only planned, or never begun.
    NotAttempted,
    Done,
    Failed,
    /// It was sent, and no answer tells whether it was done.
    Unknown,
}

impl Plan {
    /// Compares the file with what there is. Without `prune` nothing is deleted.
    pub(super) fn new(manifest: &Manifest, there: &[CredentialsInfo], prune: bool) -> Self {
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
                users: 0,
                entry: Some(index),
            });
        }
        let others = there
            .iter()
            .filter(|one| there_by_place.contains_key(&(one.username.as_str(), &one.registry)));
        if !prune {
            let left_alone = others.count();
            return Self { steps, left_alone };
        }
        steps.extend(others.map(|one| Step {
            action: Action::Prune,
            username: one.username.clone(),
            registry: one.registry.clone(),
            id: Some(one.id),
            outcome: Outcome::NotAttempted,
            users: one.jobs.len() + one.apps.len(),
            entry: None,
        }));
        Self {
            steps,
            left_alone: 0,
        }
    }

    pub(super) fn count(&self, action: Action) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    }

    /// How many steps change something.
    pub(super) fn changes_in_all(&self) -> usize {
        self.steps.len() - self.count(Action::Unchanged)
    }

    /// How many steps change something and have this outcome.
    pub(super) fn changes(&self, outcome: Outcome) -> usize {
        let changes = self
            .steps
            .iter()
            .filter(|step| step.action != Action::Unchanged);
        changes.filter(|step| step.outcome == outcome).count()
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

impl Step {
    /// `ci-bot at ghcr.io`.
    pub(super) fn name(&self) -> String {
        format!("{} at {}", self.username, self.registry)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Upgrade => "upgrade",
            Self::Unchanged => "unchanged",
            Self::Prune => "prune",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotAttempted => "not attempted",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "may be done",
        })
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let plan = Plan::new(&manifest, &there, prune);
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
