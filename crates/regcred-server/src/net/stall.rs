//! A stream whose writes may not stall: whoever does not read his answers, or hardly, loses the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The least that a reader has to take while something waits for him.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub(super) bytes: usize,
    pub(super) within: Duration,
}

/// Fails a write that does not keep the pace.
pub(super) struct Unstalled<S> {
    stream: S,
    pace: Pace,
    /// What was taken since a write first had to wait; `None` while nothing waits.
    taken: Option<usize>,
    /// Runs while a write waits.
    timer: Pin<Box<Sleep>>,
}

impl<S> Unstalled<S> {
    pub(super) fn new(stream: S, pace: Pace) -> Self {
        Self {
            stream,
            pace,
            taken: None,
            timer: Box::pin(sleep(pace.within)),
        }
    }

    /// A write: what it takes counts.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>>
    where
        S: Unpin,
    {
        let Poll::Ready(done) = write(Pin::new(&mut self.stream), cx) else {
            return self.wait(cx).map(Err);
        };
        let length = *done.as_ref().unwrap_or(&0);
        self.taken = self
            .taken
            .map(|taken| taken + length)
            .filter(|taken| *taken < self.pace.bytes);
        Poll::Ready(done)
    }

    /// The end of writing: once it is done nothing waits any more.
    fn finish(
        &mut self,
        cx: &mut Context<'_>,
        finish: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>>
    where
        S: Unpin,
    {
        let Poll::Ready(done) = finish(Pin::new(&mut self.stream), cx) else {
            return self.wait(cx).map(Err);
        };
        self.taken = None;
        Poll::Ready(done)
    }

    /// An error once the time is over.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.taken.is_none() {
            self.taken = Some(0);
            self.timer.as_mut().reset(Instant::now() + self.pace.within);
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(io::Error::new(
            io::ErrorKind::TimedOut,
            "the other end does not read",
        ))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstalled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstalled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish(cx, AsyncWrite::poll_shutdown)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const PACE: Pace = Pace {
        bytes: 100,
        within: Duration::from_secs(10),
    };

    /// Writes to a reader who takes so many bytes each second.
    async fn write_to(reader: usize, length: usize) -> io::Result<()> {
        let (ours, mut theirs) = tokio::io::duplex(16);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if reader > 0 {
                    theirs.read_exact(&mut vec![0; reader]).await.unwrap();
                }
            }
        });
        let mut stream = Unstalled::new(ours, PACE);
        stream.write_all(&vec![0; length]).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_does_not_read_or_hardly_is_given_up() {
        for reader in [0, 1, 5] {
            let error = write_to(reader, 1_000).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{reader}");
        }
        write_to(16, 1_000).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn time_counts_only_while_something_waits() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut stream = Unstalled::new(ours, PACE);
        for _ in 0..5 {
            let reader = async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                theirs.read_exact(&mut [0; 20]).await.unwrap();
            };
            let (written, ()) = tokio::join!(stream.write_all(&[0; 20]), reader);
            written.unwrap();
            stream.flush().await.unwrap();
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    }
}
