//! Settings: flags before environment (`REGCRED_*`) before file (TOML) before defaults.
//!
//! The same name stands in all three: `--kek-file`, `REGCRED_KEK_FILE`, `kek-file = ...`; only what tries regcred out
//! (`--dev`) and the file's own place are not in the file. An unknown key in the file is an error; an unknown variable is only warned of, for Kubernetes puts some of its own there.

mod every;
mod file;
mod kek;
mod migration;
mod place;
mod private;
mod registries;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use every::Every;
use file::FileSettings;
pub(crate) use kek::KekSource;
pub use migration::MigrateArgs;
pub(crate) use place::Place;
use regcred_registry::{Rule, Webhook};
use registries::RegistryRule;
use webhooks::WebhookRule;

/// Where the installation lies and where its key comes from: what every command that opens it needs. A URL may hold a
/// password, so they have no `Debug`.
#[derive(Args, Clone, Default)]
pub struct StoreArgs {
    /// File with settings (TOML); flags and variables override it
    #[arg(long, env = "REGCRED_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Directory of the database; made with mode 0700 where absent
    #[arg(long, env = "REGCRED_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Database of PostgreSQL 15 or later in the place of a directory, for several replicas, such as
    /// `postgres://regcred@db.example.com/regcred`
    #[arg(
        long,
        env = "REGCRED_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<String>,

    /// File with the password of that database, readable by its owner alone, where the URL has none
    #[arg(long, env = "REGCRED_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub database_password_file: Option<PathBuf>,

    /// File with the key-encryption key: 32 bytes in base64, readable by its owner alone [default: DIR/kek, made at the
    /// first start]. The variable `REGCRED_KEK` may hold the key itself instead
    #[arg(long, env = "REGCRED_KEK_FILE", value_name = "FILE")]
    pub kek_file: Option<PathBuf>,
}

/// The flags of `regcred serve`. They may hold a password, so they have no `Debug`.
#[derive(Args, Clone, Default)]
pub struct ServeArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8490]
    #[arg(long, env = "REGCRED_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,

    /// Try it out: loopback only, a throw-away database unless --data-dir is given, an admin and a project
    #[arg(long)]
    pub(crate) dev: bool,

    /// Password of the admin that --dev makes [default: a random one, printed]
    #[arg(
        long,
        env = "REGCRED_DEV_ADMIN_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD",
        requires = "dev"
    )]
    pub(crate) dev_admin_password: Option<String>,

    /// Number of the platform in URLs [default: 1]
    #[arg(long, env = "REGCRED_PLATFORM", value_name = "N")]
    pub(crate) platform: Option<u32>,

    /// Realm that logins must name [default: any]
    #[arg(long, env = "REGCRED_REALM", value_name = "REALM")]
    pub(crate) realm: Option<String>,

    /// File with the TLS certificate chain (PEM), read again when it changes
    #[arg(long, env = "REGCRED_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// File with the key of the TLS certificate (PEM)
    #[arg(long, env = "REGCRED_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Serve without TLS on an address that others can reach: only where something in front does TLS
    #[arg(long, env = "REGCRED_ALLOW_PLAINTEXT")]
    pub(crate) allow_plaintext: bool,

    /// Most connections at a time; further ones wait [default: 4096]
    #[arg(long, env = "REGCRED_MAX_CONNECTIONS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: Option<u32>,

    /// How often credentials are tried at their registry without being asked for, such as 24h, or off [default: 24h]
    #[arg(long, env = "REGCRED_VERIFY_EVERY", value_name = "TIME")]
    pub(crate) verify_every: Option<Every>,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// How to log, to standard error.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LogArgs {
    /// What to log: error, warn, info, debug or trace, also per target (`info,regcred_server=debug`) [default: info]
    #[arg(long, env = "REGCRED_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,

    /// How log lines look [default: human on a terminal, json otherwise]
    #[arg(long, env = "REGCRED_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// What `serve` goes by, once all sources are merged.
