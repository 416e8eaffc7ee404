//! `[[webhooks]]` of the settings file: who is told where something is wrong with credentials.

use std::path::PathBuf;

use regcred_core::webhook::SigningSecret;
use regcred_registry::Webhook;
use serde::Deserialize;

use super::{SettingsError, private};

/// One of them.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WebhookRule {
    /// It may hold a secret, so no error repeats it.
    url: String,
    /// A file with `whsec_` and base64.
    secret_file: PathBuf,
    /// A file with PEM certificates of authorities.
    ca: Option<PathBuf>,
    #[serde(default)]
    allow_http: bool,
}

impl WebhookRule {
    /// All of them, with what they name.
    pub(super) fn resolve_all(rules: Vec<Self>) -> Result<Vec<Webhook>, SettingsError> {
        let mut webhooks: Vec<Webhook> = Vec::with_capacity(rules.len());
        for (number, rule) in (1..).zip(rules) {
            let webhook = rule.resolve(number)?;
            if webhooks
                .iter()
                .any(|other| other.target() == webhook.target())
            {
                return Err(format!(
                    "the URL of the webhook number {number} of the settings file stands there twice; leave one out"
                ));
            }
            webhooks.push(webhook);
        }
        if webhooks.len() > MOST {
            return Err(format!(
                "there are {} webhooks in the settings file; at most {MOST} are allowed",
                webhooks.len()
            ));
        }
        Ok(webhooks)
    }

    fn resolve(self, number: usize) -> Result<Webhook, SettingsError> {
        let of = format!("of the webhook number {number} of the settings file");
        let file = &self.secret_file;
        let text = private::read(file, &format!("the secret {of},"), NO_SECRET)?;
        let secret = SigningSecret::parse(text.expose().trim()).map_err(|error| {
            format!("the secret {of}, {}, {error}; {NO_SECRET}", file.display())
        })?;
        let authorities = self.ca.map(|file| {
            std::fs::read(&file).map_err(|error| {
                format!(
                    "the certificates {} {of} cannot be read: {error}",
                    file.display()
                )
            })
        });
        Webhook::new(&self.url, secret, authorities.transpose()?, self.allow_http)
            .map_err(|why| format!("the URL {of} {why}"))
    }
}

const NO_SECRET: &str = "make one with `(umask 077; echo whsec_$(openssl rand -base64 32) > FILE)`";
/// Each is a row in the outbox for each alert.
const MOST: usize = 10;

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[derive(Deserialize)]
    struct File {
        webhooks: Vec<WebhookRule>,
    }

    #[test]
    fn webhooks_need_a_secret_of_their_owner_and_errors_show_neither_it_nor_the_url() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("secret");
        let read = |secret: &str, mode: u32, tables: &str| {
            std::fs::write(&file, secret).unwrap();
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let text = tables.replace("FILE", &format!("secret-file = {file:?}"));
            let read: File = toml::from_str(&text).unwrap();
            WebhookRule::resolve_all(read.webhooks)
        };
        let good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
        let one = "[[webhooks]]\nurl = \"https://h.x/in?key=pa55\"\nFILE\n";
        let webhooks = read(good, 0o600, one).unwrap();
        assert_eq!(webhooks.len(), 1);
        assert_eq!(webhooks[0].host(), "h.x");
        let plain = one.replace("https", "http");
        assert!(read(good, 0o400, &format!("{plain}allow-http = true")).is_ok());
        for (secret, mode, tables, why) in [
            (
                good,
                0o644,
                one.to_owned(),
                "can be read by others (mode 0644)",
            ),
            (
                "whsec_c2hvcnQ=",
                0o600,
                one.to_owned(),
                "has 5 bytes; 24 to 64 are needed",
            ),
            ("pa55", 0o600, one.to_owned(), "is not `whsec_` and base64"),
            (
                good,
                0o600,
                plain,
                "number 1 of the settings file is plain http",
            ),
            (
                good,
                0o600,
                one.repeat(2),
                "number 2 of the settings file stands there twice",
            ),
            (good, 0o600, format!("{one}ca = \"/no/such\""), "/no/such"),
        ] {
            let error = read(secret, mode, &tables).err().unwrap();
            assert!(error.contains(why) && !error.contains("pa55"), "{error}");
        }
        std::fs::remove_file(&file).unwrap();
        let absent = toml::from_str::<File>(&one.replace("FILE", "secret-file = \"/no/such\""));
        let error = WebhookRule::resolve_all(absent.unwrap().webhooks)
            .err()
            .unwrap();
        assert!(
            error.contains("/no/such cannot be read") && error.contains("openssl"),
            "{error}"
        );
    }
}
