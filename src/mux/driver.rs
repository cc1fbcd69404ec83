//! The task that moves a connection: it opens streams on request, hands over those that the peer opens, and says how
//! the connection ended.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use yamux::{Connection, ConnectionError, Mode};

use super::Upkeep;
use super::registry::Registry;
use super::stream::Stream;
use super::tap::{Resets, Tap};

/// What a connection admits of streams that the peer opens; ours are bounded by the opener. Far beyond need, for past
/// it the crate ends the whole connection. Fewer where memory could not hold their windows anyway.
const MAX_STREAMS: usize = if usize::BITS < 64 { 4_096 } else { 65_536 };

/// By how much the windows of all streams together may outgrow their first 256 KiB each. The crate lets a window grow
/// with what is read in a round trip, as the peer makes it look.
const MAX_GROWTH: usize = 16 * 1024 * 1024;

/// The longest piece that one write becomes. The crate's 16 KiB would cost bulk four headers instead of one; a peer's
/// first window is 256 KiB.
const MAX_FRAME: usize = 64 * 1024;

/// How a connection ended.
#[derive(Debug)]
pub enum Ending {
    /// One of the ends closed it in order.
    Closed,
    /// It broke, or the peer broke the protocol.
    Failed(io::Error),
}

struct Request {
    permit: OwnedSemaphorePermit,
    reply: oneshot::Sender<Stream>,
}

/// Opens streams on a connection whose driver runs.
#[derive(Clone)]
pub struct Opener {
    requests: mpsc::Sender<Request>,
    places: Arc<Semaphore>,
}

impl Opener {
    /// Opens a stream. Waits for a place where as many as allowed are open; bounded by nothing else, so the caller
    /// sets the deadline. Cancelling it opens nothing.
    ///
    /// # Errors
    /// `NotConnected` where the connection has ended.
    pub async fn open(&self) -> io::Result<Stream> {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the tunnel's connection has ended");
        let permit = Arc::clone(&self.places).acquire_owned().await.map_err(|_| gone())?;
        let (reply, stream) = oneshot::channel();
        self.requests.send(Request { permit, reply }).await.map_err(|_| gone())?;
        stream.await.map_err(|_| gone())
    }
}

