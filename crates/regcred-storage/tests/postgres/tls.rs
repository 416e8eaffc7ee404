//! TLS to the database, by way of something that speaks it in the server's place.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_core::sealing::Kek;
use regcred_core::secret::SecretText;
use regcred_storage::{PostgresOptions, PostgresStore};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::proxy::server_of;
use crate::replica::new_kek;
use crate::scratch::Scratch;

/// Makes a certificate that signs itself, `cert.pem` with `key.pem`, for a name.
fn certify(directory: &Path, name: &str) {
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1".split(' '))
        .args("-keyout key.pem -out cert.pem -addext basicConstraints=CA:FALSE".split(' '))
        .args(["-subj", &format!("/CN={name}")])
        .args(["-addext", &format!("subjectAltName=DNS:{name}")])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// What speaks TLS before the server, with the certificate of a directory; without one it says that it has none.
async fn before(scratch: &Scratch, directory: Option<&Path>) -> SocketAddr {
    let server = server_of(scratch);
    let acceptor = directory.map(|directory| {
        let certificate = CertificateDer::from_pem_file(directory.join("cert.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(directory.join("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // The client asks whether TLS is spoken.
                let mut asked = [0; 8];
                client.read_exact(&mut asked).await.unwrap();
                assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47]);
                let mut server = TcpStream::connect(server).await.unwrap();
                let Some(acceptor) = acceptor else {
                    client.write_all(b"N").await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                    return;
                };
                client.write_all(b"S").await.unwrap();
                if let Ok(mut client) = acceptor.accept(client).await {
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    address
}

/// Opens the database at `localhost`, with the port of an address, and trusts a directory's certificate.
fn open(scratch: &Scratch, address: SocketAddr, trusted: &Path) -> Result<(), String> {
    let server = server_of(scratch).to_string();
    let url = scratch
        .url()
        .replace(&server, &format!("localhost:{}", address.port()));
    let authorities = trusted.join("cert.pem");
    let url = format!(
        "{url}?sslmode=verify-full&sslrootcert={}",
        authorities.display()
    );
    let options = PostgresOptions::parse(&SecretText::new(url), None).unwrap();
    let kek = Kek::parse(&new_kek()).unwrap();
    let opened = PostgresStore::open(&options, &kek, &SystemClock, &SystemRandom);
    opened.map(drop).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_and_the_name_in_it_are_verified() {
    let scratch = Scratch::make().await;
    let [right, another, elsewhere] = [(); 3].map(|()| TempDir::new().unwrap());
    certify(right.path(), "localhost");
    certify(another.path(), "localhost");
    certify(elsewhere.path(), "db.example");

    let address = before(&scratch, Some(another.path())).await;
    let why = open(&scratch, address, right.path()).unwrap_err();
    assert!(why.contains("certificate"), "{why}");

    let address = before(&scratch, Some(elsewhere.path())).await;
    let why = open(&scratch, address, elsewhere.path()).unwrap_err();
    assert!(why.contains("not valid for name"), "{why}");

    let address = before(&scratch, None).await;
    let why = open(&scratch, address, right.path()).unwrap_err();
    assert!(
        why.contains("TLS"),
        "what is said in the clear is not listened to: {why}"
    );

    let client = scratch.client().await;
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    let made: i64 = client.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(made, 0, "nobody got through");

    let address = before(&scratch, Some(right.path())).await;
    open(&scratch, address, right.path()).unwrap();
}
