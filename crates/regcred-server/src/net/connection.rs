//! One connection: TLS where configured, then HTTP/1.1.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::stall::{Pace, Unstalled};
use super::tls::Tls;
use crate::http::{Answerer, Peer};

pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Tls>,
    answerer: Answerer,
    watcher: Watcher,
) {
    // Answers are small and written whole; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    match tls {
        None => speak(stream, peer, answerer, watcher).await,
        Some(tls) => match tokio::time::timeout(HEADER_TIME, tls.accept(stream)).await {
            Ok(Ok(stream)) => speak(stream, peer, answerer, watcher).await,
            Ok(Err(error)) => tracing::debug!(peer = %peer.ip(), %error, "TLS was not agreed on"),
            Err(_) => tracing::debug!(peer = %peer.ip(), "TLS took too long to agree on"),
        },
    }
}

async fn speak<S>(stream: S, peer: SocketAddr, answerer: Answerer, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let who = Peer(peer.ip().to_canonical());
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_BUFFER)
        .max_headers(MAX_HEADERS)
        .serve_connection(
            TokioIo::new(Unstalled::new(stream, LEAST_PACE)),
            service_fn(move |request| answerer.clone().answer(who, request)),
        );
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(peer = %peer.ip(), %error, "a connection ended badly");
    }
}

/// For the head of a request, and for TLS.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// For readers of answers. What the system's buffers hold does not count.
const LEAST_PACE: Pace = Pace {
    bytes: 64 * 1024,
    within: Duration::from_secs(10),
};
const MAX_BUFFER: usize = 32 * 1024;
const MAX_HEADERS: usize = 64;
