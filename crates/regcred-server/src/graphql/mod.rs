//! The platform's GraphQL interface: an adapter that speaks its names.
//!
//! Every field that the platform has keeps its name, arguments, type and nullability; what is regcred's own is added
//! beside it. Resolvers turn arguments into the domain's types, call one use case, and give its result the
//! platform's shape. No output type has a field that can hold a password; tokens are told once, by the mutation that
//! makes them.

mod answer;
mod apps;
mod credentials;
mod gateway;
mod job_inputs;
mod jobs;
mod never;
mod people;
mod projects;
mod scalars;
mod secret;
mod technologies;
mod text;
mod tokens;
mod usage;
mod verification;
mod versions;
mod workloads;

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, MergedObject, Schema, ValidationMode,
};

pub(crate) use answer::{finish, refusal};
pub(crate) use gateway::GatewayQuery;
pub(crate) use verification::ASK_A_REGISTRY;

use crate::app::Asker;

/// The schema at `/projects/api/platform/{id}/graphql`.
pub(crate) type PlatformSchema = Schema<Query, Mutation, EmptySubscription>;

/// The schema at `/gateway/api/graphql`.
pub(crate) type GatewaySchema = Schema<GatewayQuery, EmptyMutation, EmptySubscription>;

/// What can be asked.
#[derive(MergedObject, Default)]
pub(crate) struct Query(
    projects::ProjectQueries,
    credentials::CredentialsQueries,
    versions::VersionQueries,
    jobs::JobQueries,
    apps::AppQueries,
    people::PeopleQueries,
    tokens::TokenQueries,
);

/// What can be changed.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    projects::ProjectMutations,
    credentials::CredentialsMutations,
    versions::VersionMutations,
    verification::VerificationMutations,
    jobs::JobMutations,
    apps::AppMutations,
    people::PeopleMutations,
    tokens::TokenMutations,
);

/// The platform's schema; `number` is the platform's id.
pub(crate) fn platform_schema(number: u32, validation: ValidationMode) -> PlatformSchema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .validation_mode(validation)
        .data(projects::PlatformNumber(number))
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .limit_directives(MAX_DIRECTIVES)
        .disable_suggestions()
        .finish()
}

/// The gateway's schema.
pub(crate) fn gateway_schema(validation: ValidationMode) -> GatewaySchema {
    Schema::build(GatewayQuery, EmptyMutation, EmptySubscription)
        .validation_mode(validation)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .limit_directives(MAX_DIRECTIVES)
        .disable_suggestions()
        .finish()
}

/// Both schemas in GraphQL's own language, as they are committed in `schema.graphql`.
#[must_use]
pub fn schema_text() -> String {
    format!(
        "# /projects/api/platform/{{id}}/graphql\n\n{}\n# /gateway/api/graphql\n#\n{}",
        platform_schema(1, ValidationMode::Strict)
            .sdl()
            .trim_start(),
        // One file holds one schema; the second is shown as remarks.
        gateway_schema(ValidationMode::Strict)
            .sdl()
            .trim()
            .lines()
            .fold(String::new(), |text, line| text
                + "# "
                + line.trim_end()
                + "\n"),
    )
}

fn asker<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Asker> {
    ctx.data::<Asker>()
}

/// Says which field of the input, or which argument, holds the value that breaks a rule.
trait InField {
    fn in_field(self, field: &'static str) -> Self;
}

impl<T> InField for regcred_core::Result<T> {
    fn in_field(self, field: &'static str) -> Self {
        self.map_err(|error| error.in_field(field))
    }
}

/// The standard introspection query is 13 deep.
const MAX_DEPTH: usize = 16;
const MAX_COMPLEXITY: usize = 1_000;
/// On one field or fragment.
const MAX_DIRECTIVES: usize = 4;
