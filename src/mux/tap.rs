//! Sits between the crate and the byte stream below, and sees each frame pass: it swallows the answers to its own
//! pings, slips pings and resets in between frames, notes how streams end, and finds a connection that is dead.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

use super::Upkeep;
use super::cursor::Cursor;
use super::fence::Fence;
use super::frame::{HEADER_LEN, Header};
use super::pace::Pace;
use super::pulse::Pulse;
use super::registry::Registry;

/// How many pings may wait for their answer. A peer that asks faster is answered less.
const MAX_PONGS: usize = 8;

/// Streams whose reset has to go out: filled by drops, emptied by the tap.
#[derive(Clone, Debug, Default)]
pub(super) struct Resets(Arc<Mutex<VecDeque<u32>>>);

impl Resets {
    // Held for one operation at a time, never across an await.
    pub(super) fn push(&self, stream: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(stream);
    }

    fn pop(&self) -> Option<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

pub(super) struct Tap<T> {
    io: T,
    registry: Registry,
    resets: Resets,
    pulse: Pulse,
    fence: Fence,
    /// Where the connection is kept alive by pings; elsewhere what is below bounds its queue itself.
    pace: Option<Pace>,
    pings: u32,
    /// Pings of the peer's that are to be answered.
    pongs: VecDeque<u32>,
    inbound: Cursor,
    /// A header that was read whole and is being handed over.
    handover: Bytes,
    outbound: Cursor,
    /// A frame of our own that is being written.
    injected: Bytes,
}

impl<T> Tap<T> {
    pub(super) fn new(io: T, registry: Registry, resets: Resets, upkeep: Upkeep) -> Self {
        let Upkeep { keep_alive, fence } = upkeep;
        Self {
            io,
            registry,
            resets,
            pace: keep_alive.map(|_| Pace::new()),
            pulse: Pulse::new(keep_alive),
            fence,
            pings: 0,
            pongs: VecDeque::new(),
            inbound: Cursor::default(),
            handover: Bytes::new(),
            outbound: Cursor::default(),
            injected: Bytes::new(),
        }
    }
}

impl<T: AsyncRead + Unpin> Tap<T> {
    /// Reads a whole header, so that what is ours can be kept back. False at the end of the stream below.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            // A peer that sends nothing but the smallest frames has the driver for so many of them, and no longer.
            let step = ready!(poll_proceed(cx));
            let mut bytes = [0; HEADER_LEN];
            let mut buf = ReadBuf::new(&mut bytes[..self.inbound.limit()]);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
            step.made_progress();
            if buf.filled().is_empty() {
                let end = if self.inbound.at_boundary() { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
                return Poll::Ready(end);
            }
            self.pulse.heard = true;
            let complete = self.inbound.advance(buf.filled());
            if complete.is_none() && self.inbound.left == 0 {
                continue;
            }
            let header = Header::parse(&self.inbound.header);
            if let Some(number) = header.as_our_pong() {
                self.fence.ponged(number);
                if let Some(pace) = &mut self.pace {
                    pace.answered(number);
                    // What waits to be written is tried before the crate reads, and not again after.
                    cx.waker().wake_by_ref();
                }
                continue;
            }
            if let Some(opaque) = header.as_ping() {
                if Header::is_ours(opaque) {
                    self.fence.spare();
                }
                // Answered here: the crate would not read on before its answer is out, which a fence may hold back.
                if self.pongs.len() < MAX_PONGS {
                    self.pongs.push_back(opaque);
                }
                // The crate has flushed before it read, and would do so again only when something else happens.
                cx.waker().wake_by_ref();
                continue;
            }
            if header.begins() {
                self.registry.begin(header.stream);
            }
            self.note_finish(complete);
            self.handover = Bytes::copy_from_slice(&self.inbound.header);
            return Poll::Ready(Ok(true));
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let limit = self.inbound.limit().min(buf.remaining());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(limit));
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        if read == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.pulse.heard = true;
        let complete = self.inbound.advance(part.filled());
        buf.advance(read);
        self.note_finish(complete);
        Poll::Ready(Ok(()))
    }

