//! TLS 1.2 and 1.3 by rustls; certificate and key are read again when their files change.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::settings::{SettingsError, TlsFiles};

/// The server's side of TLS.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl Tls {
    /// Reads the files, and from now on looks at them every ten seconds. Must be called where tasks can be spawned.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, SettingsError> {
        let seen = modified(&files);
        let current = Arc::new(Current(RwLock::new(read(&files)?)));
        let config = ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        tokio::spawn(follow(files, current, seen));
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

/// The certificate of now.
struct Current(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.0.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

async fn follow(files: TlsFiles, current: Arc<Current>, mut seen: Modified) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = modified(&files);
        if now == seen {
            continue;
        }
        match read(&files) {
            Ok(key) => {
                *current.0.write().unwrap_or_else(PoisonError::into_inner) = key;
                seen = now;
                tracing::info!("the TLS certificate was read again");
            }
            // Perhaps only one of the two files is new yet; the old pair serves on, and the next look tries again.
            Err(error) => {
                tracing::warn!(%error, "the changed TLS certificate cannot be used; the one before is kept");
            }
        }
    }
}

fn read(files: &TlsFiles) -> Result<Arc<CertifiedKey>, SettingsError> {
    let TlsFiles { cert, key } = files;
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| {
            format!(
                "the TLS certificate {} cannot be read: {error}",
                cert.display()
            )
        })?;
    if chain.is_empty() {
        return Err(format!(
            "the TLS certificate {} holds no certificate in PEM",
            cert.display()
        ));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("the TLS key {} cannot be read: {error}", key.display()))?;
    let certified = CertifiedKey::from_der(
        chain,
        private,
        &rustls::crypto::aws_lc_rs::default_provider(),
    )
    .map_err(|error| format!("TLS certificate and key do not go together: {error}"))?;
    Ok(Arc::new(certified))
}

type Modified = [Option<SystemTime>; 2];

fn modified(files: &TlsFiles) -> Modified {
    [&files.cert, &files.key].map(|path| {
        std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok()
    })
}

const LOOK_EVERY: Duration = Duration::from_secs(10);
