//! One direction of a connection behind the place where its faults are chosen: delay, bandwidth, and the byte at which
//! something happens.

use std::future::pending;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::connection::End;
use super::tally::Counters;
use super::{Act, Shape, Then};

/// What may be on its way at once, in pieces. Delay without a bound on bytes would be memory without a bound.
const PIECES: usize = 1024;

/// How often a second a bandwidth limit lets bytes go: seldom enough for timers, often enough to look steady.
const TICKS: u64 = 50;
const TICK: Duration = Duration::from_millis(1_000 / TICKS);

enum Item {
    Bytes(Bytes),
    Eof,
    End(End),
}

struct Sent {
    at: Instant,
    item: Item,
}

/// The far end of a direction's line.
pub(super) struct Line {
    items: mpsc::Receiver<Sent>,
}

/// The near end of a direction's line.
pub(super) struct Outlet<'a> {
    items: mpsc::Sender<Sent>,
    counters: &'a Counters,
    limit: Option<Limit>,
    /// Nothing arrives any more.
    nowhere: bool,
}

/// What happens when this many more bytes have passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) left: u64,
    /// Whether those of the head count.
    pub(super) counts_head: bool,
    pub(super) then: Then,
    pub(super) act: Act,
}

pub(super) fn line(counters: &Counters) -> (Outlet<'_>, Line) {
    let (sender, items) = mpsc::channel(PIECES);
    (Outlet { items: sender, counters, limit: None, nowhere: false }, Line { items })
}

impl Outlet<'_> {
    /// Begins a message that passes up to `limit`.
    pub(super) async fn begin(&mut self, limit: Option<Limit>) {
        self.limit = limit;
        if limit.is_some_and(|limit| limit.left == 0) {
            self.reach_limit().await;
        }
    }

    /// Sends the bytes of a head, which few limits count.
    pub(super) async fn head(&mut self, bytes: Bytes) {
        if self.limit.is_some_and(|limit| limit.counts_head) {
            return self.body(bytes).await;
        }
        self.put(Item::Bytes(bytes)).await;
    }

    /// Sends bytes that count. Never returns where the direction is stopped at one of them.
    pub(super) async fn body(&mut self, mut bytes: Bytes) {
        if let Some(limit) = &mut self.limit {
            let passes = bytes.len().min(usize::try_from(limit.left).unwrap_or(usize::MAX));
            limit.left -= passes as u64;
            if limit.left == 0 {
                bytes.truncate(passes);
                self.put(Item::Bytes(bytes)).await;
                return self.reach_limit().await;
            }
        }
        self.put(Item::Bytes(bytes)).await;
    }

    /// Ends the direction in order.
    pub(super) async fn eof(&mut self) {
        self.put(Item::Eof).await;
    }

    async fn reach_limit(&mut self) {
        let Some(Limit { then, act, .. }) = self.limit.take() else { return };
        self.counters.count(act);
        match then {
            Then::Cut(cut) => {
                self.put(Item::End(End::Cut(cut))).await;
                pending::<()>().await;
            }
            Then::Stall => pending::<()>().await,
            Then::BlackHole => self.nowhere = true,
        }
    }

    async fn put(&mut self, item: Item) {
        if self.nowhere {
            return;
        }
        // Where the other end is gone the connection is over, and this is about to be dropped.
        let _ = self.items.send(Sent { at: Instant::now(), item }).await;
    }
}

impl Line {
    /// Writes what comes out of the line, until its end. Cancelling it loses what is on its way.
    pub(super) async fn carry(mut self, mut to: impl AsyncWrite + Unpin, shape: &Shape) -> Result<(), End> {
        let mut pace = Pace { bandwidth: shape.bandwidth, free: Instant::now() };
        while let Some(Sent { at, item }) = self.items.recv().await {
            sleep_until(at + shape.delay).await;
            match item {
                Item::Bytes(bytes) if shape.one_by_one => singly(&mut to, &bytes, &mut pace).await?,
                Item::Bytes(bytes) => pace.write(&mut to, &bytes).await?,
                Item::Eof => to.shutdown().await?,
                Item::End(end) => return Err(end),
            }
        }
        Ok(())
    }
}

async fn singly(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8], pace: &mut Pace) -> io::Result<()> {
    for byte in bytes.chunks(1) {
        pace.write(to, byte).await?;
        // So that the reader has a chance to see it alone.
        yield_now().await;
    }
    Ok(())
}

/// Keeps a bandwidth.
struct Pace {
    bandwidth: Option<u64>,
    /// When the next byte may go.
    free: Instant,
}

impl Pace {
    async fn write(&mut self, to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
        let Some(bandwidth) = self.bandwidth else { return to.write_all(bytes).await };
        let a_tick = usize::try_from(bandwidth / TICKS).unwrap_or(usize::MAX).max(1);
        for part in bytes.chunks(a_tick) {
            sleep_until(self.free).await;
            to.write_all(part).await?;
            let takes = Duration::from_nanos(part.len() as u64 * 1_000_000_000 / bandwidth.max(1));
            // What a timer was late by is made up for, as far as a tick goes; what nobody sent is not.
            let earliest = Instant::now().checked_sub(TICK).unwrap_or(self.free);
            self.free = self.free.max(earliest) + takes;
        }
        Ok(())
    }
}
