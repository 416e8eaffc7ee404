//! The service of regcred: the platform's GraphQL interface, authentication, limits, configuration.
//!
//! A connection (`net`) carries requests to a table of routes (`http`), where method, token, type and size of a
//! GraphQL request are looked at. Then it passes the door (`door`): JSON, the guard; only then the parser sees it. The resolvers
//! (`graphql`) are an adapter that speaks the platform's names; what they do is done by the use cases of
//! `regcred-core`.

mod alerts;
mod app;
mod checks;
mod door;
#[doc(hidden)]
pub mod fuzzing;
mod graphql;
mod http;
mod installation;
mod limits;
mod logging;
mod metrics;
mod migration;
mod net;
pub mod operator;
mod proving;
mod serve;
mod settings;
#[cfg(test)]
mod testing;
mod webhooks;

pub use graphql::schema_text;
pub use http::route_table;
pub use serve::serve;
pub use settings::{MigrateArgs, ServeArgs, StoreArgs};
