//! A stream as the hop's HTTP client uses it: opened on demand, with a note of what its first answer looks like.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};

use super::{Fault, spend};

/// What is read of an answer at a time. The library doubles what it makes room for, from 8 KiB on, whenever a read has been
/// as long; one byte less than 32 KiB never is. By then its room is that of all steps, and three pieces are on their way to
/// a visitor: with 64 KiB that is twice as much, which is kept where the visitor takes nothing.
const MAX_READ: u64 = 32 * 1024 - 1;

/// The same while it is not known yet whether the visitor takes anything, which is until more has come than the system
/// itself takes for one who does not.
const MAX_FIRST_READ: u64 = 16 * 1024 - 1;
const IS_TAKEN: u64 = 4 * 1024 * 1024;

type Opening<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

/// Opens streams for the HTTP client, whatever address it asks for.
pub(super) struct Connector<S>(Arc<dyn Fn(Option<Duration>) -> Opening<S> + Send + Sync>);

// Not derived: that would ask for `S: Clone`, which streams are not.
impl<S> Clone for Connector<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: AsyncRead + 'static> Connector<S> {
    pub(super) fn new<F, Fut>(open: F) -> Self
    where
        F: Fn(Option<Duration>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
    {
        Self(Arc::new(move |waited| Box::pin(open(waited))))
    }

    /// Opens one, for a visitor who has `waited`, where that has to be said. Bounded by whoever gives streams.
    pub(super) fn stream(&self, waited: Option<Duration>) -> impl Future<Output = io::Result<S>> + Send + use<S> {
        (self.0)(waited)
    }

    /// The same, as the library's client uses it.
    pub(super) fn open(
        &self,
        waited: Option<Duration>,
    ) -> impl Future<Output = io::Result<Connection<S>>> + Send + use<S> {
        let opening = self.stream(waited);
        async move { Ok(Connection::new(opening.await?)) }
    }
}

/// What was seen on a connection; reaches the one who has to explain a failed exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    /// The first byte that came opens a TLS record: an alert, as TLS servers answer plain HTTP with.
    tls: AtomicBool,
    /// The stream itself said that there is no connection to the target behind it.
    refused: AtomicBool,
    /// Nothing more is to go out.
    cut: AtomicBool,
    /// Who waits for room to send more.
    sends: AtomicWaker,
}

impl Seen {
    /// Whose fault it is that there was no answer.
    pub(super) fn blame(&self) -> Fault {
        if self.0.refused.load(Ordering::Relaxed) {
            Fault::TargetRefused
        } else if self.0.tls.load(Ordering::Relaxed) {
            Fault::TargetSpeaksTls
        } else {
            Fault::TargetBadResponse
        }
    }

    /// Ends the connection where anything more of the request would go out.
    pub(super) fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
        self.0.sends.wake();
    }
}

/// A stream to the target.
pub(super) struct Connection<S> {
    stream: TokioIo<Watched<S>>,
    seen: Seen,
}

impl<S: AsyncRead> Connection<S> {
    fn new(stream: S) -> Self {
        let (seen, stream) = (Seen::default(), stream.take(MAX_FIRST_READ));
        Self {
            stream: TokioIo::new(Watched { stream, seen: seen.clone(), fresh: true, in_turns: false, came: 0 }),
            seen,
        }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// The same connection, of which no more is taken in a turn than is fair where what comes may be all small frames.
    pub(super) fn in_turns(mut self) -> Self {
        self.stream.inner_mut().in_turns = true;
        self
    }
}

impl<S: AsyncRead + Unpin> Read for Connection<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Write for Connection<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// A stream whose first byte is looked at as it passes.
struct Watched<S> {
    stream: Take<S>,
    seen: Seen,
    fresh: bool,
    in_turns: bool,
    /// How much has come since something was last sent.
    came: u64,
}

/// The type of a TLS alert record. (RFC 8446, section 5.1)
pub(super) const TLS_ALERT: u8 = 21;

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        this.stream.set_limit(if this.came < IS_TAKEN { MAX_FIRST_READ } else { MAX_READ });
        if let Err(error) = ready!(Pin::new(&mut this.stream).poll_read(cx, buf)) {
            let refused = matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut);
            this.seen.0.refused.store(refused, Ordering::Relaxed);
            return Poll::Ready(Err(error));
        }
        let came = buf.filled().len() - before;
        this.came += came as u64;
        if this.in_turns {
            spend(came, cx);
        }
        if std::mem::take(&mut this.fresh) && buf.filled().get(before) == Some(&TLS_ALERT) {
            this.seen.0.tls.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.came = 0;
        let Facts { cut, sends, .. } = &*this.seen.0;
        sends.register(cx.waker());
        if cut.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(this.stream.get_mut()).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().stream.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().stream.get_mut()).poll_shutdown(cx)
    }
}