pub(crate) struct Settings {
    /// Where the installation lies; `None` only for what is tried out and thrown away.
    pub(crate) place: Option<Place>,
    pub(crate) kek: KekSource,
    pub(crate) listen: SocketAddr,
    pub(crate) dev: bool,
    pub(crate) dev_admin_password: Option<String>,
    pub(crate) platform: u32,
    pub(crate) realm: Option<String>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) max_connections: u32,
    /// How often credentials are tried without being asked for; `None` is never.
    pub(crate) verify_every: Option<Duration>,
    pub(crate) log: String,
    pub(crate) log_format: Option<LogFormat>,
    /// What is allowed for single registries when credentials are proved there.
    pub(crate) registries: Vec<Rule>,
    /// Who is told where something is wrong with credentials.
    pub(crate) webhooks: Vec<Webhook>,
}

/// Certificate and key.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// What is wrong with the settings, in a sentence that says what to do.
pub(crate) type SettingsError = String;

impl ServeArgs {
    /// Merges the sources and refuses what does not go together.
    pub(crate) fn resolve(self) -> Result<Settings, SettingsError> {
        let mut file = FileSettings::read(self.store.config.as_deref())?;
        let place = Place::resolve(&self.store, &mut file)?;
        let listen = self.listen.or(file.listen).unwrap_or(DEFAULT_LISTEN);
        let tls = match (
            self.tls_cert.or(file.tls_cert),
            self.tls_key.or(file.tls_key),
        ) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => return Err("--tls-cert and --tls-key belong together; give both".to_owned()),
        };
        let loopback = listen.ip().is_loopback();
        if self.dev && !loopback {
            return Err(format!(
                "--dev serves on loopback only, and {listen} is not; leave out --listen or --dev"
            ));
        }
        if !loopback
            && tls.is_none()
            && !(self.allow_plaintext || file.allow_plaintext.unwrap_or(false))
        {
            return Err(format!(
                "{listen} can be reached by others, and passwords would travel in the clear; give --tls-cert and \
                 --tls-key, or --allow-plaintext where something in front does TLS"
            ));
        }
        let kek = KekSource::resolve(self.store.kek_file.or(file.kek_file))?;
        if place.is_none() && !self.dev {
            return Err(MISSING_PLACE.to_owned());
        }
        let registries = file.registries.into_iter().map(RegistryRule::resolve);
        let mut registries = registries.collect::<Result<Vec<_>, _>>()?;
        if self.dev {
            registries.extend(registries::of_this_machine());
        }
        Ok(Settings {
            place,
            kek,
            listen,
            dev: self.dev,
            dev_admin_password: self.dev_admin_password,
            platform: self.platform.or(file.platform).unwrap_or(1),
            realm: self.realm.or(file.realm),
            tls,
            max_connections: self
                .max_connections
                .or(file.max_connections)
                .unwrap_or(4096)
                .max(1),
            verify_every: self
                .verify_every
                .or(file.verify_every)
                .unwrap_or_default()
                .period(),
            log: self
                .log
                .log
                .or(file.log)
                .unwrap_or_else(|| "info".to_owned()),
            log_format: self.log.log_format.or(file.log_format),
            registries,
            webhooks: WebhookRule::resolve_all(file.webhooks)?,
        })
    }
}

impl StoreArgs {
    /// Where the installation lies and the source of its key, for the operator's commands.
    pub(crate) fn resolve(self) -> Result<(Place, KekSource), SettingsError> {
        let mut file = FileSettings::read(self.config.as_deref())?;
        let place = Place::resolve(&self, &mut file)?.ok_or(MISSING_PLACE)?;
        let kek = KekSource::resolve(self.kek_file.or(file.kek_file))?;
        Ok((place, kek))
    }
}

/// The variables named `REGCRED_*` that no setting has.
pub(crate) fn unknown_variables() -> Vec<String> {
    let known = <ServeArgs as Args>::augment_args(clap::Command::new("serve"));
    let known: Vec<_> = known
        .get_arguments()
        .filter_map(|argument| argument.get_env())
        .collect();
    std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with("REGCRED_") && name != "REGCRED_KEK")
        .filter(|name| !known.contains(&name.as_os_str()))
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8490);
const MISSING_PLACE: &str = "no data directory is given; say where the database is to lie with --data-dir DIR, or which \
                             one of PostgreSQL it is with --database-url URL (to try regcred out, `regcred serve --dev` \
                             needs none)";
