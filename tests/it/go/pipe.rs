//! The byte stream of a Go end, whose carriers are swapped while it is used.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::chunked::{Reader, Writer};

#[derive(Default)]
struct Shared {
    /// Held while a read waits, so a swap goes on only between two reads.
    readers: Mutex<VecDeque<Arc<Mutex<Reader>>>>,
    writer: Mutex<Option<Writer>>,
    swaps: Mutex<()>,
    swapped: AtomicUsize,
    closed: CancellationToken,
    frozen: CancellationToken,
}

/// A stream that begins with its first pair of carriers.
#[derive(Clone, Default)]
pub(super) struct Pipe(Arc<Shared>);

impl Pipe {
    pub(super) fn new(frozen: CancellationToken) -> Self {
        Self(Arc::new(Shared { frozen, ..Shared::default() }))
    }

    /// How many pairs of carriers it has had.
    pub(super) fn swapped(&self) -> usize {
        self.0.swapped.load(Ordering::Relaxed)
    }

    /// Some bytes, and whether that is the end. The end of a carrier that comes together with bytes is taken for the
    /// end of all: this is the trap.
    pub(super) async fn read(&self, out: &mut [u8]) -> io::Result<(usize, bool)> {
        self.unless_stopped(async {
            let mut readers = self.0.readers.lock().await;
            while let Some(first) = readers.front().cloned() {
                let (read, end) = first.lock().await.read(out).await?;
                if end {
                    readers.pop_front();
                }
                if read > 0 || !end {
                    return Ok((read, end));
                }
            }
            Ok((0, true))
        })
        .await
    }

    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.unless_stopped(async {
            match &mut *self.0.writer.lock().await {
                Some(writer) => writer.write(bytes).await,
                None => Err(io::ErrorKind::NotConnected.into()),
            }
        })
        .await
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::select! {
            biased;
            () = self.0.frozen.cancelled() => pending().await,
            () = self.0.closed.cancelled() => Err(io::ErrorKind::BrokenPipe.into()),
            done = work => done,
        }
    }

    /// Goes over to a new pair of carriers. No deadline: a peer that says nothing holds it up for ever.
    pub(super) async fn swap(&self, reader: Reader, writer: Writer) -> io::Result<()> {
        self.unless_stopped(self.shake_hands(reader, writer)).await
    }

    async fn shake_hands(&self, reader: Reader, mut writer: Writer) -> io::Result<()> {
        let _one_at_a_time = self.0.swaps.lock().await;
        writer.write(b"SYN\n").await?;
        let reader = Arc::new(Mutex::new(reader));
        let mut new = reader.lock().await;
        expect(&mut new, "SYN\n").await?;
        self.0.readers.lock().await.push_back(Arc::clone(&reader));
        writer.write(b"SYNACK\n").await?;
        expect(&mut new, "SYNACK\n").await?;
        let mut current = self.0.writer.lock().await;
        if let Some(old) = current.take() {
            old.end().await?;
        }
        *current = Some(writer);
        self.0.swapped.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Ends what is written, and reads no more.
    pub(super) async fn close(&self) {
        if self.0.frozen.is_cancelled() {
            return;
        }
        self.0.closed.cancel();
        if let Some(writer) = self.0.writer.lock().await.take() {
            // A connection that is gone needs no end.
            let _ = writer.end().await;
        }
        self.0.readers.lock().await.clear();
    }
}

async fn expect(reader: &mut Reader, wanted: &str) -> io::Result<()> {
    let line = reader.line().await?;
    if line == wanted {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{line}` for `{wanted}`")))
    }
}
