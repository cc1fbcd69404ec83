//! One stream of a connection: what is to be sent on it, and what has come. A pure value.

use std::collections::VecDeque;
use std::io;
use std::task::Waker;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::OwnedSemaphorePermit;

use super::credit::{Credit, FIRST, Tuning};
use super::frame::{Header, Kind, flag};

/// How much of a stream may wait for its turn to be sent: the next four frames.
pub(super) const MAX_QUEUED: usize = 4 * MAX_FRAME;

/// The longest frame that is sent. A peer's first window is 256 KiB.
const MAX_FRAME: usize = 64 * 1024;

/// A piece with less is copied together with what is beside it: it would keep the buffer that it came in, which is many
/// times as large.
const SMALL: usize = 16 * 1024;

/// Pieces with no more that wait together become one frame: each for itself costs more than it brings, in memory as on the wire.
const MERGED: usize = 4 * 1024;

/// How one direction of a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Open,
    /// It has ended in order.
    Ended,
    Cut,
}

/// What has become of the stream at its peer, and whom that concerns. Told once nothing is locked any more.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Wakes {
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    /// The peer has seen the stream: another may be opened.
    pub(super) unseen: Option<OwnedSemaphorePermit>,
}

impl Wakes {
    /// Takes along whom this concerns as well. Who waits now may be another than who did: a stream changes hands.
    pub(super) fn add(&mut self, more: Self) {
        let Self { reader, writer, unseen } = more;
        self.reader = reader.or(self.reader.take());
        self.writer = writer.or(self.writer.take());
        self.unseen = unseen.or(self.unseen.take());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reader.is_none() && self.writer.is_none() && self.unseen.is_none()
    }

    pub(super) fn wake(self) {
        let Self { reader, writer, unseen } = self;
        drop(unseen);
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }
}

pub(super) struct Flow {
    /// How much more the peer takes.
    window: u32,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// The flags that the peer has still to be told, of which [`flag::FIN`], and then [`flag::RST`], stand behind all that waits.
    due: u16,
    /// How much more the peer may send, and has to be told of.
    more: u32,
    pub(super) ours: Side,
    pub(super) theirs: Side,
    pub(super) inbox: Inbox,
    pub(super) credit: Credit,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    /// Held until the peer has seen the stream, where it is ours.
    unseen: Option<OwnedSemaphorePermit>,
    /// It waits for its turn.
    pub(super) is_listed: bool,
    /// Nobody here has it any more.
    pub(super) is_dropped: bool,
}

impl Flow {
    /// One of ours, of which the peer hears with the first frame.
    pub(super) fn ours(unseen: OwnedSemaphorePermit, now: Duration) -> Self {
        Self { unseen: Some(unseen), ..Self::new(flag::SYN, now) }
    }

    /// One of the peer's, who is told at once that it is taken: Go servers end the session if that takes 75 s, and open no
    /// more than 256 streams meanwhile.
    pub(super) fn theirs(now: Duration) -> Self {
        Self::new(flag::ACK, now)
    }

    fn new(due: u16, now: Duration) -> Self {
        Self {
            window: FIRST,
            queue: VecDeque::new(),
            queued: 0,
            due,
            more: 0,
            ours: Side::Open,
            theirs: Side::Open,
            inbox: Inbox::default(),
            credit: Credit::new(now),
            reader: None,
            writer: None,
            unseen: None,
            is_listed: false,
            is_dropped: false,
        }
    }

    /// How much may be written now.
    pub(super) fn room(&self) -> usize {
        usize::try_from(self.window).unwrap_or(usize::MAX).min(MAX_QUEUED - self.queued)
    }

