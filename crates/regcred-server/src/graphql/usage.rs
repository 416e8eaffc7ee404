//! Who uses Docker credentials, and who used them: read from the store only where a query selects it.

use std::collections::HashMap;

use async_graphql::{Context, Result, SimpleObject};
use regcred_core::credentials::{CredentialsUse, DAYS_OF_USE, Puller};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::workload::{PinnedImage, Workload, WorkloadKind, WorkloadList};
use regcred_core::{Day, Error, Timestamp};

use super::apps::App;
use super::jobs::Job;
use super::scalars::{DateTime, Uuid};
use super::{asker, workloads};

/// The use of one of the credentials, if they were ever pulled, as of a day; and by which workloads they are used.
pub(super) struct Usage {
    used: Option<CredentialsUse>,
    pub(super) pullers: Vec<Puller>,
    today: Day,
    pub(super) jobs: Vec<Job>,
    pub(super) apps: Vec<App>,
}

/// The use of all credentials of a project.
pub(super) struct Usages {
    used: HashMap<CredentialsId, CredentialsUse>,
    pullers: HashMap<CredentialsId, Vec<Puller>>,
    today: Day,
    jobs: HashMap<CredentialsId, Vec<Job>>,
    apps: HashMap<CredentialsId, Vec<App>>,
}

/// A service token that pulled something.
#[derive(SimpleObject)]
pub(super) struct TokenUse {
    id: Uuid,
    /// Its name at that time.
    name: String,
}

/// A service token that pulled credentials for an image or a server.
#[derive(SimpleObject)]
pub(super) struct PulledBy {
    token: TokenUse,
    /// The image or server, in canonical form, without tag and digest.
    image: String,
    /// Which version of the password it was handed.
    version: u32,
    /// When it pulled that the last time.
    last_pulled: DateTime,
}

impl PulledBy {
    pub(super) fn new(puller: &Puller) -> Self {
        Self {
            token: TokenUse::of(puller),
            image: puller.target.to_string(),
            version: puller.version,
            last_pulled: DateTime::read(puller.last),
        }
    }
}

impl TokenUse {
    pub(super) fn of(puller: &Puller) -> Self {
        Self {
            id: Uuid::new(&puller.token),
            name: puller.token_name.clone(),
        }
    }
}

/// How often credentials were pulled on a day.
#[derive(SimpleObject)]
pub(super) struct PullsOfDay {
    /// The day in UTC: `2022-04-26`.
    day: String,
    pulls: u64,
}

/// Of one of the credentials.
pub(super) async fn of_one(
    ctx: &Context<'_>,
    project: ProjectId,
    id: CredentialsId,
) -> Result<Usage> {
    Ok(read(ctx, project, Some(id)).await?.take(id))
}

/// Of all of a project.
pub(super) async fn of_project(ctx: &Context<'_>, project: ProjectId) -> Result<Usages> {
    read(ctx, project, None).await
}

async fn read(ctx: &Context<'_>, project: ProjectId, of: Option<CredentialsId>) -> Result<Usages> {
    let asker = asker(ctx)?;
    let selected = SELECTING
        .iter()
        .any(|field| ctx.look_ahead().field(field).exists());
    let today = Day::of(asker.backend.now());
    let used = if selected {
        let with_days = ctx.look_ahead().field(DAYS).exists();
        let since = with_days.then(|| today.minus(DAYS_OF_USE));
        let (service, caller) = (&asker.backend.service, &asker.caller);
        service.credentials_uses(caller, project, of, since).await?
    } else {
        Vec::new()
    };
    let mut pullers: HashMap<_, Vec<_>> = HashMap::new();
    if ctx.look_ahead().field(PULLERS).exists() {
        let (service, caller) = (&asker.backend.service, &asker.caller);
        let all = service.pullers(caller, project, of).await?;
        asker.count_rows(all.len())?;
        for puller in all {
            pullers.entry(puller.credentials).or_default().push(puller);
        }
    }
    Ok(Usages {
        pullers,
        used: used
            .into_iter()
            .map(|used| (used.credentials, used))
            .collect(),
        today,
        jobs: using(ctx, project, of, WorkloadKind::Job, |project, job| Job {
            project,
            job,
        })
        .await?,
        apps: using(ctx, project, of, WorkloadKind::App, |project, app| App {
            project,
            app,
        })
        .await?,
    })
}

