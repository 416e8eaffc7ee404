//! The settings file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{LogFormat, SettingsError};

/// The settings file's keys; one that is not here is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FileSettings {
    pub(super) listen: Option<SocketAddr>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) kek_file: Option<PathBuf>,
    pub(super) platform: Option<u32>,
    pub(super) realm: Option<String>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) allow_plaintext: Option<bool>,
    pub(super) max_connections: Option<u32>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<LogFormat>,
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
        toml::from_str(&text)
            .map_err(|error| format!("the settings file {} is wrong: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_the_known_ones() {
        let error = toml::from_str::<FileSettings>("data-dri = \"x\"")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("data-dri") && error.contains("data-dir"),
            "{error}"
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
            log = "debug"
            log-format = "json"
        "#;
        let file: FileSettings = toml::from_str(text).unwrap();
        assert_eq!(
            (file.platform, file.max_connections, file.log_format),
            (Some(2), Some(5), Some(LogFormat::Json))
        );
    }
}
