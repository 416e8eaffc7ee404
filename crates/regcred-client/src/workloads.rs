//! Jobs and apps, as far as they run an image: list, get, create, add a version, delete.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use self::sealed::Parts;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::graphql::{Document, Done, InProject, Nothing};
use crate::values::{AppId, CredentialsId, JobId, ProjectId, nullable};

/// The jobs of projects. [`Client::jobs`] makes it.
pub type Jobs = Workloads<JobId>;
/// The apps of projects. [`Client::apps`] makes it.
pub type Apps = Workloads<AppId>;

/// The jobs or the apps of projects.
///
/// Every operation works on regcred and on the original platform alike. They fail with [`Error::NotFound`] where the
/// project or the workload does not exist or is not the caller's to see, and as [`Error`] says.
#[derive(Clone, Debug)]
pub struct Workloads<Id> {
    client: Client,
    id: PhantomData<fn() -> Id>,
}

/// What a workload runs, and with which credentials it is pulled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// The image, such as `ghcr.io/team/app:1`.
    pub image: String,
    /// The Docker credentials of the same project; absent where anybody can pull it.
    #[serde(rename = "dockerCredentialsId", deserialize_with = "nullable")]
    pub credentials: Option<CredentialsId>,
}

/// What the server tells about a job or an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadInfo<Id> {
    /// Its id, unique on the server.
    pub id: Id,
    /// Its name, unique in its project among its kind.
    pub name: String,
    /// The number of its current version.
    pub version: u32,
    /// What that version runs; absent where it is no image.
    pub image: Option<Image>,
}

/// The id of a job or of an app.
pub trait WorkloadId:
    sealed::Kind + Copy + Display + FromStr + Serialize + DeserializeOwned
{
}
impl WorkloadId for JobId {}
impl WorkloadId for AppId {}

impl<Id: WorkloadId> Workloads<Id> {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            id: PhantomData,
        }
    }

    /// All of a project, in the order in which the server gives them.
    pub async fn list(&self, project: ProjectId) -> Result<Vec<WorkloadInfo<Id>>> {
        let variables = InProject {
            project_id: project,
        };
        let mut data: Value = self.client.execute(&Id::PARTS.list, variables).await?;
        let list = Id::PARTS
            .listed
            .iter()
            .try_fold(&mut data, |at, field| at.get_mut(*field))
            .ok_or_else(not_the_platforms)?;
        if list.is_null() {
            return Err(Error::not_found(format!("there is no project {project}")));
        }
        let shown: Vec<Shown<Id>> = read(list.take())?;
        shown.into_iter().map(Shown::info).collect()
    }

    /// One of a project. [`Error::NotFound`] where it is in another project, too.
    pub async fn get(&self, project: ProjectId, id: Id) -> Result<WorkloadInfo<Id>> {
        let found: Located<Id> = read(self.present(id).await?)?;
        if found.project.id != project {
            return Err(absent(id));
        }
        found.shown.info()
    }

    /// Creates a job, in the category `Processing`, or an app, with a first version that runs the image.
    ///
    /// [`Error::Conflict`] where the project has one of that name, whatever the case. [`Error::Invalid`] where the
    /// project does not allow the technology for images, or the credentials are not its own.
    pub async fn create(&self, project: ProjectId, name: &str, image: &Image) -> Result<Id> {
        let technology = self.technology().await?;
        let variables = Id::create(project, name, image, technology);
        let data = self.client.execute(&Id::PARTS.create, variables).await?;
        let made: Made<Id> = read(field(data, &Id::PARTS.create)?)?;
        Ok(made.id)
    }

    /// Adds a version that runs the image, and is the current one from then on; returns its number.
    ///
    /// Of the current version, the runtime version and the command line of a job, and the ports of an app, are read
    /// first and sent along. Nothing else is: the new version has no release note, and no extra technology, source
    /// URL, package, volumes or runtime context, whatever the current one has.
    pub async fn add_version(&self, id: Id, image: &Image) -> Result<u32> {
        let variables = Id::version(id, image, &self.present(id).await?);
        let data = self.client.execute(&Id::PARTS.add, variables).await?;
        let added: Added = read(field(data, &Id::PARTS.add)?)?;
        Ok(added.number)
    }

    /// Deletes one with all its versions.
    pub async fn delete(&self, id: Id) -> Result<()> {
        let data: Value = self.client.execute(&Id::PARTS.delete, ById { id }).await?;
        match data.get(Id::PARTS.delete.operation) {
            // The platform answers with the app that it was.
            Some(Value::Object(_)) => Ok(()),
            _ => read::<Done>(data)?.check(&Id::PARTS.delete, absent(id).to_string()),
        }
    }

    /// What the server tells of one, in whatever project it is.
    async fn present(&self, id: Id) -> Result<Value> {
        let data = self.client.execute(&Id::PARTS.get, ById { id }).await?;
        let present = field(data, &Id::PARTS.get)?;
        if present.is_null() {
            return Err(absent(id));
        }
        Ok(present)
    }

    /// The technology of the catalogue `Saagie` for workloads that are an image.
    async fn technology(&self) -> Result<Uuid> {
        let data: Catalogue = self
            .client
            .execute_at(GATEWAY, &REPOSITORIES, Nothing {})
            .await?;
        let catalogue = data.repositories.into_iter();
        let mut offered = catalogue
            .filter(|repository| repository.name.eq_ignore_ascii_case("saagie"))
            .flat_map(|repository| repository.technologies);
        let (label, kind) = Id::PARTS.technology;
        let found = offered.find(|one| one.label == label && one.kind == kind);
        found.map(|one| one.id).ok_or_else(|| {
            Error::not_found(format!(
                "the catalogue `Saagie` has no technology `{label}`, which {}s that run an image need",
                Id::PARTS.word
            ))
        })
    }
}

