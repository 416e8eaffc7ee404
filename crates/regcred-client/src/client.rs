//! The client: how it is set up, and what it offers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::address::{Address, PlatformUrl};
use crate::docker_credentials::DockerCredentials;
use crate::error::{Error, Result};
use crate::projects::Projects;
use crate::regcred::Regcred;
use crate::secret::Secret;
use crate::session::Session;
use crate::transport::{Limits, Transport, certificates};
use crate::workloads::{Apps, Jobs};

/// A connection to one platform, as one principal. Clones share connections and the token.
///
/// ```no_run
/// # async fn example() -> regcred_client::Result<()> {
/// use regcred_client::{Client, Secret};
///
/// let password = Secret::new(std::env::var("REGCRED_PASSWORD").unwrap_or_default());
/// let client = Client::builder("https://regcred.example")
///     .platform(1)
///     .realm("acme")
///     .login("ada", password)
///     .await?;
/// let project = client.projects().by_name("demo").await?;
/// for credentials in client.docker_credentials().list_for_project(project.id).await? {
///     println!("{} {}", credentials.registry, credentials.username);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

/// How to reach a platform, before a principal is known.
#[derive(Clone)]
pub struct ClientBuilder {
    url: String,
    platform: u32,
    realm: Option<String>,
    authorities: Vec<u8>,
    allow_plain_http: bool,
    limits: Limits,
}

/// What the operations of one client share.
pub(crate) struct Shared {
    pub(crate) transport: Transport,
    pub(crate) session: Session,
    pub(crate) platform: u32,
}

impl Client {
    /// Begins a client of the installation at this URL, such as `https://regcred.example`.
    #[must_use]
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder {
            url: url.to_owned(),
            platform: 1,
            realm: None,
            authorities: Vec::new(),
            allow_plain_http: false,
            limits: Limits::default(),
        }
    }

    /// Logs in with nothing but the full URL of a platform, as one copies it from a browser:
    /// `https://acme-workspace.prod.saagie.io/projects/platform/6/`. It holds the platform's number, and the realm
    /// before the first hyphen of the host.
    pub async fn easy_connect(full_url: &str, login: &str, password: Secret) -> Result<Self> {
        let full = PlatformUrl::parse(full_url)?;
        Self::builder(&full.url)
            .platform(full.platform)
            .realm(&full.realm)
            .login(login, password)
            .await
    }

    /// The Docker credentials of projects.
    #[must_use]
    pub fn docker_credentials(&self) -> DockerCredentials {
        DockerCredentials::new(self.clone())
    }

    /// The projects.
    #[must_use]
    pub fn projects(&self) -> Projects {
        Projects::new(self.clone())
    }

    /// The jobs of projects, as far as they run an image.
    #[must_use]
    pub fn jobs(&self) -> Jobs {
        Jobs::new(self.clone())
    }

    /// The apps of projects, as far as they run an image.
    #[must_use]
    pub fn apps(&self) -> Apps {
        Apps::new(self.clone())
    }

    /// What only regcred has; the original platform answers these with [`Error::Unsupported`].
    #[must_use]
    pub fn regcred(&self) -> Regcred {
        Regcred::new(self.clone())
    }

    /// The token with which the client asks now, for whoever keeps it for a later client.
    ///
    /// It opens everything that its principal may do: keep it as you would keep the password.
    #[must_use]
    pub fn token(&self) -> Arc<Secret> {
        self.shared.session.token()
    }
}

/// The URL and the platform, nothing of the session.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.shared.transport.address().to_string())
            .field("platform", &self.shared.platform)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// The number of the platform; 1 unless given.
    #[must_use]
    pub fn platform(mut self, platform: u32) -> Self {
        self.platform = platform;
        self
    }

    /// The realm in which the login counts. The original platform wants one, regcred only where one is configured.
    #[must_use]
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = Some(realm.to_owned());
        self
    }

    /// Trusts the authorities of these PEM certificates too, besides those of the system. May be called again.
    #[must_use]
    pub fn ca_certificates(mut self, pem: &[u8]) -> Self {
        self.authorities.extend_from_slice(pem);
        self.authorities.push(b'\n');
        self
    }

    /// Lets `http://` reach hosts other than this machine. Passwords and tokens then cross the network in the clear.
    #[must_use]
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// How long a connection may take; 5 seconds unless given.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.limits.connect = timeout;
        self
    }

    /// How long one request may take, its answer included; unless given 10 seconds, and as long as all of it where
    /// the server itself has to ask somebody ([`Regcred::verify`]).
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.limits.request = Some(timeout);
        self
    }

    /// How long a request may take in all, with repetitions and another login; 30 seconds unless given. An operation
    /// that has to look first, such as those by username, is two requests.
    #[must_use]
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.limits.total = timeout;
        self
    }

    /// How often a request that is safe to repeat is repeated; 2 unless given.
    ///
    /// Safe is what only reads, and what certainly did not reach the server. A change whose answer was lost is never
    /// repeated: its error says so ([`Error::outcome`]).
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.limits.retries = retries;
        self
    }

    /// Whether the URL is one that may be asked and the certificates can be read; nothing is sent. For whoever asks
    /// for a password only then.
    pub fn check(&self) -> Result<()> {
        self.address()?;
        certificates(&self.authorities).map(|_| ())
    }

    /// Logs in. Login and password are kept, so that the client logs in again by itself, once for each time that a
    /// request is sent, where its token is no longer accepted.
    pub async fn login(self, login: &str, password: Secret) -> Result<Client> {
        let transport = self.transport()?;
        let session = Session::log_in(&transport, login, password, self.realm).await?;
        Ok(Client {
            shared: Arc::new(Shared {
                transport,
                session,
                platform: self.platform,
            }),
        })
    }

    /// Asks with a token that there is already. Nothing is sent yet.
    pub fn token(self, token: Secret) -> Result<Client> {
        let transport = self.transport()?;
        Ok(Client {
            shared: Arc::new(Shared {
                session: Session::with_token(token)?,
                transport,
                platform: self.platform,
            }),
        })
    }

    fn transport(&self) -> Result<Transport> {
        Transport::new(self.address()?, &self.authorities, self.limits)
    }

    fn address(&self) -> Result<Address> {
        let address = Address::parse(&self.url)?;
        if address.in_the_clear() && !self.allow_plain_http {
            let message = format!(
                "{address} is plain http: password and token would cross the network in the clear; use https, or allow \
                 plain http explicitly"
            );
            return Err(Error::invalid("url", message));
        }
        Ok(address)
    }
}
