//! Something between a replica and its database that is up to no good.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use regcred_core::secret::SecretText;
use regcred_storage::PostgresOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::scratch::Scratch;

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    /// It passes.
    Open,
    /// The next commit passes, and its answer does not: the connection breaks.
    LoseAnswer,
    /// The next commit does not pass: the connection breaks.
    LoseCommit,
    /// The next transaction is not begun, as if somebody had broken that off; what is sent behind it arrives.
    SpoilBegin,
    /// Nothing passes, and nobody is told.
    Hole,
    /// It passes after 200 milliseconds.
    Slow,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    mode: AtomicU8,
    /// How many commits were lost, with or without their answer, or transactions not begun.
    lost: AtomicU32,
}

impl Proxy {
    pub(crate) async fn before(scratch: &Scratch) -> Self {
        let server = server_of(scratch);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            mode: AtomicU8::new(Mode::Open as u8),
            lost: AtomicU32::new(0),
        });
        let theirs = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&theirs);
                tokio::spawn(async move {
                    let _ = state.connect(client, server).await;
                });
            }
        });
        Self { address, state }
    }

    /// How a database is reached by way of it.
    pub(crate) fn options(&self, scratch: &Scratch) -> PostgresOptions {
        let server = server_of(scratch).to_string();
        let url = scratch.url().replace(&server, &self.address.to_string());
        let options = PostgresOptions::parse(&SecretText::new(url), None);
        options.unwrap().connections(4)
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state.mode.store(mode as u8, Ordering::SeqCst);
    }

    pub(crate) fn lost(&self) -> u32 {
        self.state.lost.load(Ordering::SeqCst)
    }
}

/// Makes the begin of a transaction that writes into no statement at all, where there is one.
fn spoil(sent: &mut [u8]) -> bool {
    let begin = b"BEGIN ISOLATION LEVEL READ COMMITTED";
    let place = sent.windows(begin.len()).position(|part| part == begin);
    if let Some(place) = place {
        sent[place..place + 5].copy_from_slice(b"BEGUN");
    }
    place.is_some()
}

/// The address of its server.
pub(crate) fn server_of(scratch: &Scratch) -> SocketAddr {
    let url = scratch.url();
    let (_, behind) = url.rsplit_once('@').unwrap();
    let (address, _) = behind.split_once('/').unwrap();
    address.parse().unwrap()
}

impl State {
    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::SeqCst) == mode as u8
    }

    async fn connect(&self, client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        let (broken, muted) = (watch::Sender::new(false), AtomicBool::new(false));
        let mut breaking = broken.subscribe();
        tokio::select! {
            _ = breaking.changed() => {}
            _ = self.forward(from_client, to_server, &broken, &muted) => {}
            _ = self.backward(from_server, to_client, &muted) => {}
        }
        Ok(())
    }

    async fn forward(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        broken: &watch::Sender<bool>,
        muted: &AtomicBool,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            let sent = &mut buffer[..read];
            if self.is(Mode::SpoilBegin) && spoil(sent) {
                self.lose();
            }
            let commits = sent.windows(7).any(|window| window == b"COMMIT\0");
            self.hold_up().await;
            if commits && self.is(Mode::LoseCommit) {
                self.lose();
                broken.send_replace(true);
            } else if commits && self.is(Mode::LoseAnswer) {
                // It arrives, and nobody waits for the answer.
                self.lose();
                muted.store(true, Ordering::SeqCst);
                to.write_all(sent).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
                broken.send_replace(true);
            } else {
                to.write_all(sent).await?;
            }
        }
    }

    async fn backward(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        muted: &AtomicBool,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            self.hold_up().await;
            if !muted.load(Ordering::SeqCst) {
                to.write_all(&buffer[..read]).await?;
            }
        }
    }

    /// The next one passes again.
    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::SeqCst);
        self.mode.store(Mode::Open as u8, Ordering::SeqCst);
    }

    async fn hold_up(&self) {
        if self.is(Mode::Slow) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        while self.is(Mode::Hole) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
