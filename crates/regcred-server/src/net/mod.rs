//! Connections: accepted up to a bound, each with timers of its own, ended in peace.

mod connection;
mod stall;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use prometheus::IntGauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::Answerer;
use crate::metrics::Metrics;
pub(crate) use tls::Tls;

/// Accepts connections until told to stop.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Tls>,
    pub(crate) answerer: Answerer,
    pub(crate) metrics: Metrics,
    pub(crate) max_connections: u32,
}

impl Server {
    /// Serves until `stop` completes; then finishes what is under way, for at most ten seconds.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.max_connections as usize));
        let mut stop = std::pin::pin!(stop);
        loop {
            let place = tokio::select! {
                () = &mut stop => break,
                place = Arc::clone(&places).acquire_owned() => match place {
                    Ok(place) => place,
                    Err(_) => break,
                },
            };
            tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.serve(stream, peer, place, &graceful),
                    Err(error) => pause(&error).await,
                },
            }
        }
        drop(self.listener);
        if tokio::time::timeout(MOST_TIME_TO_FINISH, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!(
                "some connections did not finish within {} s and are cut",
                MOST_TIME_TO_FINISH.as_secs()
            );
        }
    }

    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        graceful: &GracefulShutdown,
    ) {
        let watcher = graceful.watcher();
        let tls = self.tls.clone();
        let answerer = self.answerer.clone();
        let connections = self.metrics.connections().clone();
        tokio::spawn(async move {
            let _place = place;
            let _open = Open::count(connections);
            connection::serve(stream, peer, tls, answerer, watcher).await;
        });
    }
}

/// A connection that counts as open until this is dropped.
struct Open(IntGauge);

impl Open {
    fn count(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// After an error of `accept`: that of one connection costs nothing; where the system is out of something, waiting helps.
async fn pause(error: &io::Error) {
    let of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !of_one_connection {
        tracing::warn!(%error, "connections cannot be accepted; is the limit of open files too low?");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

const MOST_TIME_TO_FINISH: Duration = Duration::from_secs(10);
