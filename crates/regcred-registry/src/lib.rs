//! Proves that registry credentials work, by logging in where they are for. The only crate that sends credentials out.
//!
//! [`Prover::prove`] follows the way of a login of docker's: an anonymous request, the challenge that comes back, Basic
//! or a token from the realm that the challenge names. What comes of it is a [`Proof`] and nothing else: a verdict, how long
//! to wait, and when the password ends; no text and no address of the other end's.
//!
//! [`Courier::deliver`] tells webhooks of what is wrong with them, by the same machinery; no credentials go that way.
//!
//! A registry, and whoever answers in its name, is not trusted: [`policy`] says which addresses may be spoken to, and
//! `realm` which realm may be given the credentials. Names are resolved once, and connections go to what was found
//! then; redirects are not followed, proxies are not used, and time and size are bounded.

mod challenge;
mod gate;
mod hints;
mod http;
mod origin;
pub mod policy;
mod prove;
mod realm;
mod resolve;
mod webhook;

pub use gate::Place;
pub use policy::{Policy, Rule};
pub use prove::{Login, Prover};
pub use regcred_core::verification::{Proof, Verdict};
pub use resolve::{Resolve, SystemResolver};
pub use webhook::{Attempt, Courier, Message, Webhook};