/// The workloads that use credentials, by these.
async fn using<T>(
    ctx: &Context<'_>,
    project: ProjectId,
    of: Option<CredentialsId>,
    kind: WorkloadKind,
    show: fn(ProjectId, Workload) -> T,
) -> Result<HashMap<CredentialsId, Vec<T>>> {
    let field = match kind {
        WorkloadKind::Job => "jobs",
        WorkloadKind::App => "apps",
    };
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let selected = ctx.look_ahead().field(field);
    if !selected.exists() {
        return Ok(found);
    }
    let asker = asker(ctx)?;
    let list = WorkloadList::Using(kind, of);
    let texts = workloads::texts(&selected);
    let extent = workloads::weighed(asker, project, list, None, texts).await?;
    if extent.limit == 0 {
        return Ok(found);
    }
    let service = &asker.backend.service;
    let using = service
        .workloads_using(&asker.caller, project, kind, of, extent)
        .await?;
    for workload in using {
        let image = workload.current.image.as_ref();
        if let Some(credentials) = image.and_then(PinnedImage::credentials) {
            let of_these = found.entry(credentials).or_default();
            of_these.push(show(project, workload));
        }
    }
    Ok(found)
}

impl Usages {
    /// That of one of them.
    pub(super) fn take(&mut self, id: CredentialsId) -> Usage {
        Usage {
            used: self.used.remove(&id),
            pullers: self.pullers.remove(&id).unwrap_or_default(),
            today: self.today,
            jobs: self.jobs.remove(&id).unwrap_or_default(),
            apps: self.apps.remove(&id).unwrap_or_default(),
        }
    }
}

impl Default for Usage {
    /// Of what was just made.
    fn default() -> Self {
        Self {
            used: None,
            pullers: Vec::new(),
            today: Day::of(Timestamp::from_micros(0)),
            jobs: Vec::new(),
            apps: Vec::new(),
        }
    }
}

impl Usage {
    pub(super) fn last_used(&self) -> Option<DateTime> {
        self.used.as_ref().map(|used| DateTime::read(used.last))
    }

    pub(super) fn last_used_by(&self) -> Option<TokenUse> {
        self.used.as_ref().map(|used| TokenUse {
            id: Uuid::new(&used.token),
            name: used.token_name.clone(),
        })
    }

    /// Of the last so many days, today included.
    pub(super) fn pulls_by_day(&self, days: Option<i32>) -> regcred_core::Result<Vec<PullsOfDay>> {
        let days = days.map_or(Some(DEFAULT_DAYS), |days| u32::try_from(days).ok());
        let days = days
            .filter(|days| (1..=DAYS_OF_USE).contains(days))
            .ok_or_else(|| {
                Error::invalid(format!("days is 1 to {DAYS_OF_USE}")).in_field("days")
            })?;
        let behind = self.today.minus(days);
        let kept = self.used.iter().flat_map(|used| &used.days);
        Ok(kept
            .filter(|of| of.day > behind)
            .map(|of| PullsOfDay {
                day: of.day.to_string(),
                pulls: of.pulls,
            })
            .collect())
    }
}

/// The fields for which the use is read.
const SELECTING: [&str; 3] = ["lastUsed", "lastUsedBy", DAYS];
/// The one of them for which the days are read.
const DAYS: &str = "pullsByDay";
/// The field for which it is read who pulled what.
const PULLERS: &str = "pulledBy";
const DEFAULT_DAYS: u32 = 30;
