//! Certificates: whom the client trusts.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use regcred_client::{Client, Error, Outcome, TransportKind};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use crate::support::{Opening, Reply, Server, all_data, create, failed, http, list, with_token};

/// An authority, which signs certificates.
pub(crate) struct Authority {
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let made = Self {
            folder: TempDir::new().unwrap(),
        };
        let ca = [
            "-subj",
            "/CN=Authority of a test",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ];
        openssl(made.folder.path(), &ca);
        made
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        fs::read(self.certificate()).unwrap()
    }

    /// What a server presents that has these names: `DNS:...` or `IP:...`.
    pub(crate) fn signs(&self, names: &str) -> Arc<ServerConfig> {
        let names = format!("subjectAltName={names}");
        let signed = [
            "-subj",
            "/CN=Server of a test",
            "-keyout",
            "server.key",
            "-out",
            "server.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-addext",
            &names,
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ];
        openssl(self.folder.path(), &signed);
        presenting(self.folder.path(), "server")
    }
}

/// A server certificate that nobody but itself stands for.
fn self_signed(folder: &Path, authority: &str) -> Arc<ServerConfig> {
    let constraints = format!("basicConstraints=critical,CA:{authority}");
    let made = [
        "-subj",
        "/CN=localhost",
        "-keyout",
        "own.key",
        "-out",
        "own.pem",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        &constraints,
    ];
    openssl(folder, &made);
    presenting(folder, "own")
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ];
    let done = Command::new("openssl")
        .args(["req", "-x509"])
        .args(key)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn presenting(folder: &Path, name: &str) -> Arc<ServerConfig> {
    let certificates = CertificateDer::pem_file_iter(folder.join(format!("{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates.map(Result::unwrap).collect(), key);
    Arc::new(config.unwrap())
}

fn server(tls: Arc<ServerConfig>) -> Server {
    let opening = Opening {
        tls: Some(tls),
        ..Opening::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Server::on(listener, opening, |_, _| Reply::Bytes(all_data()))
}

fn refused(error: &Error) {
    let Error::Transport { kind, outcome, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (*kind, *outcome),
        (TransportKind::Tls, Outcome::NotDone),
        "{error}"
    );
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn an_authority_that_was_added_is_trusted_and_no_other() {
    let ours = Authority::new();
    let server = server(ours.signs("DNS:localhost,IP:127.0.0.1"));
    refused(&failed(create(&server.client()).await));
    let other = Client::builder(&server.url).ca_certificates(&Authority::new().pem());
    refused(&failed(create(&with_token(other)).await));
    assert!(server.seen().is_empty());

    let trusting = Client::builder(&server.url).ca_certificates(&ours.pem());
    create(&with_token(trusting)).await.unwrap();
    let several = Client::builder(&server.url)
        .ca_certificates(&Authority::new().pem())
        .ca_certificates(&ours.pem());
    assert_eq!(list(&with_token(several)).await.unwrap(), 1);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_certificate_that_signed_itself_is_trusted_where_it_was_added() {
    let folder = TempDir::new().unwrap();
    let server = server(self_signed(folder.path(), "FALSE"));
    refused(&failed(create(&server.client()).await));
    assert!(server.seen().is_empty());
    let pem = fs::read(folder.path().join("own.pem")).unwrap();
    let trusting = Client::builder(&server.url).ca_certificates(&pem);
    create(&with_token(trusting)).await.unwrap();
}

#[tokio::test]
async fn the_certificate_of_an_authority_is_none_of_a_server() {
    let folder = TempDir::new().unwrap();
    let server = server(self_signed(folder.path(), "TRUE"));
    let pem = fs::read(folder.path().join("own.pem")).unwrap();
    let trusting = Client::builder(&server.url).ca_certificates(&pem);
    let error = failed(create(&with_token(trusting)).await);
    refused(&error);
    assert!(error.to_string().contains("CA:TRUE"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused() {
    let ours = Authority::new();
    let server = server(ours.signs("DNS:regcred.example"));
    let trusting = Client::builder(&server.url).ca_certificates(&ours.pem());
    let error = failed(create(&with_token(trusting)).await);
    refused(&error);
    assert!(error.to_string().contains("regcred.example"), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn tls_is_not_spoken_by_everybody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let plain = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&http("400 Bad Request", &[], "")).unwrap();
        // Until the client hangs up.
        let _sent = stream.read_to_end(&mut Vec::new());
    });
    let error = failed(create(&with_token(Client::builder(&url))).await);
    let Error::Transport { kind, outcome, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (*kind, *outcome),
        (TransportKind::Tls, Outcome::NotDone),
        "{error}"
    );
    plain.join().unwrap();
}

#[test]
fn authorities_that_are_none_are_refused() {
    for wrong in [
        "rubbish",
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA",
        " ",
    ] {
        let builder = Client::builder("https://regcred.example").ca_certificates(wrong.as_bytes());
        let error = failed(builder.token(crate::support::secret("t")));
        let Error::Invalid { field, message } = error else {
            panic!("{wrong}: {error:?}");
        };
        assert_eq!(field.as_deref(), Some("ca_certificates"));
        assert!(message.contains("PEM"), "{message}");
    }
}
