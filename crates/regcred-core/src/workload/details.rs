//! What is kept of a workload for whoever runs it, and shown again. regcred itself makes nothing of it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What belongs to a workload, whatever its version. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether a job streams.
    pub is_streaming: bool,
    /// Whether a job uses a GPU; `None` where nothing was said.
    pub does_use_gpu: Option<bool>,
    /// What it asks of a machine.
    pub resources: Option<Resources>,
}

/// What a workload asks of a machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Processors.
    pub cpu: Option<RequestLimit>,
    /// Memory, in gigabytes.
    pub memory: Option<RequestLimit>,
    /// Graphics processors.
    pub gpu: Option<RequestLimit>,
}

/// What is asked for at least, and allowed at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestLimit {
    /// At least.
    pub request: Option<f64>,
    /// At most.
    pub limit: Option<f64>,
}

/// What belongs to a version besides its image. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionDetails {
    /// What its maker says about it.
    pub release_note: Option<String>,
    /// The version of the technology, of a job.
    pub runtime_version: Option<String>,
    /// What a job runs.
    pub command_line: Option<String>,
    /// Where its source lies.
    pub source_url: Option<String>,
    /// A second technology, of a job.
    pub extra_technology: Option<ExtraTechnology>,
    /// The context of the catalogue that an app runs in instead of an image.
    pub runtime_context: Option<String>,
    /// The ports of an app.
    pub ports: Vec<Port>,
}

/// A second technology that a job needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraTechnology {
    /// Which.
    pub language: String,
    /// Its version.
    pub version: String,
}

/// A port of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub number: i32,
    /// Whether the path is cut off before the app sees it.
    pub is_rewrite_url: bool,
    /// The variable in which the app finds its path.
    pub base_path_variable_name: Option<String>,
    /// Who may reach it.
    pub scope: Option<Scope>,
}

/// Who may reach a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The project's workloads.
    Project,
    /// Everybody.
    Public,
}

impl Settings {
    /// Refuses numbers that no machine has.
    pub fn check(&self) -> Result<()> {
        let resources = self.resources.iter();
        let all = resources.flat_map(|given| [given.cpu, given.memory, given.gpu]);
        let numbers = all.flatten().flat_map(|given| [given.request, given.limit]);
        if numbers
            .flatten()
            .all(|number| number.is_finite() && number >= 0.0)
        {
            return Ok(());
        }
        Err(
            Error::invalid("the resources must be greater than or equal to 0")
                .in_field("resources"),
        )
    }
}

impl VersionDetails {
    /// Refuses what is too long, and what no port and no address can be.
    pub fn check(&self) -> Result<()> {
        let extra = self.extra_technology.as_ref();
        let language = extra.map(|extra| &extra.language);
        let version = extra.map(|extra| &extra.version);
        for (field, text, most) in [
            ("releaseNote", self.release_note.as_ref(), MAX_TEXT),
            ("runtimeVersion", self.runtime_version.as_ref(), MAX_WORD),
            ("commandLine", self.command_line.as_ref(), MAX_TEXT),
            ("sourceUrl", self.source_url.as_ref(), MAX_URL),
            ("extraTechnology", language, MAX_WORD),
            ("extraTechnology", version, MAX_WORD),
            ("runtimeContextId", self.runtime_context.as_ref(), MAX_WORD),
        ] {
            let length = text.map_or(0, |text| text.chars().count());
            if length > most {
                return Err(Error::invalid(format!(
                    "{field} has {length} characters; at most {most} are allowed"
                ))
                .in_field(field));
            }
        }
        let url = self.source_url.as_deref().unwrap_or_default();
        if !(url.is_empty() || url.starts_with("https://") || url.starts_with("http://")) {
            return Err(Error::invalid(
                "sourceUrl begins with https:// or http://, or is left out",
            )
            .in_field("sourceUrl"));
        }
        let blank = |letter: char| letter.is_whitespace() || letter.is_control();
        if url.chars().any(blank) || authority(url).contains('@') {
            return Err(Error::invalid(
                "sourceUrl has no blanks, no control characters, and no user or password before the host",
            )
            .in_field("sourceUrl"));
        }
        self.check_ports().map_err(|error| error.in_field("ports"))
    }

    fn check_ports(&self) -> Result<()> {
        if self.ports.len() > MAX_PORTS {
            return Err(Error::invalid(format!(
                "at most {MAX_PORTS} ports are allowed"
            )));
        }
        for port in &self.ports {
            if !(1..=65_535).contains(&port.number) {
                return Err(Error::invalid("a port is a number of 1 to 65535"));
            }
            let names = [&port.name, &port.base_path_variable_name];
            if names
                .into_iter()
                .flatten()
                .any(|name| name.chars().count() > MAX_PORT_NAME)
            {
                return Err(Error::invalid(format!(
                    "the names of a port have at most {MAX_PORT_NAME} characters"
                )));
            }
        }
        Ok(())
    }
}

/// What stands between the scheme and the path of an address. A browser takes `\` for `/`, others do not: it ends
/// nothing here.
fn authority(url: &str) -> &str {
    let behind = url.split_once("://").map_or("", |(_, behind)| behind);
    behind.split(['/', '?', '#']).next().unwrap_or_default()
}

const MAX_TEXT: usize = 4_000;
const MAX_URL: usize = 2_000;
const MAX_WORD: usize = 254;
const MAX_PORTS: usize = 16;
const MAX_PORT_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_source_names_no_user_and_has_no_blanks() {
        let check = |url: &str| {
            let details = VersionDetails {
                source_url: Some(url.to_owned()),
                ..VersionDetails::default()
            };
            details.check()
        };
        for good in [
            "",
            "https://h.x",
            "http://h.x:8080/a?b=c@d#e",
            "https://h.x/@team/app",
        ] {
            check(good).unwrap();
        }
        for bad in [
            "ftp://h.x",
            "https://me:secret@h.x/a",
            "https://me@h.x",
            "https://h.x\\@h.y/",
            "https://h.x/a b",
            "https://h.x/\u{85}",
            "https://h.x/a\n",
        ] {
            let error = check(bad).unwrap_err();
            assert_eq!(error.field(), Some("sourceUrl"), "{bad}");
            assert!(!error.message().contains("secret"), "{error}");
        }
    }
}
