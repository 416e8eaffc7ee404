//! What a project says of its credentials.

use serde::{Deserialize, Serialize};

use super::Regcred;
use super::verification::VerifyBeforeSaving;
use crate::error::{Error, Result};
use crate::graphql::Document;
use crate::values::{ProjectId, nullable};

/// How a project deals with its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSettings {
    /// Whether credentials that jobs or apps use are deleted without being asked twice, as on the original platform.
    pub deletes_credentials_in_use: bool,
    /// For so many days a version that counted before is held.
    pub grace_period_days: u32,
    /// What has to be proved of credentials before they are saved, unless a request demands more.
    pub verify_before_saving: VerifyBeforeSaving,
}

/// A change to them; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSettingsChange {
    /// Whether credentials that jobs or apps use are deleted without being asked twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes_credentials_in_use: Option<bool>,
    /// For so many days a version that counted before is held: 0 to 90.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period_days: Option<u32>,
    /// What has to be proved of credentials before they are saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_before_saving: Option<VerifyBeforeSaving>,
}

impl Regcred {
    /// The settings of a project. For viewers.
    pub async fn project_settings(&self, project: ProjectId) -> Result<ProjectSettings> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "project", deserialize_with = "nullable")]
            settings: Option<ProjectSettings>,
        }
        #[derive(Serialize)]
        struct Variables {
            id: ProjectId,
        }
        let data: Data = self.execute(WHAT, &SHOW, Variables { id: project }).await?;
        data.settings
            .ok_or_else(|| Error::not_found(format!("there is no project {project}")))
    }

    /// Changes them; answers with all of them as they are then. For managers.
    pub async fn change_project_settings(
        &self,
        project: ProjectId,
        change: ProjectSettingsChange,
    ) -> Result<ProjectSettings> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "editProject", deserialize_with = "nullable")]
            settings: Option<ProjectSettings>,
        }
        #[derive(Serialize)]
        struct Variables {
            input: Input,
        }
        #[derive(Serialize)]
        struct Input {
            id: ProjectId,
            #[serde(flatten)]
            change: ProjectSettingsChange,
        }
        let input = Input {
            id: project,
            change,
        };
        let data: Data = self.execute(WHAT, &CHANGE, Variables { input }).await?;
        data.settings.ok_or_else(Error::no_answer)
    }
}

const WHAT: &str = "settings of projects";

const SHOW: Document = Document::query(
    "projectSettings",
    "query projectSettings($id: UUID!) { project(id: $id) \
     { deletesCredentialsInUse gracePeriodDays verifyBeforeSaving } }",
);
const CHANGE: Document = Document::mutation(
    "changeProjectSettings",
    "mutation changeProjectSettings($input: ProjectEditionInput!) { editProject(project: $input) \
     { deletesCredentialsInUse gracePeriodDays verifyBeforeSaving } }",
);
