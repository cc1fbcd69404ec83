//! The pipe of wire v2: each direction is a log of bytes, numbered from 0, and a carrier copies a range of it from an
//! absolute offset. Any carrier may die, be repeated, or be delayed at any moment, and no byte is lost.
//!
//! A carrier streams ([`SendBody`], [`Receiver::read`]) or brings a batch ([`Carriers::batch`], [`Receiver::take`]);
//! the two may be mixed and may overlap, for whatever arrives twice is dropped by its offset.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;

mod alarm;
mod budget;
mod log;
mod paced;
mod pipe;
mod reading;
mod receiver;
mod record;
mod repeat;
mod sender;
mod shared;
mod state;
mod window;

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};

pub use budget::Budget;
pub use paced::{Marks, Paced, marks};
pub use pipe::Pipe;
pub use receiver::{Broken, Receiver, pings};
use sender::{Pings, Range};
pub use sender::{SendBody, Sent, TRIAL_PAUSE};
pub use state::End;

use reading::Change;
use record::{MAX_PAD, Record, encode_pad};
use shared::Shared;
use state::Place;

/// Brings a pipe its carriers.
#[derive(Clone)]
pub struct Carriers(Arc<Shared>);

/// A pipe without carriers, and what brings it some. What it keeps counts against `budget`.
#[must_use]
pub fn pipe(budget: &Budget) -> (Pipe, Carriers) {
    let shared = Arc::new(Shared::new(budget));
    (Pipe::new(Arc::clone(&shared)), Carriers(shared))
}

/// A complete carrier for one direction.
#[derive(Debug)]
pub struct Batch {
    /// The offset of its first byte of the log.
    pub from: u64,
    /// The offset after its last.
    pub to: u64,
    /// The carrier's bytes.
    pub bytes: Bytes,
}

impl Carriers {
    /// The offset of the first byte that has not arrived.
    #[must_use]
    pub fn wanted(&self) -> u64 {
        self.0.lock().state.inn.wanted()
    }

    /// The offset up to which the peer has said that it has everything.
    #[must_use]
    pub fn acked(&self) -> u64 {
        self.0.lock().state.out.acked()
    }