    /// A stream has ended only once the frame that says so has been handed over whole.
    fn note_finish(&self, complete: Option<Header>) {
        if let Some(frame) = complete.filter(|frame| frame.finishes()) {
            self.registry.finished_by_peer(frame.stream);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Tap<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.handover.is_empty() {
                let part = this.handover.len().min(buf.remaining());
                buf.put_slice(&this.handover.split_to(part));
                return Poll::Ready(Ok(()));
            }
            if this.inbound.left > 0 {
                return this.poll_body(cx, buf);
            }
            if !ready!(this.poll_header(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> Tap<T> {
    fn poll_write_below(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.pulse.blocked = written.is_pending();
        match written {
            Poll::Ready(Ok(0)) if !bytes.is_empty() => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(written) => {
                if let (Some(pace), Ok(bytes)) = (&mut self.pace, &written) {
                    pace.sent(*bytes);
                }
                Poll::Ready(written)
            }
            Poll::Pending => {
                // The crate does nothing else while a write waits: the clock has to go on here.
                while self.pulse.poll_tick(cx)?.is_ready() {
                    self.pulse.blocked = true;
                }
                Poll::Pending
            }
        }
    }

    /// The answer that is due next: none while a fence stands, for the peer must not find bytes of ours beside the end
    /// of what it reads.
    fn next_pong(&mut self) -> Option<u32> {
        if self.pongs.is_empty() || !self.fence.lets_answer() { None } else { self.pongs.pop_front() }
    }

    fn next_ping(&mut self, number: u32) -> Header {
        self.pings = number;
        if let Some(pace) = &mut self.pace {
            pace.mark(number);
        }
        Header::ping(number)
    }

    /// Writes the frames of our own that are due. Ready once none is left; only ever between two frames of the crate.
    fn poll_inject(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.injected.is_empty() {
                let bytes = self.injected.clone();
                let written = ready!(self.poll_write_below(cx, &bytes))?;
                self.injected.advance(written);
            }
            let next_ping = (self.pings + 1) & 0xffff;
            let frame = if let Some(opaque) = self.next_pong() {
                Header::pong(opaque)
            } else if self.fence.takes_ping(next_ping) {
                self.next_ping(next_ping)
            } else if self.fence.holds() {
                // The clock goes on, but its ping would come after the fence.
                let _ = self.pulse.poll_tick(cx)?;
                return Poll::Ready(Ok(()));
            } else if let Some(stream) = self.resets.pop() {
                Header::reset(stream)
            } else if self.pulse.poll_tick(cx)?.is_ready() || self.pace.as_ref().is_some_and(Pace::wants_mark) {
                self.next_ping(next_ping)
            } else {
                return Poll::Ready(Ok(()));
            };
            self.injected = Bytes::copy_from_slice(&frame.encode());
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Tap<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.outbound.at_boundary() {
            let passes = this.fence.poll_pass(cx);
            ready!(this.poll_inject(cx))?;
            ready!(passes);
            if this.pace.as_mut().is_some_and(|pace| !pace.admits()) {
                // The answer that makes room wakes us.
                return Poll::Pending;
            }
        }
        let part = &bytes[..bytes.len().min(this.outbound.limit())];
        let written = ready!(this.poll_write_below(cx, part))?;
        let complete = this.outbound.advance(&part[..written]);
        if let Some(frame) = complete.filter(|frame| frame.finishes())
            && this.registry.finished_by_us(frame.stream)
        {
            this.resets.push(frame.stream);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The crate flushes before it reads, in every turn: this is where a silent connection gets its pings.
        if this.outbound.at_boundary() {
            // Whether frames pass or not: a fence that is asked for later has to wake us.
            let _ = this.fence.poll_pass(cx);
            ready!(this.poll_inject(cx))?;
        }
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
