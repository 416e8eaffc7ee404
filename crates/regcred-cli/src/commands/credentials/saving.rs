//! What may be said of a password that is saved, besides the password: what only regcred knows.

use clap::{Args, ValueEnum};
use regcred_client::regcred::{VerifyBeforeSaving, VersionState};
use regcred_client::{CredentialsId, DockerCredentials};

use super::Room;
use super::moment::Expiry;
use crate::commands::records::tried;
use crate::failure::Result;
use crate::output::note;

#[derive(Args, Clone, Debug)]
pub(super) struct Saving {
    /// When the password runs out, where that is known: 90d, 2027-03-20 or 2027-03-20T14:00:00Z (regcred's own)
    #[arg(long, value_name = "WHEN")]
    pub(super) expires: Option<Expiry>,
    #[command(flatten)]
    pub(super) proof: Proof,
}

#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Proof {
    /// Have the password tried at its registry before it is saved (regcred's own)
    ///
    /// A password that the registry refuses is not saved: exit code 9. Where nothing can be proved, because the registry is
    /// away or asks for no login, it is saved, unless --verify=proved is given. The project's settings may demand as much.
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "not-refused"
    )]
    pub(super) verify: Option<BeforeSaving>,
}

/// What has to be proved of a password before it is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BeforeSaving {
    /// That its registry does not refuse it
    NotRefused,
    /// That it works
    Proved,
}

impl Proof {
    pub(super) fn demanded(self) -> Option<VerifyBeforeSaving> {
        self.verify.map(|demanded| match demanded {
            BeforeSaving::NotRefused => VerifyBeforeSaving::NotRefused,
            BeforeSaving::Proved => VerifyBeforeSaving::Proved,
        })
    }

    /// Says what came of trying the version that is in this state now: the command's own words say only that it was saved.
    pub(super) async fn tell(
        self,
        room: &Room,
        id: CredentialsId,
        state: VersionState,
    ) -> Result<()> {
        if self.verify.is_none() {
            return Ok(());
        }
        let regcred = room.link.client.regcred();
        let versions = room.link.done(regcred.versions(room.project, id).await)?;
        let mut versions = versions.iter();
        let saved = versions.find(|version| version.state == state);
        let said = match saved.and_then(|version| version.verification) {
            Some(verification) => format!("tried before: {}", tried(&verification)),
            None => "not tried: too many are being tried now; do so later with `regcred verify`"
                .to_owned(),
        };
        note(room.output.quiet, &said);
        Ok(())
    }
}

impl Saving {
    /// The operations, of which those that set a password say this with it.
    pub(super) fn operations(&self, credentials: &DockerCredentials) -> DockerCredentials {
        let mut credentials = credentials.clone();
        if let Some(at) = self.expires {
            credentials = credentials.expiring_at(at.0);
        }
        if let Some(verify) = self.proof.demanded() {
            credentials = credentials.verified(verify);
        }
        credentials
    }
}