/// Moves one connection. It does nothing unless [`run`](Self::run) is polled.
pub struct Driver<T> {
    connection: Connection<Compat<Tap<T>>>,
    registry: Registry,
    resets: Resets,
    requests: Option<mpsc::Receiver<Request>>,
    /// A request that waits until the peer acknowledges streams it was sent before.
    waiting: Option<Request>,
    /// Never used, so nothing of it is sent. Where a connection has one stream alone, the crate has itself polled once more
    /// after each frame of it, for nothing.
    _spare: Option<yamux::Stream>,
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Driver<T> {
    pub(super) fn opening(io: T, upkeep: Upkeep, limit: usize) -> (Opener, Self) {
        let (requests, receiver) = mpsc::channel(16);
        let opener = Opener { requests, places: Arc::new(Semaphore::new(limit)) };
        (opener, Self { requests: Some(receiver), ..Self::new(io, upkeep, Mode::Server) })
    }

    pub(super) fn accepting(io: T, upkeep: Upkeep) -> Self {
        Self::new(io, upkeep, Mode::Client)
    }

    fn new(io: T, upkeep: Upkeep, mode: Mode) -> Self {
        let (registry, resets) = (Registry::default(), Resets::default());
        let tap = Tap::new(io, registry.clone(), resets.clone(), upkeep);
        let mut config = yamux::Config::default();
        // In this order: the crate checks at each step that the one limit leaves room for the other.
        config.set_max_connection_receive_window(None);
        config.set_max_num_streams(MAX_STREAMS);
        let first_windows = MAX_STREAMS * usize::try_from(yamux::DEFAULT_CREDIT).unwrap_or(usize::MAX);
        config.set_max_connection_receive_window(Some(first_windows + MAX_GROWTH));
        config.set_split_send_size(MAX_FRAME);
        let mut connection = Connection::new(tap.compat(), config, mode);
        let spare = connection.poll_new_outbound(&mut Context::from_waker(Waker::noop()));
        let spare = if let Poll::Ready(spare) = spare { spare.ok() } else { None };
        Self { connection, registry, resets, requests: None, waiting: None, _spare: spare }
    }

    /// Moves the connection until it ends, or until `closing` is cancelled and what was written has been passed on.
    /// Every stream that the peer opens goes to `accept`, which must not block. Bounded by the peer's signs of life
    /// (see [`KeepAlive`](super::KeepAlive)); cancelling it cuts the connection.
    pub async fn run(mut self, closing: CancellationToken, mut accept: impl FnMut(Stream)) -> Ending {
        // Looked at when it is cancelled, and not with each frame.
        let mut closing = FuturesUnordered::from_iter([closing.cancelled_owned()]);
        poll_fn(|cx| self.poll(cx, &mut closing, &mut accept)).await
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        closing: &mut FuturesUnordered<WaitForCancellationFutureOwned>,
        accept: &mut impl FnMut(Stream),
    ) -> Poll<Ending> {
        if closing.poll_next_unpin(cx).is_ready() {
            return self.connection.poll_close(cx).map(ending);
        }
        self.poll_requests(cx);
        loop {
            match self.connection.poll_next_inbound(cx) {
                Poll::Ready(Some(Ok(stream))) => self.take_in(cx, stream, accept),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(ending(Err(error))),
                Poll::Ready(None) => return Poll::Ready(Ending::Closed),
                Poll::Pending => break,
            }
        }
        if self.waiting.is_some() {
            // An acknowledgement that has just come in may have made room for it.
            self.poll_requests(cx);
        }
        Poll::Pending
    }

    fn take_in(&self, cx: &mut Context<'_>, mut stream: yamux::Stream, accept: &mut impl FnMut(Stream)) {
        // Only a tunnel's client accepts: a stream that the client itself opens is reset by being dropped.
        if self.requests.is_some() {
            return drop(Stream::new(stream, self.registry.clone(), self.resets.clone(), None));
        }
        // The crate would acknowledge the stream with the first answer only. Go servers end the session if that takes
        // 75 s, and open no more than 256 streams meanwhile.
        let _ = futures_util::AsyncWrite::poll_write(Pin::new(&mut stream), cx, &[]);
        accept(Stream::new(stream, self.registry.clone(), self.resets.clone(), None));
    }

    fn poll_requests(&mut self, cx: &mut Context<'_>) {
        loop {
            let request = match (self.waiting.take(), &mut self.requests) {
                (Some(request), _) => request,
                (None, Some(requests)) => match requests.poll_recv(cx) {
                    Poll::Ready(Some(request)) => request,
                    Poll::Ready(None) | Poll::Pending => return,
                },
                (None, None) => return,
            };
            if request.reply.is_closed() {
                continue;
            }
            match self.connection.poll_new_outbound(cx) {
                Poll::Ready(Ok(stream)) => {
                    self.registry.begin(stream.id().val());
                    let stream = Stream::new(stream, self.registry.clone(), self.resets.clone(), Some(request.permit));
                    // A caller that has just left drops the stream, which resets it.
                    drop(request.reply.send(stream));
                }
                // Dropping the request tells the caller; `poll_next_inbound` tells why.
                Poll::Ready(Err(_)) => {}
                Poll::Pending => {
                    self.waiting = Some(request);
                    return;
                }
            }
        }
    }
}

fn ending(result: Result<(), ConnectionError>) -> Ending {
    match result {
        Ok(()) | Err(ConnectionError::Closed) => Ending::Closed,
        Err(ConnectionError::Io(error)) => Ending::Failed(error),
        Err(error) => Ending::Failed(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::sync::watch;
    use tokio::time::timeout;
    use tokio_util::task::TaskTracker;

    use super::*;

    /// Runs a driver, and counts how often it is polled.
    async fn counted<T>(driver: Driver<T>, polls: watch::Sender<usize>, accept: impl FnMut(Stream))
    where
        T: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let mut run = Box::pin(driver.run(CancellationToken::new(), accept));
        poll_fn(|cx| {
            polls.send_modify(|polls| *polls += 1);
            run.as_mut().poll(cx).map(drop)
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_is_one_turn_where_there_is_but_one_stream() {
        let (near, far) = duplex(64 * 1024);
        let (opener, opening) = Driver::opening(near, Upkeep::default(), 1);
        let ((sent, sent_polls), (read, read_polls)) = (watch::channel(0), watch::channel(0));
        let (accepted, mut streams) = mpsc::channel(1);
        let tasks = TaskTracker::new();
        tasks.spawn(counted(opening, sent, drop));
        let accept = move |stream| drop(accepted.try_send(stream));
        tasks.spawn(counted(Driver::accepting(far, Upkeep::default()), read, accept));
        let mut ours = opener.open().await.unwrap();
        ours.write_all(b"x").await.unwrap();
        let mut theirs = streams.recv().await.unwrap();
        let mut turns = Vec::new();
        for _ in 0..2 {
            // The paused clock goes on once there is nothing else to do.
            let _ = timeout(Duration::from_millis(1), pending::<()>()).await;
            turns.push((*sent_polls.borrow(), *read_polls.borrow()));
            ours.write_all(b"x").await.unwrap();
            theirs.read_u8().await.unwrap();
        }
        let [before, after] = turns[..] else { panic!("two") };
        assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
    }
}
