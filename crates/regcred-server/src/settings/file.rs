//! The settings file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::every::Every;
use super::registries::RegistryRule;
use super::webhooks::WebhookRule;
use super::{LogFormat, SettingsError};

/// The settings file's keys; one that is not here is an error.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FileSettings {
    pub(super) listen: Option<SocketAddr>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) database_url: Option<String>,
    pub(super) database_password_file: Option<PathBuf>,
    pub(super) kek_file: Option<PathBuf>,
    pub(super) platform: Option<u32>,
    pub(super) realm: Option<String>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) allow_plaintext: Option<bool>,
    pub(super) max_connections: Option<u32>,
    pub(super) verify_every: Option<Every>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<LogFormat>,
    #[serde(default)]
    pub(super) registries: Vec<RegistryRule>,
    #[serde(default)]
    pub(super) webhooks: Vec<WebhookRule>,
}

impl FileSettings {
    /// The file's settings; none where no file is given.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            format!(
                "the settings file {} cannot be read: {error}",
                path.display()
            )
        })?;
        toml::from_str(&text).map_err(|error| wrong(path, &text, &error))
    }
}

/// What is wrong, and where; not the line itself, in which a secret may stand.
fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> SettingsError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    format!(
        "the settings file {} is wrong in line {number}, at `{key}`: {message}",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_the_known_ones() {
        let error = toml::from_str::<FileSettings>("data-dri = \"x\"")
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("data-dri") && error.contains("data-dir"),
            "{error}"
        );
    }

    #[test]
    fn an_error_names_line_and_key_but_shows_no_line() {
        let told = |text: &str| {
            let error = toml::from_str::<FileSettings>(text).err().unwrap();
            wrong(Path::new("f"), text, &error)
        };
        let said = told("platform = 1\ndev-admin-password = \"hunter2\"\n");
        assert!(
            said.contains("line 2, at `dev-admin-password`: unknown field"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
        let said = told("listen = \"hunter2");
        assert!(
            said.contains("line 1, at `listen`") && !said.contains("hunter2"),
            "{said}"
        );
        let said = told("\n\nplatform = \"one\"");
        assert!(
            said.contains("line 3, at `platform`: invalid type"),
            "{said}"
        );
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            listen = "127.0.0.1:1"
            data-dir = "d"
            kek-file = "k"
            platform = 2
            realm = "r"
            tls-cert = "c"
            tls-key = "k"
            allow-plaintext = true
            max-connections = 5
            verify-every = "6h"
            log = "debug"
            log-format = "json"
            [[registries]]
            host = "registry.internal:5000"
            ca = "ca.pem"
            allow-private = true
            allow-http = true
            realm-hosts = ["auth.internal"]
            [[webhooks]]
            url = "https://hooks.internal/in"
            secret-file = "secret"
            ca = "ca.pem"
            allow-http = true
        "#;
        let file: FileSettings = toml::from_str(text).unwrap();
        assert_eq!(
            (file.platform, file.max_connections, file.log_format),
            (Some(2), Some(5), Some(LogFormat::Json))
        );
    }
}
