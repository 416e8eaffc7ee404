//! The operator's commands: they work on the database and its key directly, without a server.

use std::sync::Arc;

use regcred_core::access::{AdminGrant, RequestId};
use regcred_core::people::{Login, LoginPassword};
use regcred_core::random::SystemRandom;
pub use regcred_core::secret::SecretText;
use regcred_core::service::CreateUser;
use regcred_core::verification::Watch;
use regcred_core::{Error, ErrorKind};
pub use regcred_storage::{Doing, Progress};

use crate::installation::Installation;
use crate::logging;
pub use crate::migration::{Moved, Step, migrate};
use crate::settings::{LogFormat, SettingsError, StoreArgs};

/// Why a command failed, in a sentence that says what to do.
#[derive(Debug)]
pub enum OperatorError {
    /// The input breaks a rule.
    Invalid(String),
    /// Something equal exists already.
    Conflict(String),
    /// Anything else: the settings, the key, the database.
    Failed(String),
}

impl From<SettingsError> for OperatorError {
    fn from(message: SettingsError) -> Self {
        Self::Failed(message)
    }
}

impl From<Error> for OperatorError {
    fn from(error: Error) -> Self {
        let message = told(&error);
        match error.kind() {
            ErrorKind::Invalid => Self::Invalid(message),
            ErrorKind::Conflict => Self::Conflict(message),
            _ => Self::Failed(message),
        }
    }
}

/// The user to create.
pub struct NewUser {
    /// The login.
    pub login: String,
    /// The password.
    pub password: SecretText,
    /// Whether the user is an admin of the platform.
    pub admin: bool,
    /// The groups that the user belongs to.
    pub groups: Vec<String>,
}

/// `regcred user create`: creates a user, and the installation where there is none yet. Returns the canonical login.
pub fn create_user(store: StoreArgs, user: NewUser) -> Result<String, OperatorError> {
    let NewUser {
        login,
        password,
        admin,
        groups,
    } = user;
    let login = Login::parse(&login)?;
    let password = LoginPassword::parse_new(password.expose().to_owned())?;
    let groups = groups
        .iter()
        .map(|group| regcred_core::people::GroupName::parse(group))
        .collect::<Result<_, _>>()?;
    at_work(store, true, async |installation| {
        let password = password.hash(installation.service.random())?;
        let user = CreateUser {
            login,
            password,
            admin,
            groups,
        };
        let account = installation.service.create_user_as(&grant()?, user).await?;
        Ok(account.login.as_str().to_owned())
    })
}

/// `regcred key status`: opens every sealed password, of credentials and of users. The text says how many open and which
/// do not; it is an error where any does not.
pub fn key_status(store: StoreArgs) -> Result<String, OperatorError> {
    let report = at_work(store, false, async |installation| {
        installation.service.prove_records(&grant()?).await
    })?;
    if report.damaged.is_empty() {
        return Ok(format!(
            "the key opens the installation and all {} sealed passwords",
            report.intact
        ));
    }
    let damaged = report.damaged.iter().fold(String::new(), |text, record| {
        text + &format!("\n  {}: {}", record.what, record.reason)
    });
    Err(OperatorError::Failed(format!(
        "{} sealed passwords open, {} do not; replace these with fresh ones:{damaged}",
        report.intact,
        report.damaged.len()
    )))
}

/// `regcred audit verify`: walks the audit trail. The text says how many events are intact.
pub fn audit_verify(store: StoreArgs) -> Result<String, OperatorError> {
    let events = at_work(store, false, async |installation| {
        installation.service.verify_trail().await
    })?;
    Ok(format!("the audit trail is intact: {events} events"))
}

fn at_work<T>(
    store: StoreArgs,
    make: bool,
    work: impl AsyncFnOnce(Arc<Installation>) -> regcred_core::Result<T>,
) -> Result<T, OperatorError> {
    let (place, kek) = store.resolve()?;
    // What the operator is warned of, such as a key that lies beside the database.
    let _flush = logging::start("warn", Some(LogFormat::Human))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot be started: {error}"))?;
    runtime.block_on(async {
        let place = place.passing_by();
        let opened = Installation::open(&place, &kek, make, Watch::default())?;
        let installation = Arc::new(opened);
        let done = work(Arc::clone(&installation)).await;
        installation.store.close().await;
        Ok(done?)
    })
}

pub(crate) fn grant() -> regcred_core::Result<AdminGrant> {
    Ok(AdminGrant::for_operator(RequestId::generate(
        &SystemRandom,
    )?))
}

/// The operator may read the log's detail.
pub(crate) fn told(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::Internal | ErrorKind::Unavailable, Some(detail)) => detail.to_owned(),
        _ => error.message().to_owned(),
    }
}
