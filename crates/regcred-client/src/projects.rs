//! Projects, as far as credentials need them: find, list, create and delete.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::Client;
use crate::error::{Error, Result};
use crate::graphql::{Document, Done, InProject, Nothing};
use crate::values::{ProjectId, ProjectInfo, nullable};

/// The projects of the platform. [`Client::projects`] makes it.
#[derive(Clone, Debug)]
pub struct Projects {
    client: Client,
}

impl Projects {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The projects that the caller may see, in the order in which the server gives them.
    pub async fn list(&self) -> Result<Vec<ProjectInfo>> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(deserialize_with = "nullable")]
            projects: Option<Vec<ProjectInfo>>,
        }
        let data: Data = self.client.execute(&LIST, Nothing {}).await?;
        Ok(data.projects.unwrap_or_default())
    }

    /// A project by its id.
    pub async fn get(&self, project: ProjectId) -> Result<ProjectInfo> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(deserialize_with = "nullable")]
            project: Option<ProjectInfo>,
        }
        let data: Data = self.client.execute(&GET, ById { id: project }).await?;
        data.project
            .ok_or_else(|| Error::not_found(absent(project)))
    }

    /// A project by its name.
    pub async fn by_name(&self, name: &str) -> Result<ProjectInfo> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "projectByName", deserialize_with = "nullable")]
            project: Option<ProjectInfo>,
        }
        let data: Data = self.client.execute(&BY_NAME, ByName { name }).await?;
        data.project
            .ok_or_else(|| Error::not_found(format!("there is no project {name:?}")))
    }

    /// Creates a project that allows all technologies of the catalogue `Saagie`, as the Python client does unless told
    /// otherwise. [`Error::Conflict`] where the name is taken.
    pub async fn create(&self, name: &str, description: &str) -> Result<ProjectInfo> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "createProject")]
            project: ProjectInfo,
        }
        let (jobs, apps) = self.technologies().await?;
        let category = |job_category| Category {
            job_category,
            technologies: &jobs,
        };
        let variables = Input {
            project: NewProject {
                name,
                description,
                technologies_by_category: [category("Extraction"), category("Processing")],
                app_technologies: &apps,
            },
        };
        let data: Data = self.client.execute(&CREATE, variables).await?;
        Ok(data.project)
    }

    /// Deletes a project with all that is in it.
    pub async fn delete(&self, project: ProjectId) -> Result<()> {
        let variables = InProject {
            project_id: project,
        };
        let done: Done = self.client.execute(&DELETE, variables).await?;
        done.check(&DELETE, absent(project))
    }

    /// The catalogue's technologies for jobs and for apps.
    async fn technologies(&self) -> Result<(Vec<Technology>, Vec<Technology>)> {
        #[derive(Deserialize)]
        struct Data {
            repositories: Vec<Repository>,
        }
        #[derive(Deserialize)]
        struct Repository {
            name: String,
            technologies: Vec<Offered>,
        }
        #[derive(Deserialize)]
        struct Offered {
            id: Uuid,
            available: bool,
            #[serde(rename = "__typename")]
            kind: String,
        }
        let data: Data = self
            .client
            .execute_at(GATEWAY, &REPOSITORIES, Nothing {})
            .await?;
        let offered = data
            .repositories
            .into_iter()
            .filter(|repository| repository.name.eq_ignore_ascii_case("saagie"))
            .flat_map(|repository| repository.technologies)
            .filter(|technology| technology.available);
        let (apps, jobs): (Vec<_>, Vec<_>) =
            offered.partition(|technology| technology.kind == "AppTechnology");
        let ids = |technologies: Vec<Offered>| {
            let ids = technologies
                .into_iter()
                .map(|one| Technology { id: one.id });
            ids.collect()
        };
        Ok((ids(jobs), ids(apps)))
    }
}

fn absent(project: ProjectId) -> String {
    format!("there is no project {project}")
}

const GATEWAY: &str = "/gateway/api/graphql";

const LIST: Document = Document::query(
    "projects",
    "query projects { projects { id name creator description status } }",
);
const GET: Document = Document::query(
    "project",
    "query project($id: UUID!) { project(id: $id) { id name creator description status } }",
);
const BY_NAME: Document = Document::query(
    "projectByName",
    "query projectByName($name: String!) { \
     projectByName(name: $name) { id name creator description status } }",
);
const CREATE: Document = Document::mutation(
    "createProject",
    "mutation createProject($project: ProjectInput!) { \
     createProject(project: $project) { id name creator description status } }",
);
const DELETE: Document = Document::mutation(
    "deleteProject",
    "mutation deleteProject($projectId: UUID!) { deleteProject(projectId: $projectId) }",
);
const REPOSITORIES: Document = Document::query(
    "repositories",
    "query repositories { repositories { name technologies { id available __typename } } }",
);

#[derive(Serialize)]
struct ById {
    id: ProjectId,
}

#[derive(Serialize)]
struct ByName<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Input<'a> {
    project: NewProject<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewProject<'a> {
    name: &'a str,
    description: &'a str,
    technologies_by_category: [Category<'a>; 2],
    app_technologies: &'a [Technology],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Category<'a> {
    job_category: &'static str,
    technologies: &'a [Technology],
}

#[derive(Serialize)]
struct Technology {
    id: Uuid,
}
