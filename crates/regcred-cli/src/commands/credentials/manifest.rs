//! The file of `regcred credentials apply`: the credentials of a project, with references in place of passwords.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use regcred_client::{Registry, Secret};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::UserMessageFormatter;

use super::moment::Moment;
use crate::failure::{Failure, Result};
use crate::prompt;

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The project, by its id or its name.
    pub(super) project: Option<String>,
    pub(super) credentials: Vec<Entry>,
}

/// Credentials that the project is to have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) username: String,
    #[serde(default = "docker_hub")]
    pub(super) registry: Registry,
    password: Reference,
    /// When the password last changed: what was upgraded since then has it already.
    #[serde(default)]
    pub(super) password_changed: Option<Moment>,
}

/// Where a password is, so that the file itself holds none.
#[derive(Debug, PartialEq, Eq)]
enum Reference {
    Env(String),
    File(PathBuf),
    Stdin,
}

impl Manifest {
    /// Reads the text of a file, in YAML or JSON.
    pub(super) fn parse(text: &str) -> Result<Self> {
        // A snippet of the file could show what somebody wrote in place of a reference.
        // Room for a project as large as it may be, 50,000 credentials.
        let options = serde_saphyr::options! {
            with_snippet: false,
            budget: serde_saphyr::budget! { max_nodes: 1_000_000, max_events: 2_000_000 },
        };
        let manifest: Self =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let why = error.render_with_formatter(&UserMessageFormatter);
                Failure::usage(format!("the file does not fit: {why}"), FORM)
            })?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<()> {
        let mut places = HashMap::new();
        let mut stdin = None;
        for (number, entry) in (1..).zip(&self.credentials) {
            if entry.registry.as_deref() == Some("") {
                return Err(Failure::usage(
                    format!("entry {number} has an empty registry"),
                    "name one, or leave it out for Docker Hub",
                ));
            }
            if let Some(first) = places.insert((&entry.username, &entry.registry), number) {
                return Err(Failure::usage(
                    format!("entries {first} and {number} are both {}", entry.name()),
                    "keep one of them",
                ));
            }
            if entry.password == Reference::Stdin
                && let Some(first) = stdin.replace(number)
            {
                return Err(Failure::usage(
                    format!(
                        "entries {first} and {number} both take their password from standard input"
                    ),
                    "give one of them by env: or file:",
                ));
            }
        }
        Ok(())
    }

    /// Whether standard input is taken by a password.
    pub(super) fn takes_stdin(&self) -> bool {
        self.credentials
            .iter()
            .any(|entry| entry.password == Reference::Stdin)
    }
}

impl Entry {
    /// `ci-bot at ghcr.io`.
    pub(super) fn name(&self) -> String {
        format!("{} at {}", self.username, self.registry)
    }

