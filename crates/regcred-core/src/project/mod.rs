//! Projects, the unit of isolation.

mod catalogue;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use catalogue::{
    CATALOGUE_ID, CATALOGUE_NAME, Context, TECHNOLOGIES, Technology, TechnologyKind,
    find_technology,
};

use crate::credentials::version::GracePeriod;
use crate::error::{Error, Result};
use crate::ids::ProjectId;
use crate::text::{plain, quoted};
use crate::verification::SavingPolicy;

/// A project, as those who belong to it see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name, unique in the platform whatever the case.
    pub name: ProjectName,
    /// The login of its maker, at that time.
    pub creator: String,
    /// A description, or `None`.
    pub description: Option<Description>,
    /// The technologies that it allows.
    pub technologies: Technologies,
    /// Whether Docker credentials that jobs or apps use are deleted without being asked twice, as on the platform.
    pub deletes_credentials_in_use: bool,
    /// How long a password of Docker credentials is held once another one counts.
    pub grace_period: GracePeriod,
    /// What has to be proved of a password of Docker credentials before it is saved.
    pub verify_before_saving: SavingPolicy,
}

/// The name of a project: 1 to 254 characters, unique whatever the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectName(String);

impl ProjectName {
    /// "Shorter than 255 characters and cannot be empty" is the platform's rule; blanks alone are empty, too.
    pub fn parse(text: String) -> Result<Self> {
        plain("the project name", text.trim(), MAX_NAME)?;
        plain("the project name", &text, MAX_NAME)?;
        Ok(Self(text))
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which names are compared.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// A description: at most 10,000 characters of any kind but U+0000, which no text of PostgreSQL can hold; empty is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Checks length and characters.
    pub fn parse(text: String) -> Result<Self> {
        Self::within(text, MAX_DESCRIPTION)
    }

    /// That of a job or an app, of which a list holds thousands: checks a shorter length.
    pub fn of_workload(text: String) -> Result<Self> {
        Self::within(text, MAX_OF_WORKLOAD)
    }

    fn within(text: String, most: usize) -> Result<Self> {
        let length = text.chars().count();
        if length > most {
            return Err(Error::invalid(format!(
                "the description has {length} characters; at most {most} are allowed"
            )));
        }
        if text.contains('\0') {
            return Err(Error::invalid(
                "the description contains the control character U+0000; remove it",
            ));
        }
        Ok(Self(text))
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The technologies that a project allows, by category of job, and for apps. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technologies {
    /// For jobs, in the order given.
    pub jobs: Vec<JobTechnologies>,
    /// For apps.
    pub apps: Vec<Uuid>,
}

/// The technologies of one category of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTechnologies {
    /// `Extraction`, `Processing` or another name.
    pub category: String,
    /// The technologies' ids.
    pub technologies: Vec<Uuid>,
}

impl Technologies {
    /// Refuses ids that the catalogue lacks, and more of anything than a project can use.
    pub fn check(&self) -> Result<()> {
        self.check_jobs()
            .map_err(|error| error.in_field("technologiesByCategory"))?;
        check_ids(&self.apps, |kind| kind == TechnologyKind::App)
            .map_err(|error| error.in_field("appTechnologies"))
    }

    /// Whether a job of a category may have a technology. A project for which nothing was said takes any.
    pub fn allow_job(&self, category: &str, technology: Uuid) -> Result<()> {
        plain("the job category", category, MAX_NAME)
            .map_err(|error| error.in_field("category"))?;
        check_ids(&[technology], |kind| kind != TechnologyKind::App)
            .map_err(|error| error.in_field("technology"))?;
        let Some(of_category) = self.jobs.iter().find(|jobs| jobs.category == category) else {
            return if self.jobs.is_empty() {
                Ok(())
            } else {
                let there: Vec<_> = self
                    .jobs
                    .iter()
                    .map(|jobs| quoted(&jobs.category))
                    .collect();
                Err(Error::invalid(format!(
                    "the project has no job category {}; it has {}",
                    quoted(category),
                    there.join(", ")
                ))
                .in_field("category"))
            };
        };
        let asked = find_technology(technology);
        let mut allowed = of_category.technologies.iter();
        if allowed.any(|id| find_technology(*id) == asked) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the project does not allow the technology {technology} in the category {}; allow it, or take another",
            quoted(category)
        ))
        .in_field("technology"))
    }

    fn check_jobs(&self) -> Result<()> {
        if self.jobs.len() > MAX_CATEGORIES {
            return Err(Error::invalid(format!(
                "at most {MAX_CATEGORIES} job categories are allowed"
            )));
        }
        for category in &self.jobs {
            plain("the job category", &category.category, MAX_NAME)?;
            check_ids(&category.technologies, |kind| kind != TechnologyKind::App)?;
        }
        Ok(())
    }
}

/// Whether a technology is one for apps.
pub fn check_app_technology(technology: Uuid) -> Result<()> {
    check_ids(&[technology], |kind| kind == TechnologyKind::App)
        .map_err(|error| error.in_field("technologyId"))
}

fn check_ids(ids: &[Uuid], fits: impl Fn(TechnologyKind) -> bool) -> Result<()> {
    if ids.len() > catalogue::MOST_IDS {
        return Err(Error::invalid(format!(
            "there are only {} technologies; name each once",
            catalogue::MOST_IDS
        )));
    }
    let known = |id: &Uuid| find_technology(*id).is_some_and(|technology| fits(technology.kind));
    match ids.iter().find(|id| !known(id)) {
        None => Ok(()),
        Some(id) => Err(Error::invalid(format!(
            "there is no such technology as {id} for this use; the gateway's `repositories` lists them"
        ))),
    }
}

const MAX_NAME: usize = 254;
const MAX_DESCRIPTION: usize = 10_000;
const MAX_OF_WORKLOAD: usize = 1_000;
const MAX_CATEGORIES: usize = 16;
