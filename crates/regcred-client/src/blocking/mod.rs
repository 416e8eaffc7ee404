//! The same operations for code that is not async. Behind the feature `blocking`.
//!
//! A thread of its own drives the connections, so these calls may be made from anywhere; inside of async code they
//! hold the thread up, and the async [`crate::Client`] is the better choice.
//!
//! ```no_run
//! use regcred_client::{Client, Registry, Secret, blocking};
//!
//! # fn main() -> regcred_client::Result<()> {
//! let password = Secret::new(std::env::var("REGCRED_PASSWORD").unwrap_or_default());
//! let client = blocking::Client::login(Client::builder("https://regcred.example"), "ada", password)?;
//! let project = client.projects().by_name("demo")?.id;
//! let credentials = client.docker_credentials();
//! let hub = credentials.get_info_for_username(project, "ci-bot", Registry::DockerHub)?;
//! println!("last changed at {}", hub.last_update);
//! # Ok(())
//! # }
//! ```

mod driver;

use std::sync::Arc;

use jiff::Timestamp;

use self::driver::Driver;
use crate::client::ClientBuilder;
use crate::error::Result;
use crate::regcred::{
    CredentialsUsage, CredentialsVersion, Explanation, ProjectSettings, ProjectSettingsChange,
    Pull, Pullable, Pulled, RegistryKey, Staging, Switch, Switched, Verification,
    VerifyBeforeSaving,
};
use crate::secret::Secret;
use crate::values::{
    AppId, CredentialsId, CredentialsInfo, JobId, ProjectId, ProjectInfo, Registry, RegistryChange,
};
use crate::workloads::{Image, WorkloadId, WorkloadInfo};

/// A [`crate::Client`] whose operations return when they are done. Clones share connections, the token and the thread.
#[derive(Clone, Debug)]
pub struct Client {
    client: crate::Client,
    driver: Arc<Driver>,
}

impl Client {
    /// Logs in, as [`ClientBuilder::login`] does.
    pub fn login(builder: ClientBuilder, login: &str, password: Secret) -> Result<Self> {
        let driver = Driver::start()?;
        let client = driver.block_on(builder.login(login, password))?;
        Ok(Self {
            client,
            driver: Arc::new(driver),
        })
    }

    /// Asks with a token that there is already, as [`ClientBuilder::token`] does.
    pub fn with_token(builder: ClientBuilder, token: Secret) -> Result<Self> {
        Ok(Self {
            client: builder.token(token)?,
            driver: Arc::new(Driver::start()?),
        })
    }

    /// Logs in with the full URL of a platform, as [`crate::Client::easy_connect`] does.
    pub fn easy_connect(full_url: &str, login: &str, password: Secret) -> Result<Self> {
        let driver = Driver::start()?;
        let client = driver.block_on(crate::Client::easy_connect(full_url, login, password))?;
        Ok(Self {
            client,
            driver: Arc::new(driver),
        })
    }

    /// The Docker credentials of projects.
    #[must_use]
    pub fn docker_credentials(&self) -> DockerCredentials {
        DockerCredentials {
            inner: self.client.docker_credentials(),
            driver: Arc::clone(&self.driver),
        }
    }

    /// The jobs of projects.
    #[must_use]
    pub fn jobs(&self) -> Workloads<JobId> {
        Workloads {
            inner: self.client.jobs(),
            driver: Arc::clone(&self.driver),
        }
    }

    /// The apps of projects.
    #[must_use]
    pub fn apps(&self) -> Workloads<AppId> {
        Workloads {
            inner: self.client.apps(),
            driver: Arc::clone(&self.driver),
        }
    }

    /// What only regcred has: its pulls, and the verification of credentials.
    #[must_use]
    pub fn regcred(&self) -> Regcred {
        Regcred {
            inner: self.client.regcred(),
            driver: Arc::clone(&self.driver),
        }
    }

    /// The projects.
    #[must_use]
    pub fn projects(&self) -> Projects {
        Projects {
            inner: self.client.projects(),
            driver: Arc::clone(&self.driver),
        }
    }
}

/// What [`crate::regcred::Regcred`] has for credentials, each operation of which returns when it is done.
#[derive(Clone, Debug)]
pub struct Regcred {
    inner: crate::regcred::Regcred,
    driver: Arc<Driver>,
}

impl Regcred {
    /// See [`crate::regcred::Regcred::pull`].
    pub fn pull(&self, pull: &Pull) -> Result<Pulled> {
        self.driver.block_on(self.inner.pull(pull))
    }

    /// See [`crate::regcred::Regcred::explain`].
    pub fn explain(&self, pull: &Pull) -> Result<Explanation> {
        self.driver.block_on(self.inner.explain(pull))
    }

