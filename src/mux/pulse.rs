//! When to ask a peer for a sign of life, and when to give it up.

use std::io;
use std::task::{Context, Poll, ready};

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::KeepAlive;

/// The clock of one connection, and what it has seen.
pub(super) struct Pulse {
    ticks: Option<Interval>,
    /// Silent ticks after which the connection is dead.
    patience: u32,
    pub(super) heard: bool,
    silent: u32,
    /// A write waits below.
    pub(super) blocked: bool,
    /// Something has been taken since the last tick.
    pub(super) took: bool,
    stuck: u32,
}

impl Pulse {
    pub(super) fn new(keep_alive: Option<KeepAlive>) -> Self {
        let ticks = keep_alive.map(|keep_alive| {
            let mut ticks = interval(keep_alive.every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        let patience = keep_alive.map_or(1, |KeepAlive { every, patience }| {
            u32::try_from(patience.as_nanos().div_ceil(every.as_nanos().max(1))).unwrap_or(u32::MAX).max(1)
        });
        Self { ticks, patience, heard: true, silent: 0, blocked: false, took: false, stuck: 0 }
    }

    /// Ready at each tick; an error once the peer has been silent, or has taken nothing, for too long. The error stays.
    pub(super) fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.verdict()?;
        let Some(ticks) = &mut self.ticks else { return Poll::Pending };
        ready!(ticks.poll_tick(cx));
        self.silent = if std::mem::take(&mut self.heard) { 0 } else { self.silent + 1 };
        let took = std::mem::take(&mut self.took);
        self.stuck = if self.blocked && !took { self.stuck + 1 } else { 0 };
        Poll::Ready(self.verdict())
    }

    fn verdict(&self) -> io::Result<()> {
        let dead = |what| Err(io::Error::new(io::ErrorKind::TimedOut, what));
        if self.silent >= self.patience {
            dead("the peer has fallen silent")
        } else if self.stuck >= self.patience {
            dead("the peer has stopped reading")
        } else {
            Ok(())
        }
    }
}