    /// Takes what there is [room](Self::room) for.
    pub(super) fn write(&mut self, mut piece: Bytes) {
        self.window = self.window.saturating_sub(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        self.queued += piece.len();
        if let Some(last) = self.queue.back_mut().filter(|last| last.len() + piece.len() <= MERGED) {
            let mut both = BytesMut::from(std::mem::take(last));
            both.extend_from_slice(&piece);
            *last = both.freeze();
            return;
        }
        while piece.len() > MAX_FRAME {
            self.queue.push_back(piece.split_to(MAX_FRAME));
        }
        self.queue.push_back(piece);
    }

    /// Ends our direction behind all that was written.
    pub(super) fn finish(&mut self) {
        self.due |= flag::FIN;
        self.ours = Side::Ended;
    }

    /// Gives the stream up: who has heard of it is told, unless both directions have ended.
    pub(super) fn give_up(&mut self) -> Wakes {
        self.is_dropped = true;
        self.inbox = Inbox::default();
        let mut wakes = Wakes { reader: self.reader.take(), writer: self.writer.take(), unseen: None };
        if self.ours == Side::Cut || self.due & flag::SYN != 0 {
            self.forget();
            wakes.unseen = self.unseen.take();
        } else if (self.ours, self.theirs) != (Side::Ended, Side::Ended) {
            self.due |= flag::RST;
        }
        wakes
    }

    /// Whether nothing is left to be done for it.
    pub(super) fn is_done(&self) -> bool {
        self.is_dropped && !self.has_due()
    }

    /// Nothing is sent any more.
    fn forget(&mut self) {
        (self.due, self.more, self.queued) = (0, 0, 0);
        self.queue.clear();
    }

    /// The peer has answered the stream's first frame.
    pub(super) fn seen(&mut self) -> Option<OwnedSemaphorePermit> {
        self.unseen.take()
    }

    /// The peer takes so much more. False where that is more than there can be.
    #[must_use]
    pub(super) fn widen(&mut self, more: u32) -> bool {
        let window = self.window.checked_add(more);
        self.window = window.unwrap_or(self.window);
        window.is_some()
    }

    /// The peer's direction has ended in order.
    pub(super) fn ended(&mut self) {
        if self.theirs == Side::Open {
            self.theirs = Side::Ended;
        }
    }

    /// The stream is cut. What has come before is there still, and if that was all it has ended.
    pub(super) fn cut(&mut self) -> Wakes {
        self.ours = Side::Cut;
        if self.theirs == Side::Open {
            self.theirs = Side::Cut;
        }
        self.forget();
        Wakes { reader: self.reader.take(), writer: self.writer.take(), unseen: self.unseen.take() }
    }

    /// The next bytes that have come; nothing where none have.
    pub(super) fn read(&mut self, tuning: &mut Tuning, now: impl FnOnce() -> Duration) -> Option<Bytes> {
        let piece = self.inbox.pop()?;
        if self.theirs == Side::Open && self.credit.is_due(self.inbox.len) {
            self.more += self.credit.tell(self.inbox.len, tuning, now());
        }
        Some(piece)
    }

    /// What reading gives where nothing has come and nothing will; nothing where something may.
    pub(super) fn rest(&self) -> Option<io::Result<Bytes>> {
        match self.theirs {
            Side::Open => None,
            Side::Ended => Some(Ok(Bytes::new())),
            Side::Cut => Some(Err(cut())),
        }
    }

    /// Whether the peer is to be told anything.
    pub(super) fn has_due(&self) -> bool {
        self.more > 0 || !self.queue.is_empty() || self.due & !flag::SYN != 0
    }

    /// The next frame, if any is due.
    pub(super) fn next_frame(&mut self, stream: u32) -> Option<(Header, Bytes)> {
        let flags = self.due & (flag::SYN | flag::ACK);
        let header = |kind, flags, length| Header { kind, flags, stream, length };
        let frame = if self.more > 0 {
            (header(Kind::Window, flags, std::mem::take(&mut self.more)), Bytes::new())
        } else if let Some(body) = self.queue.pop_front() {
            self.queued -= body.len();
            (header(Kind::Data, flags, u32::try_from(body.len()).unwrap_or(u32::MAX)), body)
        } else if self.due & flag::FIN != 0 {
            // By itself: Go peers take note of it before they take what the frame brings.
            self.due &= !flag::FIN;
            (header(Kind::Data, flags | flag::FIN, 0), Bytes::new())
        } else if self.due & flag::RST != 0 {
            self.ours = Side::Cut;
            self.due = 0;
            (header(Kind::Window, flag::RST, 0), Bytes::new())
        } else if self.due & flag::ACK != 0 {
            (header(Kind::Data, flags, 0), Bytes::new())
        } else {
            return None;
        };
        self.due &= !flags;
        Some(frame)
    }
}

/// What has come and has not been read.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pieces: VecDeque<Bytes>,
    /// Small ones, together.
    tail: BytesMut,
    pub(super) len: usize,
}

impl Inbox {
    pub(super) fn push(&mut self, piece: Bytes) {
        self.len += piece.len();
        if piece.len() < SMALL {
            self.tail.extend_from_slice(&piece);
            return;
        }
        if !self.tail.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.tail).freeze());
        }
        self.pieces.push_back(piece);
    }

    fn pop(&mut self) -> Option<Bytes> {
        let piece = match self.pieces.pop_front() {
            Some(piece) => piece,
            None if self.tail.is_empty() => return None,
            None => std::mem::take(&mut self.tail).freeze(),
        };
        self.len -= piece.len();
        Some(piece)
    }
}

pub(super) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the stream was cut")
}
