//! Whether a v2 session's client is there: its carriers are counted, its signs of life are timed, and its absence has
//! a limit.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::Config;
use super::uploads::Uploads;
use super::waits::Waits;
use crate::metrics::{Metrics, Wire};
use crate::mux::Ending;
use crate::pipe::v2::{Carriers, End};
use crate::wire::v2::{Carrier, Manner, Secret};

mod epochs;
#[cfg(test)]
mod tests;

pub(super) use epochs::{Direction, Stale};
use epochs::{Epochs, Rank};

/// How long a client may be silent before it counts as gone: more than twice as long as one that is there ever is, and
/// with the looks between less than 15 s.
const SILENCE: Duration = Duration::from_secs(12);

/// How often the session looks whether its client is there.
const LOOK: Duration = Duration::from_secs(3);

/// How long there may be no carrier of a client that is there: between two batches a round trip passes, of seconds on the
/// slowest paths.
const GAP: Duration = Duration::from_secs(5);

/// How many repeats of a batch down may wait at a time.
const MAX_REPEATS: usize = 2;

/// How long the end may take to be told.
const FAREWELL: Duration = Duration::from_millis(500);

/// A session's carriers, and who may bring them.
pub(in crate::server) struct Attendance {
    pub(super) secret: Secret,
    pub(super) carriers: Carriers,
    pub(super) uploads: Uploads,
    /// Who has waited for the client.
    pub(in crate::server) waits: Waits,
    /// Who is there now.
    present: watch::Sender<Roll>,
    calls: AtomicU64,
    /// For a batch down that asks again for what another waits for.
    repeats: Semaphore,
    epochs: Mutex<Epochs>,
    /// The server has ended the session, which the client has yet to hear.
    closing: AtomicBool,
    grace: Duration,
    ready_within: Duration,
    metrics: Arc<Metrics>,
}

/// The roll that a session keeps.
#[derive(Clone, Copy, Debug, Default)]
struct Roll {
    carriers: usize,
    /// Until when the next carrier is waited for as if it were there. The last one has ended in order: whoever has its
    /// answer brings another. One that was cut may be all that anybody ever hears of a client that has died.
    back_by: Option<Instant>,
    /// Carriers there are, but none of them has brought anything for long.
    silent: bool,
    /// When it was first missed, where it is.
    gone_since: Option<Instant>,
}

impl Roll {
    /// Whether a carrier is there.
    fn is_carried(self) -> bool {
        self.carriers > 0 && !self.silent
    }

    /// Whether a carrier is there, or the next one is not yet late.
    fn is_attended(self) -> bool {
        let is_there = self.carriers > 0 || self.back_by.is_some_and(|back_by| Instant::now() < back_by);
        is_there && !self.silent
    }
}

/// A carrier that is there, until it is dropped. It was cut then, unless it is said to have ended in order.
pub(super) struct Present {
    roll: Option<watch::Sender<Roll>>,
    is_whole: bool,
}

impl Present {
    /// One that is no sign that the client is there.
    fn uncounted() -> Self {
        Self { roll: None, is_whole: false }
    }

    pub(super) fn is_counted(&self) -> bool {
        self.roll.is_some()
    }

    /// The carrier has ended in order.
    pub(super) fn is_whole(&mut self) {
        self.is_whole = true;
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Some(roll) = &self.roll {
            let back_by = self.is_whole.then(|| Instant::now() + GAP);
            roll.send_modify(|roll| *roll = Roll { carriers: roll.carriers - 1, back_by, ..*roll });
        }
    }
}

impl Attendance {
    pub(in crate::server) fn new(secret: Secret, carriers: Carriers, config: &Config, metrics: Arc<Metrics>) -> Self {
        Self {
            secret,
            carriers,
            uploads: Uploads::default(),
            waits: Waits::new(Arc::clone(&metrics)),
            present: watch::Sender::new(Roll::default()),
            calls: AtomicU64::new(0),
            repeats: Semaphore::new(MAX_REPEATS),
            epochs: Mutex::default(),
            closing: AtomicBool::new(false),
            grace: config.grace,
            ready_within: config.ready_within,
            metrics,
        }
    }

    /// The same, where the session waits for its client for a shorter time.
    pub(in crate::server) fn no_longer_than(self, grace: Duration) -> Self {
        Self { grace: self.grace.min(grace), ..self }
    }