fn absent<Id: WorkloadId>(id: Id) -> Error {
    Error::not_found(format!("there is no {} {id}", Id::PARTS.word))
}

/// The one field of an answer, which is named as its operation is.
fn field(mut data: Value, document: &Document) -> Result<Value> {
    data.get_mut(document.operation)
        .map(Value::take)
        .ok_or_else(|| not_the_platforms().of(document.effect))
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    // What is in it is not repeated.
    serde_json::from_value(value).map_err(|_| not_the_platforms())
}

fn not_the_platforms() -> Error {
    Error::protocol("the answer is not the platform's: a job or an app has another shape there")
}

#[derive(Serialize)]
struct ById<Id> {
    id: Id,
}

#[derive(Deserialize)]
struct Made<Id> {
    id: Id,
}

#[derive(Deserialize)]
struct Added {
    number: u32,
}

/// A job has its current version as the one of a list, an app by a name of its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown<Id> {
    id: Id,
    name: String,
    #[serde(default)]
    versions: Vec<Version>,
    #[serde(default)]
    current_version: Option<Version>,
}

#[derive(Deserialize)]
struct Located<Id> {
    project: Of,
    #[serde(flatten)]
    shown: Shown<Id>,
}

#[derive(Deserialize)]
struct Of {
    id: ProjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    number: u32,
    #[serde(deserialize_with = "nullable")]
    docker_info: Option<Image>,
}

impl<Id> Shown<Id> {
    fn info(mut self) -> Result<WorkloadInfo<Id>> {
        let current = self.current_version.or_else(|| self.versions.pop());
        let current = current.ok_or_else(not_the_platforms)?;
        Ok(WorkloadInfo {
            id: self.id,
            name: self.name,
            version: current.number,
            image: current.docker_info,
        })
    }
}

#[derive(Deserialize)]
struct Catalogue {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    name: String,
    technologies: Vec<Technology>,
}

#[derive(Deserialize)]
struct Technology {
    id: Uuid,
    label: String,
    #[serde(rename = "__typename")]
    kind: String,
}

mod sealed {
    use super::{Document, Image, ProjectId, Uuid, Value};

    /// What differs between jobs and apps.
    pub trait Kind: Sized {
        const PARTS: &'static Parts;
        /// The variables of `create`.
        fn create(project: ProjectId, name: &str, image: &Image, technology: Uuid) -> Value;
        /// The variables of `add`, given what `get` tells.
        fn version(self, image: &Image, present: &Value) -> Value;
    }