    /// See [`crate::regcred::Regcred::pullable`].
    pub fn pullable(&self, project: Option<&str>) -> Result<Pullable> {
        self.driver.block_on(self.inner.pullable(project))
    }

    /// See [`crate::regcred::Regcred::credentials_usage`].
    pub fn credentials_usage(&self, project: ProjectId) -> Result<Vec<CredentialsUsage>> {
        self.driver.block_on(self.inner.credentials_usage(project))
    }

    /// See [`crate::regcred::Regcred::registry_keys`].
    pub fn registry_keys(&self, registries: &[String]) -> Result<Vec<RegistryKey>> {
        self.driver.block_on(self.inner.registry_keys(registries))
    }

    /// See [`crate::regcred::Regcred::verify`].
    pub fn verify(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        probe: Option<&str>,
    ) -> Result<Verification> {
        self.driver
            .block_on(self.inner.verify(project, credentials, probe))
    }

    /// See [`crate::regcred::Regcred::verify_version`].
    pub fn verify_version(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        version: u32,
        probe: Option<&str>,
    ) -> Result<Verification> {
        let verify = self
            .inner
            .verify_version(project, credentials, version, probe);
        self.driver.block_on(verify)
    }

    /// See [`crate::regcred::Regcred::project_settings`].
    pub fn project_settings(&self, project: ProjectId) -> Result<ProjectSettings> {
        self.driver.block_on(self.inner.project_settings(project))
    }

    /// See [`crate::regcred::Regcred::change_project_settings`].
    pub fn change_project_settings(
        &self,
        project: ProjectId,
        change: ProjectSettingsChange,
    ) -> Result<ProjectSettings> {
        let change = self.inner.change_project_settings(project, change);
        self.driver.block_on(change)
    }

    /// See [`crate::regcred::Regcred::versions`].
    pub fn versions(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
    ) -> Result<Vec<CredentialsVersion>> {
        self.driver
            .block_on(self.inner.versions(project, credentials))
    }

    /// See [`crate::regcred::Regcred::stage`].
    pub fn stage(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        staging: &Staging<'_>,
    ) -> Result<CredentialsVersion> {
        self.driver
            .block_on(self.inner.stage(project, credentials, staging))
    }

    /// See [`crate::regcred::Regcred::promote`].
    pub fn promote(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        switch: Switch,
        verify: Option<VerifyBeforeSaving>,
    ) -> Result<Switched> {
        let promote = self.inner.promote(project, credentials, switch, verify);
        self.driver.block_on(promote)
    }

    /// See [`crate::regcred::Regcred::roll_back`].
    pub fn roll_back(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        switch: Switch,
    ) -> Result<Switched> {
        self.driver
            .block_on(self.inner.roll_back(project, credentials, switch))
    }

    /// See [`crate::regcred::Regcred::destroy_version`].
    pub fn destroy_version(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        version: u32,
    ) -> Result<()> {
        let destroy = self.inner.destroy_version(project, credentials, version);
        self.driver.block_on(destroy)
    }

    /// See [`crate::regcred::Regcred::verifications`].
    pub fn verifications(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
    ) -> Result<Vec<Verification>> {
        self.driver
            .block_on(self.inner.verifications(project, credentials))
    }
}

/// [`crate::DockerCredentials`], each operation of which returns when it is done.
#[derive(Clone, Debug)]
pub struct DockerCredentials {
    inner: crate::DockerCredentials,
    driver: Arc<Driver>,
}

impl DockerCredentials {
    /// See [`crate::DockerCredentials::expiring_at`].
    #[must_use]
    pub fn expiring_at(mut self, moment: Timestamp) -> Self {
        self.inner = self.inner.expiring_at(moment);
        self
    }

    /// See [`crate::DockerCredentials::verified`].
    #[must_use]
    pub fn verified(mut self, verify: VerifyBeforeSaving) -> Self {
        self.inner = self.inner.verified(verify);
        self
    }

    /// See [`crate::DockerCredentials::probing`].
    #[must_use]
    pub fn probing(mut self, image: Option<&str>) -> Self {
        self.inner = self.inner.probing(image);
        self
    }

    /// See [`crate::DockerCredentials::expecting_version`].
    #[must_use]
    pub fn expecting_version(mut self, version: u32) -> Self {
        self.inner = self.inner.expecting_version(version);
        self
    }

