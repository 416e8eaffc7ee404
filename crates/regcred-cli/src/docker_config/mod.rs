//! The files in which clients of registries keep logins: docker's `config.json`, containers' `auth.json`, a Kubernetes
//! manifest of a pull secret, the variable `DOCKER_AUTH_CONFIG`, and the legacy `.dockercfg`.
//!
//! Reading tells everything that is odd, entry by entry, and drops nothing without a word. What is written for one
//! client is read back without a change. The two places where passwords are in the clear are [`Login`] and the texts
//! of files, both of which are [`regcred_client::Secret`].

pub(crate) mod edit;
pub(crate) mod key;
mod kubernetes;
mod lenient;
mod login;
pub(crate) mod places;
pub(crate) mod program;
mod read;
pub(crate) mod strict;
mod write;

pub(crate) use self::kubernetes::{Namespace, SecretName};
pub(crate) use self::login::Login;
pub(crate) use self::read::{Contents, Entry, read};
pub(crate) use self::write::{Line, Target, write};

/// The only key under which docker and the kubelet look for Docker Hub.
pub(crate) const DOCKER_HUB_OF_DOCKER: &str = "https://index.docker.io/v1/";
/// The key of Docker Hub in containers' `auth.json`, and regcred's own name for it.
pub(crate) const DOCKER_HUB: &str = "docker.io";

#[cfg(test)]
mod tests;
