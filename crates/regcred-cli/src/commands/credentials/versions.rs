//! `regcred credentials stage|promote|rollback|versions|destroy-version`: rotation step by step.

use clap::Args;
use regcred_client::regcred::{Staging, Switch as Which, Switched, VersionState};

use super::super::InProject;
use super::super::records::{CredentialsRecord, VersionRecord};
use super::saving::Proof;
use super::upgrade::{Given, Next};
use super::{Room, Which as Credentials};
use crate::failure::{Exit, Failure, Result};
use crate::interrupt::Interrupt;
use crate::prompt::confirm;

#[derive(Args)]
pub(super) struct Stage {
    #[command(flatten)]
    next: Next,
}

#[derive(Args)]
pub(super) struct Versions {
    #[command(flatten)]
    which: Credentials,
}

/// Which version is to count.
#[derive(Args)]
struct Switch {
    #[command(flatten)]
    which: Credentials,
    /// Only where this is the version that counts: nobody else's change is lost
    #[arg(long, value_name = "VERSION")]
    expected_version: Option<u32>,
    /// Go on although the registry refused the version when it was tried last
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
pub(super) struct Promote {
    #[command(flatten)]
    switch: Switch,
    /// The number of the version, if another one must not be promoted in its place
    #[arg(long, value_name = "VERSION")]
    version: Option<u32>,
    #[command(flatten)]
    proof: Proof,
}

#[derive(Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    switch: Switch,
    /// The number of the version [default: the one that counted last]
    #[arg(long, value_name = "VERSION")]
    version: Option<u32>,
}

#[derive(Args)]
pub(super) struct DestroyVersion {
    #[command(flatten)]
    which: Credentials,
    /// The number of the version
    #[arg(long, value_name = "VERSION")]
    version: u32,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Stage {
    pub(super) async fn run(&self, args: &InProject, interrupt: &Interrupt) -> Result<()> {
        let room = Room::open(args).await?;
        let Given {
            id,
            password,
            change,
        } = self.next.read(&room, interrupt).await?;
        let staging = Staging {
            registry: change,
            username: self.next.username(),
            expires_at: self.next.saving.expires.map(|at| at.0),
            expected_version: self.next.expected_version,
            verify: self.next.saving.proof.demanded(),
            ..Staging::new(&password)
        };
        let regcred = room.link.client.regcred();
        let staged = regcred.stage(room.project, id, &staging).await;
        let record = VersionRecord::from(told(&room, staged)?);
        let line = format!(
            "staged version {} of {id}: {}",
            record.version,
            record.whom()
        );
        room.output.changed(&record, &line)?;
        self.next
            .saving
            .proof
            .tell(&room, id, VersionState::Staged)
            .await
    }
}

impl Versions {
    pub(super) async fn run(&self, args: &InProject) -> Result<()> {
        let room = Room::open(args).await?;
        let id = room.find(&self.which).await?.id;
        let versions = room.link.client.regcred().versions(room.project, id).await;
        let versions = room.link.done(versions)?.into_iter();
        room.output
            .list(&versions.map(VersionRecord::from).collect::<Vec<_>>())
    }
}

impl Switch {
    fn to(&self, version: Option<u32>) -> Which {
        Which {
            version,
            expected_version: self.expected_version,
            force: self.force,
        }
    }
}

impl Promote {
    pub(super) async fn run(&self, args: &InProject) -> Result<()> {
        let room = Room::open(args).await?;
        let found = room.find(&self.switch.which).await?;
        let (which, verify) = (self.switch.to(self.version), self.proof.demanded());
        let regcred = room.link.client.regcred();
        let promoted = regcred.promote(room.project, found.id, which, verify);
        done(&room, promoted.await, "switched")?;
        self.proof
            .tell(&room, found.id, VersionState::Current)
            .await
    }
}

impl Rollback {
    pub(super) async fn run(&self, args: &InProject) -> Result<()> {
        let room = Room::open(args).await?;
        let found = room.find(&self.switch.which).await?;
        let which = self.switch.to(self.version);
        let regcred = room.link.client.regcred();
        let back = regcred.roll_back(room.project, found.id, which).await;
        done(&room, back, "rolled back")
    }
}

impl DestroyVersion {
    pub(super) async fn run(&self, args: &InProject, interrupt: &Interrupt) -> Result<()> {
        let room = Room::open(args).await?;
        let (id, number) = (room.find(&self.which).await?.id, self.version);
        let regcred = room.link.client.regcred();
        let versions = room.link.done(regcred.versions(room.project, id).await)?;
        let mut versions = versions.into_iter().map(VersionRecord::from);
        let gone = versions.find(|version| version.version == number);
        let gone = gone.ok_or_else(|| {
            Failure::new(
                Exit::NotFound,
                format!("the credentials {id} have no version {number}"),
                LOOK,
            )
        })?;
        let what = format!("version {number} of {id}: {}", gone.whom());
        let question = format!("Destroy {what}? It cannot be brought back");
        confirm(interrupt, &question, self.yes).await?;
        told(
            &room,
            regcred.destroy_version(room.project, id, number).await,
        )?;
        let line = format!("destroyed {what}");
        room.output.deleted(&number.to_string(), &line)
    }
}

/// Says that another version counts.
fn done(room: &Room, switched: regcred_client::Result<Switched>, what: &str) -> Result<()> {
    let switched = told(room, switched)?;
    let record = CredentialsRecord::from(switched.credentials);
    let line = record.line(&format!("{what} to version {} of", switched.version));
    room.output.changed(&record, &line)
}

/// The same with a hint that knows of versions.
pub(super) fn told<T>(room: &Room, done: regcred_client::Result<T>) -> Result<T> {
    room.link.done(done).map_err(|failure| match failure.exit {
        Exit::Conflict | Exit::NotFound => failure.with_hint(LOOK),
        _ => failure,
    })
}

const LOOK: &str = "look what there is with `regcred credentials versions`";
