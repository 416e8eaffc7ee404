//! Create a job or an app.

use uuid::Uuid;

use super::{NewVersion, maker};
use crate::access::{Caller, Editor};
use crate::audit::Action;
use crate::error::Result;
use crate::ids::{ProjectId, WorkloadId};
use crate::project::{self, Description, find_technology};
use crate::service::Service;
use crate::workload::{Alias, PinnedImage, Settings, Workload, WorkloadKind, WorkloadName};

/// What to create.
pub struct CreateWorkload {
    /// In which project.
    pub project: ProjectId,
    /// A job or an app.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: WorkloadName,
    /// Its alias.
    pub alias: Option<Alias>,
    /// Its description.
    pub description: Option<Description>,
    /// The category of a job; empty for an app.
    pub category: String,
    /// Its technology; one that is no longer listed becomes what it is now.
    pub technology: Uuid,
    /// What is kept for whoever runs it.
    pub settings: Settings,
    /// Its first version.
    pub version: NewVersion,
}

impl Service {
    /// Creates a job or an app. `Conflict` where the name is taken; `Invalid` where the project does not allow the
    /// technology, or where the version names credentials that are not in it.
    pub async fn create_workload(
        &self,
        caller: &Caller,
        input: CreateWorkload,
    ) -> Result<Workload> {
        let CreateWorkload {
            project,
            kind,
            name,
            alias,
            description,
            category,
            technology,
            settings,
            version,
        } = input;
        let grant = self.grant::<Editor>(caller, project).await?;
        self.allow(caller, project, kind, &category, technology)
            .await?;
        settings.check()?;
        version.details.check()?;
        let now = self.clock.now();
        let id = WorkloadId::generate(now, self.random.as_ref())?;
        let workload = Workload {
            id,
            kind,
            name,
            alias,
            description,
            category,
            technology: find_technology(technology).map_or(technology, |known| known.id),
            creator: maker(caller),
            created: now,
            settings,
            current: version.numbered(1, maker(caller), now),
        };
        let image = workload.current.image.as_ref();
        let event = grant.event(
            now,
            Action::WorkloadCreated {
                project: project.to_string(),
                kind: kind.word(),
                workload: id.to_string(),
                name: workload.name.as_str().to_owned(),
                image: image.map(|image| image.typed().to_owned()),
                credentials: image
                    .and_then(PinnedImage::credentials)
                    .map(|id| id.to_string()),
            },
        );
        self.store
            .create_workload(&grant, workload.clone(), event)
            .await?;
        Ok(workload)
    }

    /// Whether the project has this technology for such a workload.
    async fn allow(
        &self,
        caller: &Caller,
        project: ProjectId,
        kind: WorkloadKind,
        category: &str,
        technology: Uuid,
    ) -> Result<()> {
        if kind == WorkloadKind::App {
            return project::check_app_technology(technology);
        }
        let project = self.project(caller, project).await?;
        project.technologies.allow_job(category, technology)
    }
}
