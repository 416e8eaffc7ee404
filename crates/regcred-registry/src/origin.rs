//! Scheme, host and port: what credentials belong to.

use regcred_core::registry::RegistryKey;
use regcred_core::verification::Verdict;
use reqwest::Url;

/// An origin, with the URL of its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(Url);

impl Origin {
    /// Of a registry, by https or plain http. Docker Hub's API is at a name of its own.
    pub(crate) fn of_registry(key: &RegistryKey, scheme: &str) -> Result<Self, Verdict> {
        let host = if key.host() == DOCKER_HUB {
            DOCKER_HUB_API
        } else {
            key.host()
        };
        let root = Url::parse(&format!("{scheme}://{host}/")).map_err(|_| Verdict::Blocked)?;
        Ok(Self(root))
    }

    /// Of a URL.
    pub(crate) fn of_url(url: &Url) -> Self {
        let mut root = url.clone();
        root.set_path("/");
        root.set_query(None);
        root.set_fragment(None);
        Self(root)
    }

    /// The URL of a path below the root.
    pub(crate) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    /// The root.
    pub(crate) fn root(&self) -> &Url {
        &self.0
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host as registry keys have it, with the port where it is not the scheme's own.
    pub(crate) fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

pub(crate) const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_API: &str = "registry-1.docker.io";
