//! What is printed of jobs and apps.

use std::fmt::Display;

use regcred_client::WorkloadInfo;
use serde::Serialize;

use super::or_dash;
use crate::output::Record;

/// A job or an app, as its current version is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct WorkloadRecord {
    pub(in crate::commands) id: String,
    pub(in crate::commands) name: String,
    version: u32,
    image: Option<String>,
    docker_credentials_id: Option<String>,
}

impl WorkloadRecord {
    pub(in crate::commands) fn new<Id: Display>(info: WorkloadInfo<Id>) -> Self {
        let image = info.image;
        let credentials = image.as_ref().and_then(|image| image.credentials);
        Self {
            id: info.id.to_string(),
            name: info.name,
            version: info.version,
            docker_credentials_id: credentials.map(|id| id.to_string()),
            image: image.map(|image| image.image),
        }
    }
}

impl Record for WorkloadRecord {
    const COLUMNS: &'static [&'static str] = &["NAME", "VERSION", "IMAGE", "CREDENTIALS", "ID"];
    const FLEXIBLE: usize = 3;

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.version.to_string(),
            or_dash(self.image.clone().unwrap_or_default()),
            or_dash(self.docker_credentials_id.clone().unwrap_or_default()),
            self.id.clone(),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        Self::COLUMNS.iter().copied().zip(self.cells()).collect()
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}
