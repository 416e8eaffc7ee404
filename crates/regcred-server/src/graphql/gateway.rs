//! The gateway: what the platform's client needs before it creates a project, a job or an app.

use async_graphql::{Interface, Object, Result, SimpleObject};
use regcred_core::Error;
use regcred_core::ids::parse_uuid;
use regcred_core::project::{
    CATALOGUE_ID, CATALOGUE_NAME, Context, TECHNOLOGIES, Technology as Known, TechnologyKind,
    find_technology,
};

use super::never::AppContext;
use super::scalars::Uuid;

/// A catalogue of technologies.
#[derive(SimpleObject)]
pub(super) struct Repository {
    id: Uuid,
    name: String,
    technologies: Vec<Technology>,
}

/// A technology of the catalogue.
#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "&Uuid"),
    field(name = "label", ty = "&String"),
    field(name = "available", ty = "&bool")
)]
pub(super) enum Technology {
    Job(JobTechnology),
    Spark(SparkTechnology),
    App(AppTechnology),
}

macro_rules! technology {
    ($(#[$doc:meta])* $name:ident { $field:ident: $type:ty = $contexts:expr }) => {
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub(super) struct $name {
            id: Uuid,
            label: String,
            available: bool,
            $field: Vec<$type>,
        }

        impl From<&Known> for $name {
            fn from(known: &Known) -> Self {
                Self {
                    id: Uuid::new(&known.id),
                    label: known.label.to_owned(),
                    available: true,
                    $field: $contexts(known),
                }
            }
        }
    };
}

technology!(
    /// For jobs.
    JobTechnology { contexts: JobContext = contexts }
);
technology!(
    /// For Spark jobs.
    SparkTechnology { contexts: JobContext = contexts }
);
technology!(
    /// For apps.
    AppTechnology { app_contexts: AppContext = |_: &Known| Vec::new() }
);

/// A way in which a job of a technology can run.
#[derive(SimpleObject)]
pub(super) struct JobContext {
    id: String,
    label: String,
    available: bool,
}

fn contexts(known: &Known) -> Vec<JobContext> {
    let context = |context: &Context| JobContext {
        id: context.id.to_owned(),
        label: context.label.to_owned(),
        available: true,
    };
    known.contexts.iter().map(context).collect()
}

/// What can be asked of the gateway.
pub(crate) struct GatewayQuery;

#[Object]
impl GatewayQuery {
    /// The catalogues; regcred has one, built in.
    async fn repositories(&self) -> Vec<Repository> {
        vec![Repository {
            id: Uuid::new(&CATALOGUE_ID),
            name: CATALOGUE_NAME.to_owned(),
            technologies: TECHNOLOGIES.iter().map(technology).collect(),
        }]
    }

    /// A technology of the catalogue.
    #[expect(
        clippy::unused_async,
        reason = "resolvers are asynchronous for the library"
    )]
    async fn technology(&self, id: Uuid) -> Result<Option<Technology>> {
        let id = id.read(parse_uuid)?;
        let known = find_technology(id);
        let known = known.ok_or_else(|| {
            Error::not_found(format!(
                "there is no technology {id}; `repositories` lists those there are"
            ))
        })?;
        Ok(Some(technology(known)))
    }
}

fn technology(known: &Known) -> Technology {
    match known.kind {
        TechnologyKind::Job => Technology::Job(known.into()),
        TechnologyKind::Spark => Technology::Spark(known.into()),
        TechnologyKind::App => Technology::App(known.into()),
    }
}