    pub struct Parts {
        pub(super) word: &'static str,
        /// The technology for images, by its label and its kind.
        pub(super) technology: (&'static str, &'static str),
        pub(super) list: Document,
        /// Where in the answer the list is.
        pub(super) listed: &'static [&'static str],
        pub(super) get: Document,
        pub(super) create: Document,
        pub(super) add: Document,
        pub(super) delete: Document,
    }
}

impl sealed::Kind for JobId {
    const PARTS: &'static Parts = &Parts {
        word: "job",
        technology: ("Generic", "JobTechnology"),
        list: Document::query(
            "jobs",
            "query jobs($projectId: UUID!) { jobs(projectId: $projectId) { id name \
         versions(onlyCurrent: true) { number dockerInfo { image dockerCredentialsId } } } }",
        ),
        listed: &["jobs"],
        get: Document::query(
            "job",
            "query job($id: UUID!) { job(id: $id) { id name project { id } \
         versions(onlyCurrent: true) { number runtimeVersion commandLine dockerInfo { image dockerCredentialsId } } } }",
        ),
        create: Document::mutation(
            "createJob",
            "mutation createJob($job: JobInput!, $version: JobVersionInput!) { \
         createJob(job: $job, jobVersion: $version) { id } }",
        ),
        add: Document::mutation(
            "addJobVersion",
            "mutation addJobVersion($id: UUID!, $version: JobVersionInput!) { \
         addJobVersion(jobId: $id, jobVersion: $version) { number } }",
        ),
        delete: Document::mutation(
            "deleteJob",
            "mutation deleteJob($id: UUID!) { deleteJob(jobId: $id) }",
        ),
    };

    fn create(project: ProjectId, name: &str, image: &Image, technology: Uuid) -> Value {
        json!({
            "job": {
                "projectId": project,
                "name": name,
                "category": "Processing",
                "technology": {"id": technology},
                "isScheduled": false,
                "isStreaming": false,
            },
            "version": {"runtimeVersion": "docker", "dockerInfo": image},
        })
    }

    fn version(self, image: &Image, present: &Value) -> Value {
        json!({
            "id": self,
            "version": {
                "runtimeVersion": present.pointer("/versions/0/runtimeVersion"),
                "commandLine": present.pointer("/versions/0/commandLine"),
                "dockerInfo": image,
            },
        })
    }
}

impl sealed::Kind for AppId {
    const PARTS: &'static Parts = &Parts {
        word: "app",
        technology: ("Docker image", "AppTechnology"),
        list: Document::query(
            "project",
            "query project($projectId: UUID!) { project(id: $projectId) { apps { id name \
         currentVersion { number dockerInfo { image dockerCredentialsId } } } } }",
        ),
        listed: &["project", "apps"],
        get: Document::query(
            "app",
            "query app($id: UUID!) { app(id: $id) { id name project { id } \
         currentVersion { number dockerInfo { image dockerCredentialsId } \
         ports { name number isRewriteUrl basePathVariableName scope } } } }",
        ),
        create: Document::mutation(
            "createApp",
            "mutation createApp($app: AppInput!) { createApp(app: $app) { id } }",
        ),
        add: Document::mutation(
            "addAppVersion",
            "mutation addAppVersion($id: UUID!, $version: AppVersionInput!) { \
         addAppVersion(appId: $id, version: $version) { number } }",
        ),
        delete: Document::mutation(
            "deleteApp",
            "mutation deleteApp($id: UUID!) { deleteApp(appId: $id) { id } }",
        ),
    };

    fn create(project: ProjectId, name: &str, image: &Image, technology: Uuid) -> Value {
        json!({
            "app": {
                "projectId": project,
                "name": name,
                "technologyId": technology,
                "version": {"dockerInfo": image, "ports": []},
            },
        })
    }

    fn version(self, image: &Image, present: &Value) -> Value {
        let ports = present.pointer("/currentVersion/ports");
        json!({
            "id": self,
            "version": {"dockerInfo": image, "ports": ports.filter(|ports| ports.is_array()).unwrap_or(&json!([]))},
        })
    }
}

const GATEWAY: &str = "/gateway/api/graphql";
const REPOSITORIES: Document = Document::query(
    "repositories",
    "query repositories { repositories { name technologies { id label __typename } } }",
);
