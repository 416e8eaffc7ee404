//! `regcred job` and `regcred app`: what a project runs, with which credentials.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use regcred_client::{CredentialsId, Error, Image, ProjectId, WorkloadId, WorkloadInfo, Workloads};

use super::InProject;
use super::records::WorkloadRecord;
use crate::connection::Link;
use crate::failure::{Exit, Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::OutputArgs;
use crate::prompt::confirm;

#[derive(Args)]
pub(super) struct WorkloadCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    args: InProject,
}

#[derive(Subcommand)]
enum Command {
    /// List them with the image that each runs now, and the credentials that it is pulled with
    List,
    /// Create one that runs an image
    Create {
        /// Its name, which no other one in the project has, whatever the case
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        #[command(flatten)]
        image: ImageArgs,
    },
    /// Let it run another image, or the same with other credentials; the versions before stay
    Upgrade {
        /// Its id or its name
        which: String,
        #[command(flatten)]
        image: ImageArgs,
        /// Pull it without credentials from now on [default: with those there are]
        #[arg(long, conflicts_with = "credentials")]
        no_credentials: bool,
    },
    /// Delete it with all its versions
    Delete {
        /// Its id or its name
        which: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// What is run.
#[derive(Args)]
struct ImageArgs {
    /// The image, such as ghcr.io/team/app:1
    #[arg(long, value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    image: String,
    /// The Docker credentials of the project that it is pulled with
    #[arg(long, value_name = "ID")]
    credentials: Option<CredentialsId>,
}

impl WorkloadCommand {
    /// Runs the command on the jobs or the apps that `of` gives; `word` is what one of them is called.
    pub(super) async fn run<Id: WorkloadId>(
        &self,
        interrupt: &Interrupt,
        word: &'static str,
        of: fn(&regcred_client::Client) -> Workloads<Id>,
    ) -> Result<()> {
        let link = self.args.client.connection.link()?;
        let project = link.project(&self.args.project).await?;
        let room = Room {
            workloads: of(&link.client),
            link,
            project,
            word,
            output: self.args.client.output,
        };
        match &self.command {
            Command::List => room.list().await,
            Command::Create { name, image } => room.create(name, image).await,
            Command::Upgrade {
                which,
                image,
                no_credentials,
            } => room.upgrade(which, image, *no_credentials).await,
            Command::Delete { which, yes } => room.delete(which, *yes, interrupt).await,
        }
    }
}

/// What the commands work on.
struct Room<Id> {
    workloads: Workloads<Id>,
    link: Link,
    project: ProjectId,
    word: &'static str,
    output: OutputArgs,
}

impl<Id: WorkloadId> Room<Id> {
    async fn list(&self) -> Result<()> {
        let all = self.link.done(self.workloads.list(self.project).await)?;
        let records: Vec<_> = all.into_iter().map(WorkloadRecord::new).collect();
        self.output.list(&records)
    }

    async fn create(&self, name: &str, given: &ImageArgs) -> Result<()> {
        let image = Image {
            image: given.image.clone(),
            credentials: given.credentials,
        };
        let made = self.workloads.create(self.project, name, &image).await;
        let record = WorkloadRecord::new(WorkloadInfo {
            id: self.sent(made, OTHERS_OR_NONE)?,
            name: name.to_owned(),
            version: 1,
            image: Some(image),
        });
        let line = format!("created {} {name} {}", self.word, record.id);
        self.output.changed(&record, &line)
    }

    async fn upgrade(&self, which: &str, given: &ImageArgs, without: bool) -> Result<()> {
        let present = self.find(which).await?;
        let kept = present.image.as_ref().and_then(|image| image.credentials);
        let image = Image {
            image: given.image.clone(),
            credentials: given.credentials.or(kept).filter(|_| !without),
        };
        let added = self.workloads.add_version(present.id, &image).await;
        let version = self.sent(added, OTHERS_OR_NONE_FROM_NOW_ON)?;
        let record = WorkloadRecord::new(WorkloadInfo {
            version,
            image: Some(image),
            ..present
        });
        let line = format!(
            "upgraded {} {} to version {version}",
            self.word, record.name
        );
        self.output.changed(&record, &line)
    }

    async fn delete(&self, which: &str, yes: bool, interrupt: &Interrupt) -> Result<()> {
        let found = self.find(which).await?;
        let question = format!(
            "Delete the {} {} with all its versions?",
            self.word, found.name
        );
        confirm(interrupt, &question, yes).await?;
        self.link.done(self.workloads.delete(found.id).await)?;
        let id = found.id.to_string();
        let line = format!("deleted {} {} {id}", self.word, found.name);
        self.output.deleted(&id, &line)
    }

    /// One by its id, or else its name, which are compared as they stand: a name can be the id of another one. For an id
    /// nothing is listed, for a list may be too long to be told.
    async fn find(&self, which: &str) -> Result<WorkloadInfo<Id>> {
        let by_id = which.parse::<Id>().ok();
        if let Some(id) = by_id.filter(|id| id.to_string() == which) {
            match self.workloads.get(self.project, id).await {
                Err(Error::NotFound { .. }) => {}
                found => return self.link.done(found),
            }
        }
        let all = self.link.done(self.workloads.list(self.project).await)?;
        let found = all.into_iter().find(|one| one.name == which);
        found.ok_or_else(|| {
            Failure::new(
                Exit::NotFound,
                format!("there is no {} {which:?} in the project", self.word),
                format!("look what there is with `regcred {} list`", self.word),
            )
        })
    }

    /// What came of a version that was sent. Credentials are named by a flag, which `others` says, and not by the
    /// field that the server tells.
    fn sent<T>(&self, sent: regcred_client::Result<T>, others: &str) -> Result<T> {
        sent.map_err(|error| {
            let credentials = matches!(
                &error,
                Error::Invalid { field: Some(field), .. } if field == "dockerCredentialsId"
            );
            let failure = self.link.failure(error);
            if credentials {
                return failure.with_hint(others);
            }
            failure
        })
    }
}

const OTHERS_OR_NONE: &str = "name others with `--credentials ID`, or give it none";
const OTHERS_OR_NONE_FROM_NOW_ON: &str =
    "name others with `--credentials ID`, or none with `--no-credentials`";
