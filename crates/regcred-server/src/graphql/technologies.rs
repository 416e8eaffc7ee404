//! Technologies, which regcred does not run but the platform's clients ask for.

use async_graphql::{InputObject, SimpleObject};
use regcred_core::Result;
use regcred_core::ids::parse_uuid;
use regcred_core::project::{JobTechnologies, Technologies};

use super::scalars::Uuid;

/// The technologies of one category of jobs.
#[derive(SimpleObject)]
pub(super) struct TechnologyByCategory {
    job_category: String,
    technologies: Option<Vec<Technology>>,
}

/// A technology of the catalogue.
#[derive(SimpleObject)]
pub(super) struct Technology {
    id: Uuid,
}

/// The technologies of one category of jobs.
#[derive(InputObject)]
pub(super) struct TechnologyByCategoryInput {
    job_category: String,
    technologies: Option<Vec<TechnologyInput>>,
}

/// A technology of the catalogue.
#[derive(InputObject)]
pub(super) struct TechnologyInput {
    id: Uuid,
}

/// What a project allows for jobs. A project for which nothing was said has the platform's two categories, empty:
/// clients look into the first.
pub(super) fn by_category(technologies: &Technologies) -> Vec<Option<TechnologyByCategory>> {
    if technologies.jobs.is_empty() {
        return CATEGORIES
            .iter()
            .map(|name| Some(category(name, Vec::new())))
            .collect();
    }
    technologies
        .jobs
        .iter()
        .map(|jobs| {
            Some(category(
                &jobs.category,
                jobs.technologies.iter().map(technology).collect(),
            ))
        })
        .collect()
}

/// What a project allows for apps.
pub(super) fn for_apps(technologies: &Technologies) -> Vec<Option<Technology>> {
    technologies
        .apps
        .iter()
        .map(|id| Some(technology(id)))
        .collect()
}

/// What is asked for, on top of what there is.
pub(super) fn read(
    jobs: Option<Vec<TechnologyByCategoryInput>>,
    apps: Option<Vec<TechnologyInput>>,
    present: Technologies,
) -> Result<Technologies> {
    let jobs = match jobs {
        None => present.jobs,
        Some(jobs) => jobs
            .into_iter()
            .map(|jobs| {
                let technologies = ids(jobs.technologies.unwrap_or_default())?;
                Ok(JobTechnologies {
                    category: jobs.job_category,
                    technologies,
                })
            })
            .collect::<Result<_>>()?,
    };
    let apps = match apps {
        None => present.apps,
        Some(apps) => ids(apps)?,
    };
    Ok(Technologies { jobs, apps })
}

fn category(name: &str, technologies: Vec<Technology>) -> TechnologyByCategory {
    TechnologyByCategory {
        job_category: name.to_owned(),
        technologies: Some(technologies),
    }
}

fn technology(id: &uuid::Uuid) -> Technology {
    Technology { id: Uuid::new(id) }
}

fn ids(technologies: Vec<TechnologyInput>) -> Result<Vec<uuid::Uuid>> {
    technologies
        .into_iter()
        .map(|technology| technology.id.read(parse_uuid))
        .collect()
}

const CATEGORIES: [&str; 2] = ["Extraction", "Processing"];
