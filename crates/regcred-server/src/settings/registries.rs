//! `[[registries]]` of the settings file: what is allowed for single registries when credentials are proved there.

use std::path::PathBuf;

use regcred_core::registry::RegistryKey;
use regcred_registry::Rule;
use serde::Deserialize;

use super::SettingsError;

/// One of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RegistryRule {
    /// `host[:port]`; without a port it goes for every port.
    host: String,
    /// A file with PEM certificates of authorities.
    ca: Option<PathBuf>,
    #[serde(default)]
    allow_private: bool,
    #[serde(default)]
    allow_http: bool,
    #[serde(default)]
    realm_hosts: Vec<String>,
}

impl RegistryRule {
    /// Reads what it names.
    pub(super) fn resolve(self) -> Result<Rule, SettingsError> {
        let authorities = self.ca.map(|file| {
            std::fs::read(&file).map_err(|error| {
                format!(
                    "the certificates {} of the registry {} cannot be read: {error}",
                    file.display(),
                    self.host
                )
            })
        });
        Ok(Rule {
            host: host(&self.host)?,
            authorities: authorities.transpose()?,
            allow_private: self.allow_private,
            allow_http: self.allow_http,
            realm_hosts: self
                .realm_hosts
                .iter()
                .map(|text| host(text))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// For trying it out: whatever runs on this machine.
pub(super) fn of_this_machine() -> impl Iterator<Item = Rule> {
    ["localhost", "127.0.0.1", "[::1]"]
        .into_iter()
        .map(|host| Rule {
            host: host.to_owned(),
            allow_private: true,
            allow_http: true,
            ..Rule::default()
        })
}

/// `host[:port]` in canonical form.
fn host(text: &str) -> Result<String, SettingsError> {
    match RegistryKey::parse(text) {
        Ok(key) if key.scope().is_empty() && !text.is_empty() => Ok(key.host().to_owned()),
        _ => Err(format!(
            "`{text}` among the registries of the settings file is no host[:port]"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_canonical_and_what_is_none_is_refused() {
        let rule = |text: &str| toml::from_str::<RegistryRule>(text).unwrap().resolve();
        let read =
            rule("host = \"Registry.Internal:5000\"\nrealm-hosts = [\"AUTH.internal\"]").unwrap();
        assert_eq!(
            (read.host.as_str(), read.realm_hosts.as_slice()),
            ("registry.internal:5000", &["auth.internal".to_owned()][..])
        );
        for bad in ["", "h/path", "a b", "h:0"] {
            assert!(
                rule(&format!("host = \"{bad}\""))
                    .unwrap_err()
                    .contains("is no host[:port]"),
                "{bad}"
            );
        }
        let error = rule("host = \"h\"\nca = \"/no/such/file\"").unwrap_err();
        assert!(error.contains("/no/such/file"), "{error}");
    }
}
