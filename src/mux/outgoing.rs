//! What a connection sends: the frames that are due, in turn, with signs of life, answers and fences between them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use super::Upkeep;
use super::fence::Fence;
use super::frame::Header;
use super::pace::Pace;
use super::pulse::Pulse;
use super::shared::Shared;
use crate::pieces::Pieces;

/// How many pings may wait for their answer. A peer that asks faster is answered less.
const MAX_PONGS: usize = 8;

/// How much is put together to be passed on at once.
const BATCH: usize = 64 * 1024;

/// A body with no more is put together with what is before and behind it: that costs less than to pass it on by itself.
const SMALL: usize = 4 * 1024;

pub(super) struct Outgoing {
    /// What is to be passed on, and how much of it there is with what is put together.
    pieces: VecDeque<Bytes>,
    small: BytesMut,
    len: usize,
    pulse: Pulse,
    fence: Fence,
    /// Where the connection is kept alive by pings; elsewhere what is below bounds its queue itself.
    pace: Option<Pace>,
    pings: u32,
    /// Pings of the peer's that are to be answered.
    pongs: VecDeque<u32>,
    end: End,
}

/// How far the connection's end has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    None,
    /// It ends behind what is due.
    Due,
    Said,
}

impl Outgoing {
    pub(super) fn new(upkeep: Upkeep) -> Self {
        let Upkeep { keep_alive, fence } = upkeep;
        Self {
            pieces: VecDeque::new(),
            small: BytesMut::new(),
            len: 0,
            pulse: Pulse::new(keep_alive),
            fence,
            pace: keep_alive.map(|_| Pace::new()),
            pings: 0,
            pongs: VecDeque::new(),
            end: End::None,
        }
    }

    /// Ends the connection, in order, behind what is due.
    pub(super) fn close(&mut self) {
        if self.end == End::None {
            self.end = End::Due;
        }
    }

    /// The peer lives.
    pub(super) fn heard(&mut self) {
        self.pulse.heard = true;
    }

    /// The peer asks for an answer.
    pub(super) fn pinged(&mut self, opaque: u32) {
        if Header::life(opaque).is_some() {
            self.fence.spare();
        }
        if self.pongs.len() < MAX_PONGS {
            self.pongs.push_back(opaque);
        }
    }

    /// A sign of life has come that was asked for.
    pub(super) fn ponged(&mut self, number: u32) {
        self.fence.ponged(number);
        if let Some(pace) = &mut self.pace {
            pace.answered(number);
        }
    }

    /// Passes on all that is due. Ready once the connection's end is among that.
    pub(super) fn poll_send(
        &mut self,
        mut to: Pin<&mut impl Pieces>,
        shared: &Shared,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            self.fill(shared, cx)?;
            if self.pieces.is_empty() {
                ready!(to.as_mut().poll_flush(cx))?;
                return if self.end == End::Said { to.poll_shutdown(cx) } else { Poll::Pending };
            }
            ready!(self.poll_give(to.as_mut(), cx))?;
        }
    }

    fn poll_give(&mut self, mut to: Pin<&mut impl Pieces>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(piece) = self.pieces.front_mut() {
            let before = piece.len();
            let given = to.as_mut().poll_give(cx, piece);
            self.len -= before - piece.len();
            self.pulse.blocked = given.is_pending();
            if given.is_pending() {
                // Nothing else asks the clock while this waits.
                while self.pulse.poll_tick(cx)?.is_ready() {}
                return Poll::Pending;
            }
            self.pulse.took = true;
            ready!(given)?;
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Puts together what may go out, until that is enough.
    fn fill(&mut self, shared: &Shared, cx: &mut Context<'_>) -> io::Result<()> {
        // Whether frames pass or not: a fence that is asked for later has to wake us.
        let _ = self.fence.poll_pass(cx);
        while self.len < BATCH && self.end != End::Said {
            if let Some(header) = self.upkeep(cx)? {
                self.push(header, Bytes::new());
            } else if self.fence.poll_pass(cx).is_pending() || self.pace.as_mut().is_some_and(|pace| !pace.admits()) {
                // The answer that makes room wakes us.
                break;
            } else if let Some((header, body, wakes)) = shared.drive(|streams| streams.next_frame(|| shared.now())) {
                wakes.wake();
                self.push(header, body);
            } else if self.end == End::Due {
                self.push(Header::go_away(), Bytes::new());
                self.end = End::Said;
            } else {
                break;
            }
        }
        self.seal();
        Ok(())
    }

    /// The frame of our own that is due next. While a fence stands there is none, for the peer must not find bytes of ours
    /// beside the end of what it reads.
    fn upkeep(&mut self, cx: &mut Context<'_>) -> io::Result<Option<Header>> {
        let next = (self.pings + 1) & 0xffff;
        if !self.pongs.is_empty() && self.fence.lets_answer() {
            return Ok(self.pongs.pop_front().map(Header::pong));
        }
        if self.fence.takes_ping(next) {
            return Ok(Some(self.ping(next)));
        }
        // The clock goes on behind a fence, but its ping would come after it.
        let is_due = self.pulse.poll_tick(cx)?.is_ready() || self.pace.as_ref().is_some_and(Pace::wants_mark);
        Ok((is_due && !self.fence.holds()).then(|| self.ping(next)))
    }

    fn ping(&mut self, number: u32) -> Header {
        self.pings = number;
        if let Some(pace) = &mut self.pace {
            pace.mark(number);
        }
        Header::ping(number)
    }

    fn push(&mut self, header: Header, body: Bytes) {
        let header = header.encode();
        let len = header.len() + body.len();
        self.len += len;
        if let Some(pace) = &mut self.pace {
            pace.sent(len);
        }
        self.small.extend_from_slice(&header);
        if body.len() <= SMALL {
            self.small.extend_from_slice(&body);
        } else {
            self.seal();
            self.pieces.push_back(body);
        }
    }

    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }
}
