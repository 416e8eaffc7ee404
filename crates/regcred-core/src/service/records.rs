//! The proof that every sealed record still opens, for the operator.

use crate::access::AdminGrant;
use crate::error::Result;
use crate::people::PasswordHash;
use crate::sealing::SealError;
use crate::service::Service;

/// What the proof found.
#[derive(Debug, Default)]
pub struct RecordsReport {
    /// How many records open.
    pub intact: u64,
    /// Those that do not.
    pub damaged: Vec<DamagedRecord>,
}

/// A record that does not open.
#[derive(Debug)]
pub struct DamagedRecord {
    /// Whose password it is.
    pub what: String,
    /// Why it does not open.
    pub reason: SealError,
}

impl RecordsReport {
    fn count<T>(&mut self, opened: &Result<T, SealError>, what: impl FnOnce() -> String) {
        match opened {
            Ok(_) => self.intact += 1,
            Err(reason) => self.damaged.push(DamagedRecord {
                what: what(),
                reason: *reason,
            }),
        }
    }
}

impl Service {
    /// Opens the password of all credentials and of all users, shows none.
    pub async fn prove_records(&self, grant: &AdminGrant) -> Result<RecordsReport> {
        let mut report = RecordsReport::default();
        let mut after = None;
        loop {
            let batch = self.store.sealed_passwords(grant, after, BATCH).await?;
            let Some(last) = batch.last() else { break };
            after = Some((last.project, last.credentials.id, last.credentials.version));
            for stored in &batch {
                let opened = self.keys.open_record(&stored.binding(), &stored.password);
                report.count(&opened, || {
                    format!(
                        "project {}, credentials {}, version {}",
                        stored.project, stored.credentials.id, stored.credentials.version
                    )
                });
            }
        }
        for user in self.store.users(grant).await? {
            let Some(secret) = self.store.user_secret(&user.login).await? else {
                continue;
            };
            let binding = PasswordHash::binding(&secret.id, &secret.login, secret.password_version);
            report.count(&self.keys.open_record(&binding, &secret.password), || {
                format!("user {}", user.login.as_str())
            });
        }
        Ok(report)
    }
}

const BATCH: usize = 1_000;