    /// Leave to wait for a batch down that asks again for what another waits for.
    pub(super) fn repeat(&self) -> Option<SemaphorePermit<'_>> {
        self.repeats.try_acquire().ok()
    }

    /// How long the session waits for its client.
    pub(super) fn grace(&self) -> Duration {
        self.grace
    }

    /// How much longer the session would wait for its client from now on.
    pub(in crate::server) fn grace_left(&self) -> Duration {
        let waited = self.present.borrow().gone_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.grace.saturating_sub(waited)
    }

    /// Counts a carrier in, unless its epoch is over. What may be a repeat, or anybody's, is not counted.
    pub(super) fn attend(&self, direction: Direction, carrier: &Carrier) -> Result<Present, Stale> {
        // Held for a comparison, never across an await.
        let rank = self.epochs.lock().unwrap_or_else(PoisonError::into_inner).admit(direction, carrier)?;
        if rank == Rank::Uncounted {
            return Ok(Present::uncounted());
        }
        if carrier.manner == Manner::Renewal {
            self.metrics.renewed.count(Wire::V2);
        }
        if direction == Direction::Write {
            self.uploads.supersede(carrier.epoch);
        }
        Ok(self.count())
    }

    /// Whether the newest carrier streams: down, and up.
    pub(in crate::server) fn streams(&self) -> [bool; 2] {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner).streams()
    }

    fn count(&self) -> Present {
        let is_first = self.calls.fetch_add(1, Ordering::Relaxed) == 0;
        if !is_first && !self.is_attended() {
            self.metrics.resumed.count();
        }
        self.present
            .send_modify(|roll| *roll = Roll { carriers: roll.carriers + 1, silent: false, gone_since: None, ..*roll });
        Present { roll: Some(self.present.clone()), is_whole: false }
    }

    /// Counts a carrier that was not counted when it came, has ended in order, and was the client's after all.
    pub(in crate::server) fn passed_by(&self) {
        self.count().is_whole();
    }

    pub(in crate::server) fn is_attended(&self) -> bool {
        self.present.borrow().is_attended()
    }

    pub(in crate::server) fn is_carried(&self) -> bool {
        self.present.borrow().is_carried()
    }

    /// Whether there may be a carrier for each direction: what one of them brings is mostly answered in the other.
    pub(in crate::server) fn is_carried_both_ways(&self) -> bool {
        let roll = self.present.borrow();
        roll.is_carried() && roll.carriers >= 2
    }

    /// When a client that has no carrier now is missed, where it is not missed already.
    pub(in crate::server) fn back_by(&self) -> Option<Instant> {
        self.present.borrow().back_by
    }

    /// Waits for a carrier where there is none: between two batches nobody can tell a client that is there from one that
    /// has just died. Bounded by nothing.
    pub(in crate::server) async fn carried(&self) {
        let before = self.calls.load(Ordering::Relaxed);
        // One may come and go before anybody looks.
        let came = |roll: &Roll| roll.is_carried() || self.calls.load(Ordering::Relaxed) != before;
        // The sender is a field of ours: it is not dropped meanwhile.
        let _ = self.present.subscribe().wait_for(came).await;
    }

    /// What grows with every sign of life.
    fn signs(&self) -> (u64, u64) {
        (self.carriers.heard(), self.calls.load(Ordering::Relaxed))
    }

    /// Returns where nothing is heard of the client from now on, for `patience`, or for as long as it takes to count as
    /// gone where that is longer: what it has been given now, it has never had. Never returns where something is heard:
    /// what it has had is safe with it.
    pub(in crate::server) async fn unheard(&self, patience: Duration) {
        let before = self.signs();
        sleep(patience.max(SILENCE)).await;
        if self.signs() != before {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until a client that has said that it leaves has left: it will not be back. Bounded by nothing.
    pub(in crate::server) async fn left(&self) {
        let mut present = self.present.subscribe();
        loop {
            // The sender is a field of ours: it is not dropped meanwhile.
            let _ = present.wait_for(|roll| roll.carriers == 0).await;
            // Between two batches there is none either. The next may come and go before anybody looks.
            if timeout(GAP, present.changed()).await.is_err() {
                return;
            }
        }
    }

    /// Tells the client that the session ends.
    pub(in crate::server) fn close(&self, code: u8, text: &str) {
        self.closing.store(true, Ordering::Release);
        self.carriers.end(End::Closed { code, text: text.to_owned() });
    }

    /// Whether the client is being told that the session ends.
    pub(in crate::server) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Looks after the client, and returns once it has been gone for the grace. That begins where it is first missed, and
    /// with the next sign of life is over.
    async fn gone(&self) {
        let (mut seen, mut heard_at) = (self.signs(), Instant::now());
        let mut gone_since = Some(heard_at);
        loop {
            let patience = if seen.1 == 0 { self.ready_within } else { self.grace };
            let left = gone_since.map(|since| patience.saturating_sub(since.elapsed()));
            if left == Some(Duration::ZERO) {
                return;
            }
            sleep(left.map_or(LOOK, |left| left.min(LOOK))).await;
            let (signs, now) = (self.signs(), Instant::now());
            if signs != seen {
                (seen, heard_at, gone_since) = (signs, now, None);
            }
            let silent = heard_at.elapsed() >= SILENCE;
            let differs = self.present.send_if_modified(|roll| std::mem::replace(&mut roll.silent, silent) != silent);
            if differs && self.is_attended() {
                self.metrics.resumed.count();
            }
            gone_since = if self.is_attended() { None } else { gone_since.or(Some(now)) };
            self.present.send_if_modified(|roll| {
                roll.gone_since = gone_since;
                // It is no news to anybody who waits.
                false
            });
        }
    }

    /// Returns once the session is over: its client has been gone for the grace, one of the ends has closed it, or it
    /// is to close.
    pub(in crate::server) async fn watch(&self, closing: &CancellationToken) -> Ending {
        tokio::select! {
            () = self.gone() => {
                self.carriers.end(End::Failed("the client has been gone for too long".to_owned()));
                Ending::Failed(io::Error::new(io::ErrorKind::TimedOut, "the client has been gone for too long"))
            }
            end = self.carriers.until_ended() => match end {
                End::Closed { .. } => {
                    // The carriers that there are have to say so before the pipe is dropped.
                    sleep(FAREWELL).await;
                    Ending::Closed
                }
                End::Failed(cause) => Ending::Failed(io::Error::new(io::ErrorKind::ConnectionReset, cause)),
            },
            () = closing.cancelled() => {
                self.close(super::STOPPING, "the server ends the session");
                sleep(FAREWELL).await;
                Ending::Closed
            }
        }
    }
}
