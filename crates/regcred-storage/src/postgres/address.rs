//! Where the database is and how it is reached: a URL as libpq has it, and a password that may lie in a file.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use regcred_core::secret::SecretText;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, Connection, Socket};

use super::reach::{self, each_host};
use super::tls::{Stream, Tls};
use crate::OpenError;

/// A database of PostgreSQL, and how to reach it. Off this machine it is reached over TLS, and its certificate is
/// verified with the name in it.
#[derive(Clone)]
pub struct PostgresOptions {
    config: Config,
    /// The same for each host alone.
    hosts: Vec<Config>,
    tls: Tls,
    connections: usize,
    /// Whether it serves, and so listens to others and may lead.
    serves: bool,
}

impl PostgresOptions {
    /// Reads a URL: `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]...]/DATABASE`, with libpq's parameters. `sslmode`
    /// may be `verify-full`, which is what hosts other than this machine are reached with, or `disable` for this machine;
    /// `sslrootcert` names a file of authorities in the place of the system's. `password` counts where the URL has none.
    pub fn parse(url: &SecretText, password: Option<&SecretText>) -> Result<Self, OpenError> {
        let url = url.expose();
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err(OpenError::new(
                "a database URL begins with postgres://, such as postgres://regcred@db.example.com/regcred".to_owned(),
            ));
        }
        let (url, security) = Security::take_from(url)?;
        let config = read(&url, password)?;
        let torn = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
        if config.get_hosts().iter().any(torn) {
            return Err(OpenError::new(
                "the database URL has a second @ before its host; spell one in the password %40, or give the password in a file"
                    .to_owned(),
            ));
        }
        let mut hosts = config.get_hosts().iter();
        let away = hosts.find(|host| !is_here(host)).cloned();
        // An address in the place of the one that a name has.
        let mut addresses = config.get_hostaddrs().iter();
        let address = addresses.find(|address| !address.is_loopback());
        let away = away.or(address.map(|address| Host::Tcp(address.to_string())));
        let verified = match (security.mode.as_deref(), away) {
            (None | Some("verify-full"), Some(_)) | (Some("verify-full"), None) => true,
            (None | Some("disable" | "prefer"), None) => false,
            (Some(mode), Some(Host::Tcp(host))) => {
                return Err(OpenError::new(format!(
                    "sslmode={mode} would let others read what goes to {host}, or answer in its place; leave it out or \
                     give verify-full, with sslrootcert=FILE where the authority is not one of the system's"
                )));
            }
            (Some(mode), _) => {
                return Err(OpenError::new(format!(
                    "sslmode is verify-full, or disable for a database on this machine; `{mode}` is neither"
                )));
            }
        };
        if config.get_hosts().is_empty() {
            return Err(OpenError::new(
                "the database URL names no host; for a socket of this machine give its folder, such as \
                 postgres://regcred@%2Fvar%2Frun%2Fpostgresql/regcred"
                    .to_owned(),
            ));
        }
        let tls = if verified {
            Tls::trusting(security.authorities.as_deref())
        } else {
            Tls::trusting_nobody()
        };
        let tls = tls.map_err(OpenError::new)?;
        let hosts = each_host(&url).into_iter().map(|url| read(&url, password));
        let alone = |host: &Config| host.get_hosts().len() == 1;
        // What names its hosts in another way is left as it is.
        let mut hosts = match hosts.collect::<Result<Vec<_>, _>>() {
            Ok(hosts) if hosts.iter().all(alone) => hosts,
            _ => vec![config.clone()],
        };
        for host in &mut hosts {
            settle(host, verified);
        }
        Ok(Self {
            config,
            hosts,
            tls,
            connections: CONNECTIONS,
            serves: true,
        })
    }

    /// With another number of connections for reads.
    #[must_use]
    pub fn connections(self, connections: usize) -> Self {
        Self {
            connections: connections.max(1),
            ..self
        }
    }

    /// For a command that does its work and is gone: it never leads.
    #[must_use]
    pub fn passing_by(self) -> Self {
        Self {
            serves: false,
            ..self
        }
    }

    pub(super) fn serves(&self) -> bool {
        self.serves
    }

    pub(super) fn most_connections(&self) -> usize {
        self.connections
    }

    /// Connects to the host that takes writes.
    pub(super) async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, Stream<Socket>>), String> {
        reach::connect(&self.hosts, &self.tls).await
    }
}

impl fmt::Display for PostgresOptions {
    /// Hosts and database, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                Host::Unix(folder) => write!(f, "{comma}{}", folder.display())?,
            }
            let ports = self.config.get_ports();
            let port = ports.get(place).or(ports.first()).unwrap_or(&5432);
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

fn read(url: &str, password: Option<&SecretText>) -> Result<Config, OpenError> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        // What the driver says names the part that is wrong, and no value of it.
        OpenError::new(format!(
            "the database URL cannot be read: {}",
            super::error::whole(&error)
        ))
    })?;
    if let Some(password) = password
        && config.get_password().is_none()
    {
        config.password(password.expose());
    }
    Ok(config)
}

/// What goes for every connection.
fn settle(config: &mut Config, verified: bool) {
    config.ssl_mode(if verified {
        SslMode::Require
    } else {
        SslMode::Disable
    });
    if config.get_application_name().is_none() {
        config.application_name("regcred");
    }
    config
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect_timeout(CONNECT)
        .tcp_user_timeout(SILENCE)
        .keepalives_idle(KEEPALIVE)
        .keepalives_interval(KEEPALIVE)
        .keepalives_retries(2);
}

/// What a URL says of TLS, which the driver has other words for.
#[derive(Default)]
struct Security {
    mode: Option<String>,
    authorities: Option<PathBuf>,
}

impl Security {
    /// The URL without it, and what it is.
    fn take_from(url: &str) -> Result<(String, Self), OpenError> {
        let mut security = Self::default();
        let Some((front, query)) = url.split_once('?') else {
            return Ok((url.to_owned(), security));
        };
        let mut rest = Vec::new();
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("sslmode", mode)) => security.mode = Some(mode.to_owned()),
                Some(("sslrootcert", file)) => {
                    let file = percent_encoding::percent_decode_str(file).decode_utf8();
                    let file = file.map_err(|_| {
                        OpenError::new("sslrootcert in the database URL is not text".to_owned())
                    })?;
                    security.authorities = Some(PathBuf::from(file.into_owned()));
                }
                _ => rest.push(pair),
            }
        }
        let rest = rest.join("&");
        let url = if rest.is_empty() {
            front.to_owned()
        } else {
            format!("{front}?{rest}")
        };
        Ok((url, security))
    }
}

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: IpAddr| address.is_loopback())
        }
    }
}

/// So long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// So long what was sent may go without a sign that it arrived.
const SILENCE: Duration = Duration::from_secs(5);
const KEEPALIVE: Duration = Duration::from_secs(2);
/// For reads; one more writes, and one listens.
const CONNECTIONS: usize = 16;
