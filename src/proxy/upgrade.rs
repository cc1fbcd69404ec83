//! After a 101: bytes both ways until both sides have ended.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryFutureExt as _;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::time::sleep;
use tokio_util::io::{InspectReader, InspectWriter};
use tokio_util::sync::CancellationToken;

use super::{Breaker, Meter};

/// What is read at a time, each way. A WebSocket's messages are small and its connections many.
const BUFFER: usize = 16 * 1024;

/// How long a side may be silent whose other side has ended, where the server is to stop.
const HALF_OPEN: Duration = Duration::from_secs(5);

/// Joins a visitor's connection to a target's. Ends when both directions have, each in its own time; a cut on either
/// side is a cut on the other. Exempt from timers: people leave such connections open for days. But once `stopping` is cancelled
/// nothing is waited for that may never come: a side which does not end after the other has is cut when it is silent.
pub(super) async fn splice<T: AsyncRead + AsyncWrite + Unpin, E>(
    visitor: OnUpgrade,
    target: impl Future<Output = Result<T, E>>,
    breaker: Breaker,
    meter: Meter,
    stopping: CancellationToken,
    _guard: impl Send,
) {
    match tokio::try_join!(visitor.map_err(drop), target.map_err(drop)) {
        Ok((visitor, target)) => join(TokioIo::new(visitor), target, breaker, meter, stopping).await,
        Err(()) => breaker.trip(),
    }
}

async fn join<V, T>(visitor: V, target: T, breaker: Breaker, meter: Meter, stopping: CancellationToken)
where
    V: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let seen = Seen::default();
    let visitor = InspectWriter::new(visitor, |bytes: &[u8]| meter.add_down(bytes.len()));
    let mut visitor = InspectReader::new(visitor, |bytes: &[u8]| {
        meter.add_up(bytes.len());
        seen.note(bytes);
    });
    let mut target = InspectReader::new(target, |bytes: &[u8]| seen.note(bytes));
    // Dropped before the two connections are, wherever this ends.
    let mut ending = Ending { breaker, whole: false };
    let copied = tokio::select! {
        copied = copy_bidirectional_with_sizes(&mut visitor, &mut target, BUFFER, BUFFER) => copied,
        () = seen.is_silent(stopping) => return,
    };
    ending.whole = copied.is_ok();
    if copied.is_ok() {
        meter.end();
    }
}

/// What is seen of two joined connections.
#[derive(Default)]
struct Seen {
    /// How often something was read.
    reads: AtomicU64,
    /// One of them has ended its side.
    ended: CancellationToken,
}

impl Seen {
    fn note(&self, read: &[u8]) {
        if read.is_empty() {
            self.ended.cancel();
        } else {
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns once nothing is to be waited for after `stopping` was cancelled.
    async fn is_silent(&self, stopping: CancellationToken) {
        self.ended.cancelled().await;
        stopping.cancelled().await;
        let reads = || self.reads.load(Ordering::Relaxed);
        let mut before = reads();
        loop {
            sleep(HALF_OPEN).await;
            let now = reads();
            if std::mem::replace(&mut before, now) == now {
                return;
            }
        }
    }
}

/// Trips the breaker by drop unless both directions have ended.
struct Ending {
    breaker: Breaker,
    whole: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.whole {
            self.breaker.trip();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
    use tokio::time::{Instant, timeout};

    use super::*;

    /// Joins two connections, whose far ends are the visitor and the target, and says after how long that has ended.
    async fn joined<Fut>(stopping: CancellationToken, play: impl FnOnce(DuplexStream, DuplexStream) -> Fut) -> Duration
    where
        Fut: Future<Output = ()>,
    {
        let ((visitor, near), (far, target)) = (duplex(64), duplex(64));
        let begin = Instant::now();
        let join = async {
            join(near, far, Breaker::default(), Meter::default(), stopping).await;
            begin.elapsed()
        };
        tokio::join!(join, play(visitor, target)).0
    }

    /// The visitor ends its side; the target says so many words, one each second, and does not end its own.
    async fn half_open(mut visitor: DuplexStream, target: DuplexStream, words: usize) {
        visitor.shutdown().await.unwrap();
        let (mut heard, mut says) = split(target);
        assert_eq!(heard.read(&mut [0]).await.unwrap(), 0);
        for _ in 0..words {
            sleep(Duration::from_secs(1)).await;
            says.write_all(b"word").await.unwrap();
            visitor.read_exact(&mut [0; 4]).await.unwrap();
        }
        // It is cut in the end, or the test does not end.
        let _ = heard.read(&mut [0]).await;
        assert!(timeout(Duration::from_secs(3600), visitor.read(&mut [0])).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_half_that_is_silent_is_not_waited_for_by_a_server_that_stops() {
        let stopping = CancellationToken::new();
        stopping.cancel();
        for words in [0, 1, 20] {
            let lasted = joined(stopping.clone(), |visitor, target| half_open(visitor, target, words)).await;
            let spoken = Duration::from_secs(words as u64);
            assert!(lasted >= spoken + HALF_OPEN && lasted <= spoken + 2 * HALF_OPEN, "{words}: {lasted:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_alone_ends_nothing() {
        let day = Duration::from_secs(86_400);
        for (is_half, stops) in [(true, false), (false, true), (false, false)] {
            let stopping = CancellationToken::new();
            if stops {
                stopping.cancel();
            }
            let lasted = joined(stopping, async |mut visitor: DuplexStream, mut target: DuplexStream| {
                if is_half {
                    visitor.shutdown().await.unwrap();
                }
                sleep(day).await;
                target.write_all(b"late").await.unwrap();
                visitor.read_exact(&mut [0; 4]).await.unwrap();
                drop((visitor, target));
            });
            assert_eq!(lasted.await, day, "{is_half} {stops}");
        }
    }
}