    /// See [`crate::DockerCredentials::forced`].
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.inner = self.inner.forced();
        self
    }

    /// See [`crate::DockerCredentials::create`].
    pub fn create(
        &self,
        project: ProjectId,
        username: &str,
        password: &Secret,
        registry: impl Into<Registry>,
    ) -> Result<CredentialsInfo> {
        let create = self.inner.create(project, username, password, registry);
        self.driver.block_on(create)
    }

    /// See [`crate::DockerCredentials::delete`].
    pub fn delete(&self, project: ProjectId, credentials: CredentialsId) -> Result<()> {
        self.driver
            .block_on(self.inner.delete(project, credentials))
    }

    /// See [`crate::DockerCredentials::delete_for_username`].
    pub fn delete_for_username(
        &self,
        project: ProjectId,
        username: &str,
        registry: impl Into<Registry>,
    ) -> Result<()> {
        let delete = self.inner.delete_for_username(project, username, registry);
        self.driver.block_on(delete)
    }

    /// See [`crate::DockerCredentials::get_info`].
    pub fn get_info(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
    ) -> Result<CredentialsInfo> {
        self.driver
            .block_on(self.inner.get_info(project, credentials))
    }

    /// See [`crate::DockerCredentials::get_info_for_username`].
    pub fn get_info_for_username(
        &self,
        project: ProjectId,
        username: &str,
        registry: impl Into<Registry>,
    ) -> Result<CredentialsInfo> {
        let get = self
            .inner
            .get_info_for_username(project, username, registry);
        self.driver.block_on(get)
    }

    /// See [`crate::DockerCredentials::list_for_project`].
    pub fn list_for_project(&self, project: ProjectId) -> Result<Vec<CredentialsInfo>> {
        self.driver.block_on(self.inner.list_for_project(project))
    }

    /// See [`crate::DockerCredentials::upgrade`].
    pub fn upgrade(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        password: &Secret,
        registry: RegistryChange,
        username: Option<&str>,
    ) -> Result<CredentialsInfo> {
        let upgrade = self
            .inner
            .upgrade(project, credentials, password, registry, username);
        self.driver.block_on(upgrade)
    }

    /// See [`crate::DockerCredentials::upgrade_for_username`].
    pub fn upgrade_for_username(
        &self,
        project: ProjectId,
        username: &str,
        password: &Secret,
        registry: impl Into<Registry>,
    ) -> Result<CredentialsInfo> {
        let upgrade = self
            .inner
            .upgrade_for_username(project, username, password, registry);
        self.driver.block_on(upgrade)
    }
}

/// [`crate::Projects`], each operation of which returns when it is done.
#[derive(Clone, Debug)]
pub struct Projects {
    inner: crate::Projects,
    driver: Arc<Driver>,
}

impl Projects {
    /// See [`crate::Projects::list`].
    pub fn list(&self) -> Result<Vec<ProjectInfo>> {
        self.driver.block_on(self.inner.list())
    }

    /// See [`crate::Projects::get`].
    pub fn get(&self, project: ProjectId) -> Result<ProjectInfo> {
        self.driver.block_on(self.inner.get(project))
    }

    /// See [`crate::Projects::by_name`].
    pub fn by_name(&self, name: &str) -> Result<ProjectInfo> {
        self.driver.block_on(self.inner.by_name(name))
    }

    /// See [`crate::Projects::create`].
    pub fn create(&self, name: &str, description: &str) -> Result<ProjectInfo> {
        self.driver.block_on(self.inner.create(name, description))
    }

    /// See [`crate::Projects::delete`].
    pub fn delete(&self, project: ProjectId) -> Result<()> {
        self.driver.block_on(self.inner.delete(project))
    }
}

/// [`crate::Workloads`], each operation of which returns when it is done.
#[derive(Clone, Debug)]
pub struct Workloads<Id> {
    inner: crate::Workloads<Id>,
    driver: Arc<Driver>,
}

impl<Id: WorkloadId> Workloads<Id> {
    /// See [`crate::Workloads::list`].
    pub fn list(&self, project: ProjectId) -> Result<Vec<WorkloadInfo<Id>>> {
        self.driver.block_on(self.inner.list(project))
    }

    /// See [`crate::Workloads::get`].
    pub fn get(&self, project: ProjectId, id: Id) -> Result<WorkloadInfo<Id>> {
        self.driver.block_on(self.inner.get(project, id))
    }

    /// See [`crate::Workloads::create`].
    pub fn create(&self, project: ProjectId, name: &str, image: &Image) -> Result<Id> {
        let create = self.inner.create(project, name, image);
        self.driver.block_on(create)
    }

    /// See [`crate::Workloads::add_version`].
    pub fn add_version(&self, id: Id, image: &Image) -> Result<u32> {
        self.driver.block_on(self.inner.add_version(id, image))
    }

    /// See [`crate::Workloads::delete`].
    pub fn delete(&self, id: Id) -> Result<()> {
        self.driver.block_on(self.inner.delete(id))
    }
}
