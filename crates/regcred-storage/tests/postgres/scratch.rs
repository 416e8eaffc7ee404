//! A database of PostgreSQL for one test, which is gone after it.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use regcred_core::secret::SecretText;
use regcred_storage::PostgresOptions;
use tokio_postgres::{Client, Config, NoTls};

/// A database of its own.
pub(crate) struct Scratch {
    name: String,
    server: String,
}

impl Scratch {
    pub(crate) async fn make() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let server = env::var("REGCRED_TEST_POSTGRES").expect(
            "this needs PostgreSQL: run it with `cargo xtask test tests`, or with `cargo xtask postgres cargo test ...`",
        );
        let scratch = Self { name, server };
        let admin = connect(&scratch.server.parse().unwrap()).await;
        let sql = format!("CREATE DATABASE {}", scratch.name);
        admin.batch_execute(&sql).await.unwrap();
        scratch
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        let url = SecretText::new(self.url());
        PostgresOptions::parse(&url, None).unwrap().connections(4)
    }

    pub(crate) async fn client(&self) -> Client {
        connect(&self.url().parse().unwrap()).await
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let server: Config = self.server.parse().unwrap();
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            // Where it cannot be dropped, it goes with the server.
            let _ = runtime.block_on(async { connect(&server).await.batch_execute(&sql).await });
        });
        let _ = dropping.join();
    }
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
