//! Writing the files, each as its clients read it.

use regcred_client::Secret;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::kubernetes::{Namespace, SecretName, manifest};
use super::login::auth;
use super::{DOCKER_HUB, DOCKER_HUB_OF_DOCKER};

/// What is written.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// docker's `config.json`.
    ConfigJson,
    /// containers' `auth.json`, for podman, skopeo and buildah.
    AuthJson,
    /// A manifest of a pull secret, in YAML.
    Kubernetes {
        name: SecretName,
        namespace: Option<Namespace>,
    },
    /// The value of the variable `DOCKER_AUTH_CONFIG`, on one line.
    DockerAuthConfig,
}

/// One login that is written.
pub(crate) struct Line {
    /// In canonical form: `host[:port][/scope]`, `docker.io` for Docker Hub.
    pub(crate) registry_key: String,
    /// Without a colon.
    pub(crate) username: String,
    pub(crate) password: Secret,
}

/// The text of a file with these logins, each of another registry.
pub(crate) fn write(target: &Target, lines: &[Line]) -> Result<Secret, String> {
    let file = Auths { of: lines, target };
    let text = match target {
        Target::Kubernetes { .. } | Target::DockerAuthConfig => serde_json::to_string(&file),
        Target::ConfigJson | Target::AuthJson => indented(&file),
    };
    let text = Secret::new(text.map_err(|error| error.to_string())?);
    match target {
        Target::Kubernetes { name, namespace } => manifest(&text, name, namespace.as_ref()),
        _ => Ok(text),
    }
}

/// The key by which the clients of a target look for a registry.
fn key<'a>(target: &Target, registry_key: &'a str) -> &'a str {
    match target {
        Target::AuthJson => registry_key,
        _ if registry_key == DOCKER_HUB => DOCKER_HUB_OF_DOCKER,
        _ => registry_key,
    }
}

/// With tabs, as docker and podman write it, and a line break at the end.
fn indented(file: &Auths<'_>) -> serde_json::Result<String> {
    let mut text = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    file.serialize(&mut serde_json::Serializer::with_formatter(&mut text, form))?;
    text.push(b'\n');
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

/// The whole file.
struct Auths<'a> {
    of: &'a [Line],
    target: &'a Target,
}

/// The object `auths`.
struct Entries<'a>(&'a Auths<'a>);

/// One entry of it.
#[derive(Serialize)]
struct Entry<'a> {
    // As `kubectl create secret docker-registry` does; docker's own files hold `auth` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    auth: &'a str,
}

impl Serialize for Auths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("auths", &Entries(self))?;
        map.end()
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Auths { of, target } = self.0;
        let in_full = matches!(target, Target::Kubernetes { .. });
        let mut map = serializer.serialize_map(Some(of.len()))?;
        for line in *of {
            let auth = auth(&line.username, &line.password);
            let entry = Entry {
                username: in_full.then_some(line.username.as_str()),
                password: in_full.then(|| line.password.expose()),
                auth: auth.expose(),
            };
            map.serialize_entry(key(target, &line.registry_key), &entry)?;
        }
        map.end()
    }
}
