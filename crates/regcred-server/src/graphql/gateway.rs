//! The gateway: the one query that the platform's client needs before it creates a project.

use async_graphql::{Interface, Object, SimpleObject};
use regcred_core::project::{
    CATALOGUE_ID, CATALOGUE_NAME, TECHNOLOGIES, Technology as Known, TechnologyKind,
};

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
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub(super) struct $name {
            id: Uuid,
            label: String,
            available: bool,
        }

        impl From<&Known> for $name {
            fn from(known: &Known) -> Self {
                Self { id: Uuid::new(&known.id), label: known.label.to_owned(), available: true }
            }
        }
    };
}

technology!(
    /// For jobs.
    JobTechnology
);
technology!(
    /// For Spark jobs.
    SparkTechnology
);
technology!(
    /// For apps.
    AppTechnology
);

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
}

fn technology(known: &Known) -> Technology {
    match known.kind {
        TechnologyKind::Job => Technology::Job(known.into()),
        TechnologyKind::Spark => Technology::Spark(known.into()),
        TechnologyKind::App => Technology::App(known.into()),
    }
}
