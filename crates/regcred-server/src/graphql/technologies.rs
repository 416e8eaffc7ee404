//! Technologies, which regcred does not run but the platform's clients ask for.

use async_graphql::{InputObject, SimpleObject};
use regcred_core::Result;
use regcred_core::ids::parse_uuid;
use regcred_core::project::{JobTechnologies, TECHNOLOGIES, Technologies, TechnologyKind};

use super::scalars::Uuid;
use super::text::told;

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

impl Technology {
    pub(super) fn new(id: &uuid::Uuid) -> Self {
        Self { id: Uuid::new(id) }
    }
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

impl TechnologyInput {
    /// The id, of whatever technology.
    pub(super) fn read(&self) -> Result<uuid::Uuid> {
        self.id.read(parse_uuid)
    }
}

/// What a project allows for jobs. One for which nothing was said takes any: it shows the whole catalogue in the
/// platform's two categories, of which clients look into the first.
pub(super) fn by_category(technologies: &Technologies) -> Vec<Option<TechnologyByCategory>> {
    if technologies.jobs.is_empty() {
        let all = || of_catalogue(|kind| kind != TechnologyKind::App);
        return CATEGORIES
            .iter()
            .map(|name| Some(category(name, all())))
            .collect();
    }
    technologies
        .jobs
        .iter()
        .map(|jobs| {
            Some(category(
                &jobs.category,
                jobs.technologies.iter().map(Technology::new).collect(),
            ))
        })
        .collect()
}

/// What a project allows for apps: any, where nothing was said.
pub(super) fn for_apps(technologies: &Technologies) -> Vec<Option<Technology>> {
    if technologies.apps.is_empty() {
        let all = of_catalogue(|kind| kind == TechnologyKind::App);
        return all.into_iter().map(Some).collect();
    }
    technologies
        .apps
        .iter()
        .map(|id| Some(Technology::new(id)))
        .collect()
}

fn of_catalogue(of: impl Fn(TechnologyKind) -> bool) -> Vec<Technology> {
    let fitting = TECHNOLOGIES.iter().filter(|known| of(known.kind));
    fitting.map(|known| Technology::new(&known.id)).collect()
}

/// How many bytes one telling of each category and each technology has, at most.
pub(super) fn most_told(technologies: &Technologies) -> usize {
    let ids = |count: usize| count * BYTES_OF_TECHNOLOGY;
    let jobs = technologies.jobs.iter();
    let jobs = jobs.map(|of| told(&of.category) + ids(of.technologies.len()));
    let all = ids((CATEGORIES.len() + 1) * TECHNOLOGIES.len());
    jobs.sum::<usize>() + ids(technologies.apps.len()) + all
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

fn ids(technologies: Vec<TechnologyInput>) -> Result<Vec<uuid::Uuid>> {
    technologies
        .into_iter()
        .map(|technology| technology.read())
        .collect()
}

const CATEGORIES: [&str; 2] = ["Extraction", "Processing"];
/// Its id, with the field that holds it.
const BYTES_OF_TECHNOLOGY: usize = 50;
