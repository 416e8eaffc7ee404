//! What only regcred has. Nothing here is sent unless the caller asks for it.

mod members;
mod problem;
mod pulls;
mod settings;
mod tokens;
mod usage;
mod users;
mod verification;
mod versions;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::members::{Member, ProjectRole};
pub use self::pulls::{
    Account, Candidate, Explanation, Pull, Pullable, PullableCredentials, Pulled, Resolution,
    Verdict,
};
pub use self::settings::{ProjectSettings, ProjectSettingsChange};
pub use self::tokens::{NewToken, TokenInfo, TokenRight};
pub use self::usage::{CredentialsUsage, PulledBy, PullsOfDay, RegistryKey, TokenUse};
pub use self::users::{NewUser, UserChange, UserInfo};
pub(crate) use self::verification::PATIENCE;
pub use self::verification::{Verification, VerificationVerdict, VerifyBeforeSaving};
pub use self::versions::{CredentialsVersion, Staging, Switch, Switched, VersionState};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::graphql::{Document, Done, Nothing};
use crate::values::nullable;

/// The operations that regcred adds to the platform's: pulls, verification, versions of credentials, service tokens, users, members of projects,
/// the end of a session. [`Client::regcred`] makes it.
///
/// A server that does not have them answers [`Error::Unsupported`].
#[derive(Clone, Debug)]
pub struct Regcred {
    client: Client,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Me {
    /// What the principal is.
    pub kind: PrincipalKind,
    /// The login of the user, or the name of the service token.
    pub name: String,
    /// Whether it is an admin of the platform.
    pub admin: bool,
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PrincipalKind {
    /// A user who logged in.
    User,
    /// A service token.
    ServiceToken,
}

impl Regcred {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Who the client is.
    pub async fn me(&self) -> Result<Me> {
        #[derive(Deserialize)]
        struct Data {
            me: Me,
        }
        let data: Data = self.execute("account of its own", &ME, Nothing {}).await?;
        Ok(data.me)
    }

    /// Ends the session whose token the client has. Service tokens have none: they are revoked.
    pub async fn logout(&self) -> Result<()> {
        let done: Done = self
            .execute("end of a session", &LOGOUT, Nothing {})
            .await?;
        done.check(&LOGOUT, "there is no session to end")
    }

    /// Executes a document of regcred's own; where it fails in a way in which a server fails that does not know it,
    /// finds out whether that is so.
    pub(crate) async fn execute<D: DeserializeOwned>(
        &self,
        what: &'static str,
        document: &Document,
        variables: impl Serialize,
    ) -> Result<D> {
        let error = match self.client.execute(document, variables).await {
            Ok(data) => return Ok(data),
            Err(error) => error,
        };
        let may_be_foreign = matches!(
            error,
            Error::Invalid { .. } | Error::Refused { .. } | Error::Protocol { .. }
        );
        if may_be_foreign && self.is_foreign().await {
            return Err(Error::Unsupported { what });
        }
        Err(error)
    }

    /// Whether the server certainly lacks what regcred adds.
    async fn is_foreign(&self) -> bool {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "__type", deserialize_with = "nullable")]
            service_token: Option<Name>,
        }
        #[derive(Deserialize)]
        struct Name {
            #[serde(rename = "name")]
            _name: String,
        }
        let known: Result<Data> = self.client.execute(&KNOWN, Nothing {}).await;
        known.is_ok_and(|data| data.service_token.is_none())
    }
}

const ME: Document = Document::query("me", "query me { me { kind name admin } }");
const LOGOUT: Document = Document::mutation("logout", "mutation logout { logout }");
const KNOWN: Document = Document::query(
    "known",
    "query known { __type(name: \"ServiceToken\") { name } }",
);