    /// The offset after the last byte that was written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.0.lock().state.out.end()
    }

    /// A carrier that streams the log from `from` on, and, being the newest, ends those before it. It ends itself, in
    /// order, after about `most` bytes.
    ///
    /// # Errors
    /// Where the log has no such offset, or no longer.
    pub fn send(&self, from: u64, most: u64) -> Result<SendBody, String> {
        self.0.lock().sent = 0;
        self.send_on(from, most)
    }

    /// The same, but what the stream before was given to bring is left to it, which is to be read to its end.
    ///
    /// # Errors
    /// Where the log has no such offset, or no longer.
    pub fn send_on(&self, from: u64, most: u64) -> Result<SendBody, String> {
        let mut inner = self.0.lock();
        let cursor = inner.state.out.seek(from.max(inner.sent)).map_err(|outside| outside.to_string())?;
        inner.turn += 1;
        inner.sent = cursor;
        let range = Range { turn: inner.turn, place: Place::at(cursor), end: cursor.saturating_add(most), trial: None };
        Shared::wake(inner, Change { owes: true, ..Change::default() });
        Ok(SendBody::new(Arc::clone(&self.0), range))
    }

    /// A carrier that streams no byte of the log but some pings, to see whether anything comes through, and the number for
    /// [`until_ponged`](Self::until_ponged).
    #[must_use]
    pub fn probe(&self) -> (SendBody, u64) {
        let mut inner = self.0.lock();
        let pings = Pings::new(|| inner.state.next_ping());
        let (cursor, last) = (inner.state.out.acked(), pings.last);
        let range = Range { turn: u64::MAX, place: Place::at(cursor), end: cursor, trial: Some(pings) };
        drop(inner);
        (SendBody::new(Arc::clone(&self.0), range), last)
    }

    /// Ends the streaming carriers of this direction, in order. What waits for a batch names the turn that it gives.
    #[must_use]
    pub fn supersede(&self) -> u64 {
        let mut inner = self.0.lock();
        inner.turn += 1;
        inner.sent = 0;
        let turn = inner.turn;
        Shared::wake(inner, Change { owes: true, ..Change::default() });
        turn
    }

    /// A complete carrier with all that there is from `from` on. It is about `most` bytes long, and never 1 KiB longer.
    ///
    /// # Errors
    /// Where the log has no such offset, or no longer.
    pub fn batch(&self, from: u64, most: usize) -> Result<Batch, String> {
        let mut inner = self.0.lock_now();
        let from = inner.state.out.seek(from).map_err(|outside| outside.to_string())?;
        let (mut place, mut bytes) = (Place::at(from), BytesMut::new());
        inner.state.attach(&mut place, &mut bytes);
        loop {
            let left = most.saturating_sub(bytes.len());
            match inner.state.next_piece(&mut place, left, BytesMut::new()) {
                Some(piece) => {
                    bytes.extend_from_slice(&piece.head);
                    bytes.extend_from_slice(&piece.data);
                    if inner.state.end.is_some() || left == 0 {
                        break;
                    }
                }
                None => break,
            }
        }
        Record::Last(place.cursor).encode(&mut bytes);
        inner.state.note_batch(place);
        // What is sent makes room for what is to be.
        Shared::wake(inner, Change { writable: true, ..Change::default() });
        Ok(Batch { from, to: place.cursor, bytes: bytes.freeze() })
    }

    /// A complete carrier that is only a trial: whoever reads it believes nothing of what it says. It is about `pad` bytes
    /// long, 64 KiB at most.
    #[must_use]
    pub fn trial(&self, pad: usize) -> Batch {
        let mut inner = self.0.lock();
        let (mut place, mut bytes) = (Place::at(inner.state.out.acked()), BytesMut::new());
        inner.state.attach(&mut place, &mut bytes);
        encode_pad(pad.min(MAX_PAD), &mut bytes);
        Record::Last(place.cursor).encode(&mut bytes);
        Batch { from: place.cursor, to: place.cursor, bytes: bytes.freeze() }
    }

    /// Has the next batch tell again what has been read: those before may be lost, with what they told.
    pub fn tell_again(&self) {
        let mut inner = self.0.lock();
        inner.state.forget_told_by_batches();
        Shared::wake(inner, Change { owes: true, ..Change::default() });
    }

    /// Waits until there is something to be sent from `from` on, or `turn` is no longer the newest. Bounded by
    /// nothing; cancelling it loses nothing.
    pub async fn until_due(&self, from: u64, turn: u64) {
        poll_fn(|cx| {
            let mut inner = self.0.lock();
            if inner.state.out.has_from(from) || inner.state.batches_owe() || inner.turn > turn {
                return Poll::Ready(());
            }
            inner.watch(cx);
            Poll::Pending
        })
        .await;
    }

    /// Waits until something has been read that no batch has told. Bounded by nothing; cancelling it loses nothing.
    pub async fn until_untold(&self) {
        poll_fn(|cx| {
            let mut inner = self.0.lock();
            if inner.state.batches_may_tell() {
                return Poll::Ready(());
            }
            inner.watch(cx);
            Poll::Pending
        })
        .await;
    }

    /// Reads a carrier that is only a trial: what it may say can be said twice, and changes nothing of the log.
    #[must_use]
    pub fn receive_trial(&self) -> Receiver {
        Receiver::trial(Arc::clone(&self.0))
    }

    /// Reads a carrier that begins at `from`, and that whoever has seen it can bring again: of what it says only what is
    /// new is a sign of life.
    #[must_use]
    pub fn receive_repeatable(&self, from: u64) -> Receiver {
        Receiver::repeatable(Arc::clone(&self.0), from)
    }

    /// Reads a carrier of the other direction that begins at `from`.
    #[must_use]
    pub fn receive(&self, from: u64) -> Receiver {
        Receiver::new(Arc::clone(&self.0), from)
    }

    /// Waits for the answer to a [`probe`](Self::probe)'s ping. Bounded by nothing; cancelling it loses nothing.
    pub async fn until_ponged(&self, number: u64) {
        poll_fn(|cx| {
            let mut inner = self.0.lock();
            if inner.state.ponged >= number {
                return Poll::Ready(());
            }
            inner.watch(cx);
            Poll::Pending
        })
        .await;
    }

    /// How far the peer has answered, and whether it owes an answer: acknowledgements and pongs, which show that what
    /// is sent arrives.
    #[must_use]
    pub fn answered(&self) -> (u64, bool) {
        let inner = self.0.lock();
        let state = &inner.state;
        (state.out.acked().wrapping_add(state.ponged), state.is_owed())
    }

    /// How many bytes of the log have been given to carriers and are not acknowledged.
    #[must_use]
    pub fn on_its_way(&self) -> u64 {
        self.0.lock().state.out.on_its_way()
    }

    /// Has the next carrier ask the peer for a sign of life.
    pub fn ask(&self) {
        let mut inner = self.0.lock();
        inner.state.ask();
        Shared::wake(inner, Change { owes: true, ..Change::default() });
    }

    /// A count that grows with all that arrives, to tell a live peer by.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.0.heard()
    }

    /// Waits until something arrives, or has since the last call. For one at a time.
    pub async fn arrives(&self) {
        self.0.arrives().await;
    }

    /// Ends the pipe; the first end stays. An end in order is told to the peer by the carriers that there are.
    pub fn end(&self, end: End) {
        self.0.end(end);
    }

    /// Why the pipe is over, if it is.
    #[must_use]
    pub fn ended(&self) -> Option<End> {
        self.0.lock().state.end.clone()
    }

    /// Waits until the pipe is over. Bounded by nothing; cancelling it loses nothing.
    pub async fn until_ended(&self) -> End {
        poll_fn(|cx| {
            let mut inner = self.0.lock();
            if let Some(end) = &inner.state.end {
                return Poll::Ready(end.clone());
            }
            inner.watch_for_end(cx);
            Poll::Pending
        })
        .await
    }
}
