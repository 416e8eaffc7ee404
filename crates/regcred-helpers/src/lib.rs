//! What docker, podman, skopeo and the kubelet run to get registry credentials: two programs on the published client.
//!
//! `docker-credential-regcred` speaks the protocol of docker's credential helpers ([`docker`]);
//! `regcred-kubelet-provider` that of the kubelet's credential providers ([`kubelet`]). Both read what they are asked
//! from standard input, ask regcred, look at its answer once more (`reference`), and print it. They keep nothing,
//! unless a cache is asked for (`cache`).
//!
//! Whatever happens, a run ends within ten seconds (`process`), and a password goes to standard output and nowhere
//! else.

mod access;
mod cache;
mod config;
pub mod docker;
mod failure;
mod input;
pub mod kubelet;
mod process;
mod reference;
