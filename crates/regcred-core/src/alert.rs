//! What is told without being asked: credentials that their registry refuses now, and those that run out.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::json;

use crate::clock::Timestamp;
use crate::credentials::DockerCredentials;
use crate::error::{Error, Result};
use crate::ids::{DeliveryId, ProjectId};
use crate::project::ProjectName;
use crate::random::Random;
use crate::verification::Verdict;
use crate::webhook::{NewDelivery, Target};
use crate::workload::User;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertKind {
    /// The registry refuses them, and did not before.
    Rejected,
    /// They run out before long.
    Expiring,
    /// They have run out.
    Expired,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Rejected, Self::Expiring, Self::Expired];

    /// The word for it, as in metrics and as the second half of a webhook's type.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
        }
    }
}

/// What is to be told, before it is known who is concerned.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// What is wrong.
    pub kind: AlertKind,
    /// The verdict that says so, where one does.
    pub verdict: Option<Verdict>,
    /// Since when.
    pub at: Timestamp,
    /// To whom it goes: an id of its own for each.
    pub to: Vec<(DeliveryId, Target)>,
}

impl Announcement {
    /// To all of `targets`.
    pub fn new(
        kind: AlertKind,
        verdict: Option<Verdict>,
        at: Timestamp,
        targets: &[Target],
        random: &dyn Random,
    ) -> Result<Self> {
        let mut to = Vec::with_capacity(targets.len());
        for target in targets {
            to.push((DeliveryId::generate(at, random)?, target.clone()));
        }
        Ok(Self {
            kind,
            verdict,
            at,
            to,
        })
    }
}

/// What is told.
#[derive(Clone, Debug)]
pub struct Alert {
    /// What is wrong.
    pub kind: AlertKind,
    /// The verdict that says so, where one does.
    pub verdict: Option<Verdict>,
    /// Since when.
    pub at: Timestamp,
    /// The project.
    pub project: ProjectId,
    /// Its name.
    pub project_name: ProjectName,
    /// The credentials.
    pub credentials: DockerCredentials,
    /// The jobs that can no longer pull.
    pub jobs: Concerned,
    /// The apps.
    pub apps: Concerned,
}

/// The jobs, or the apps, whose current version uses credentials.
#[derive(Clone, Debug, Default)]
pub struct Concerned {
    /// The first ones, [`MOST_NAMED`](crate::workload::MOST_NAMED) at most.
    pub named: Vec<User>,
    /// How many there are.
    pub count: u64,
}

/// An alert that is written down for whoever is to be told.
#[derive(Debug)]
pub struct Announced {
    /// The alert.
    pub alert: Alert,
    /// How many deliveries of earlier alerts had to go, because too many wait.
    pub dropped: u64,
}

impl Alert {
    /// What webhooks are sent, as JSON. It has no field that could hold a password.
    pub fn body(&self) -> Result<String> {
        let Self { credentials, .. } = self;
        let moment = |moment: Timestamp| moment.rfc3339(3);
        let body = Body {
            r#type: format!("credentials.{}", self.kind.word()),
            timestamp: moment(self.at),
            data: json!({
                "project": {"id": self.project.to_string(), "name": self.project_name.as_str()},
                "credentials": {
                    "id": credentials.id.to_string(),
                    "registry": credentials.registry.typed(),
                    "registryKey": credentials.registry.key().as_str(),
                    "username": credentials.username.as_str(),
                    "version": credentials.version,
                    "expiresAt": credentials.expires.map(moment),
                },
                "verdict": self.verdict.map(Verdict::word),
                "jobs": self.jobs.listed(),
                "apps": self.apps.listed(),
                "counts": {"jobs": self.jobs.count, "apps": self.apps.count},
            }),
        };
        serde_json::to_string(&body).map_err(|error| {
            Error::internal(format!("an alert cannot be written as JSON: {error}"))
        })
    }

    /// The deliveries of it.
    pub fn deliveries(&self, to: Vec<(DeliveryId, Target)>) -> Result<Vec<NewDelivery>> {
        if to.is_empty() {
            return Ok(Vec::new());
        }
        let body = self.body()?;
        let delivery = |(id, target)| NewDelivery {
            id,
            target,
            body: body.clone(),
            at: self.at,
        };
        Ok(to.into_iter().map(delivery).collect())
    }
}

impl Concerned {
    fn listed(&self) -> Vec<HashMap<&'static str, String>> {
        let one = |user: &User| {
            HashMap::from([
                ("id", user.id.to_string()),
                ("name", user.name.as_str().to_owned()),
            ])
        };
        self.named.iter().map(one).collect()
    }
}

#[derive(Serialize)]
struct Body {
    r#type: String,
    timestamp: String,
    data: serde_json::Value,
}