    /// The password that the reference leads to; a relative path begins at `directory`.
    pub(super) fn password(&self, directory: &Path) -> Result<Secret> {
        let missing = |what: String| {
            let message = format!("the password of {} is not there: {what}", self.name());
            Failure::usage(
                message,
                "put it there, and run it again; nothing was changed",
            )
        };
        let mut text = match &self.password {
            Reference::Env(name) => std::env::var_os(name)
                .ok_or_else(|| missing(format!("the variable {name} is not set")))?
                .into_string()
                .map_err(|_| missing(format!("the variable {name} is not UTF-8")))?,
            Reference::File(path) => {
                let path = directory.join(path);
                std::fs::read_to_string(&path)
                    .map_err(|error| missing(format!("{}: {error}", path.display())))?
            }
            Reference::Stdin => return prompt::stdin(),
        };
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        if text.is_empty() {
            return Err(missing(format!("{} is empty", self.password)));
        }
        Ok(Secret::new(text))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Says what is wrong without what is there: that may be a password.
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Reference;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(REFERENCE)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Reference, E> {
                match text.split_once(':') {
                    Some(("env", name)) if !name.is_empty() => Ok(Reference::Env(name.to_owned())),
                    Some(("file", path)) if !path.is_empty() => Ok(Reference::File(path.into())),
                    None if text == "stdin" => Ok(Reference::Stdin),
                    _ => Err(E::custom(REFERENCE)),
                }
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Reference, E> {
                Err(E::custom(REFERENCE))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Reference, E> {
                Err(E::custom(REFERENCE))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Reference, E> {
                Err(E::custom(REFERENCE))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Reference, E> {
                Err(E::custom(REFERENCE))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

fn docker_hub() -> Registry {
    Registry::DockerHub
}

const REFERENCE: &str =
    "a password is a reference, never the password itself: env:NAME, file:PATH, or stdin";
const FORM: &str = "`regcred credentials apply --help` shows the form of the file";

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2-hunter2";

    fn refused(text: &str) -> String {
        let failure = Manifest::parse(text).unwrap_err();
        assert_eq!(failure.exit, crate::failure::Exit::Usage);
        assert!(!failure.text().contains(SECRET), "{}", failure.text());
        failure.message
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = "project: demo\ncredentials:\n  - {username: a, registry: ghcr.io, password: 'env:A'}\n";
        let json = r#"{"project":"demo","credentials":[{"username":"a","registry":"ghcr.io","password":"env:A"}]}"#;
        for text in [yaml, json] {
            let manifest = Manifest::parse(text).unwrap();
            let [entry] = &manifest.credentials[..] else {
                panic!("{manifest:?}")
            };
            assert_eq!(manifest.project.as_deref(), Some("demo"));
            assert_eq!(entry.name(), "a at ghcr.io");
            assert_eq!(entry.password, Reference::Env("A".into()));
        }
        let hub = "credentials: [{username: a, password: stdin}]";
        assert_eq!(
            Manifest::parse(hub).unwrap().credentials[0].registry,
            Registry::DockerHub
        );
    }

    #[test]
    fn what_stands_in_place_of_a_reference_is_refused_and_not_shown() {
        for password in [
            SECRET,
            "12345",
            "true",
            "1.5",
            "env:",
            "file:",
            "ENV:A",
            "[hunter2-hunter2]",
            "{a: hunter2-hunter2}",
            "null",
            "",
        ] {
            refused(&format!(
                "credentials:\n  - username: a\n    password: {password}\n"
            ));
        }
        refused(&format!(
            "credentials:\n  - username: a\n   password: {SECRET}\n"
        ));
        refused(&format!(
            "credentials:\n  - username: a\n    password: \"{SECRET}\n"
        ));
        refused(&format!(
            "credentials:\n  - username: a\n    password: !{SECRET} x\n"
        ));
    }

    #[test]
    fn entries_that_are_the_same_are_refused() {
        let twice = "credentials:\n- {username: a, password: env:A}\n- {username: a, registry: null, password: env:B}\n";
        assert_eq!(refused(twice), "entries 1 and 2 are both a at Docker Hub");
        let stdin =
            "credentials:\n- {username: a, password: stdin}\n- {username: b, password: stdin}\n";
        assert!(refused(stdin).contains("both take their password from standard input"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(refused("credentials: []\nprojct: demo\n").contains("projct"));
        assert!(refused("credentials: [{username: a, passwrd: env:A}]").contains("passwrd"));
        assert!(refused("project: demo\n").contains("credentials"));
    }

    #[test]
    fn a_day_stands_for_its_end() {
        let changed = |text: &str| {
            let text =
                format!("credentials: [{{username: a, password: env:A, passwordChanged: {text}}}]");
            let manifest = Manifest::parse(&text).unwrap();
            manifest.credentials[0]
                .password_changed
                .unwrap()
                .0
                .to_string()
        };
        assert_eq!(changed("2026-11-20"), "2026-11-21T00:00:00Z");
        assert_eq!(changed("2026-11-20T14:00:00Z"), "2026-11-20T14:00:00Z");
        refused("credentials: [{username: a, password: env:A, passwordChanged: yesterday}]");
    }
}
