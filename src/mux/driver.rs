//! The task that moves a connection: it hands on what comes, sends what is due, and says how the connection ended.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::task::coop::poll_proceed;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Upkeep;
use super::decoder::{Decoder, Part};
use super::frame::{Header, Kind, flag};
use super::outgoing::Outgoing;
use super::partial::Partial;
use super::shared::Shared;
use super::stream::Stream;
use super::streams::Violation;
use crate::pieces::Pieces;

/// How a connection ended.
#[derive(Debug)]
pub enum Ending {
    /// One of the ends closed it in order.
    Closed,
    /// It broke, or the peer broke the protocol.
    Failed(io::Error),
}

/// Opens streams on a connection whose driver runs.
#[derive(Clone)]
pub struct Opener(Shared);

impl Opener {
    /// Opens a stream, of which the peer hears with what is written first. Waits for a place where as many as allowed are
    /// open, or the peer has not seen those before; bounded by nothing else, so the caller sets the deadline. Cancelling it
    /// opens nothing.
    ///
    /// # Errors
    /// `NotConnected` where the connection has ended.
    pub async fn open(&self) -> io::Result<Stream> {
        let Self(shared) = self;
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the tunnel's connection has ended");
        let place = shared.places().clone().acquire_owned().await.map_err(|_| gone())?;
        let unseen = shared.unseen().clone().acquire_owned().await.map_err(|_| gone())?;
        let now = shared.now();
        let id = shared.act(|streams| streams.open(unseen, now)).ok_or_else(gone)?;
        Ok(Stream::new(shared.clone(), id, Some(place)))
    }
}

/// Moves one connection. It does nothing unless [`run`](Self::run) is polled; dropping it cuts the connection.
pub struct Driver<T> {
    io: T,
    shared: Shared,
    decoder: Decoder,
    /// What has come and has not been looked at.
    ahead: Bytes,
    partial: Partial,
    outgoing: Outgoing,
}

impl<T: Pieces + Send + Unpin> Driver<T> {
    pub(super) fn opening(io: T, upkeep: Upkeep, limit: usize) -> (Opener, Self) {
        let driver = Self::new(io, upkeep, Some(limit));
        (Opener(driver.shared.clone()), driver)
    }

    pub(super) fn accepting(io: T, upkeep: Upkeep) -> Self {
        Self::new(io, upkeep, None)
    }

    fn new(io: T, upkeep: Upkeep, limit: Option<usize>) -> Self {
        let (shared, outgoing) = (Shared::new(limit), Outgoing::new(upkeep));
        Self { io, shared, decoder: Decoder::default(), ahead: Bytes::new(), partial: Partial::default(), outgoing }
    }

    /// Moves the connection until it ends, or until `closing` is cancelled and what was written has been passed on.
    /// Every stream that the peer opens goes to `accept`, which must not block. Bounded by the peer's signs of life
    /// (see [`KeepAlive`](super::KeepAlive)); cancelling it cuts the connection.
    pub async fn run(mut self, closing: CancellationToken, mut accept: impl FnMut(Stream)) -> Ending {
        // Looked at when it is cancelled, and not with each frame.
        let mut closing = FuturesUnordered::from_iter([closing.cancelled_owned()]);
        let ended = poll_fn(|cx| self.poll(cx, &mut closing, &mut accept)).await;
        ended.map_or_else(Ending::Failed, |()| Ending::Closed)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        closing: &mut FuturesUnordered<WaitForCancellationFutureOwned>,
        accept: &mut impl FnMut(Stream),
    ) -> Poll<io::Result<()>> {
        self.shared.watch(cx)?;
        if matches!(closing.poll_next_unpin(cx), Poll::Ready(Some(()))) {
            self.shared.close();
            self.outgoing.close();
        }
        let received = self.poll_receive(cx, accept);
        // What came may have to be answered before it is known that it was the last.
        let sent = self.outgoing.poll_send(Pin::new(&mut self.io), &self.shared, cx);
        if received.is_ready() { received } else { sent }
    }

    /// Takes in all that has come. Ready where the connection ends.
    fn poll_receive(&mut self, cx: &mut Context<'_>, accept: &mut impl FnMut(Stream)) -> Poll<io::Result<()>> {
        loop {
            while let Some(part) = self.decoder.next(&mut self.ahead).map_err(|malformed| broken(malformed.into()))? {
                if self.receive(part, accept)? {
                    return Poll::Ready(Ok(()));
                }
                // A peer that sends nothing but the smallest frames has the driver for so many of them, and no longer.
                ready!(poll_proceed(cx)).made_progress();
            }
            let Poll::Ready(ahead) = Pin::new(&mut self.io).poll_piece(cx) else {
                self.partial.wait(cx);
                return Poll::Pending;
            };
            self.ahead = ahead?;
            if self.ahead.is_empty() {
                let is_whole = self.decoder.at_boundary();
                return Poll::Ready(if is_whole { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) });
            }
            self.outgoing.heard();
        }
    }

    /// Takes in a part of a frame. True where it ends the connection.
    fn receive(&mut self, part: Part, accept: &mut impl FnMut(Stream)) -> io::Result<bool> {
        let (Header { kind, length, .. }, is_last) = (part.header, part.is_last);
        match kind {
            Kind::Data | Kind::Window => {
                let shared = &self.shared;
                let received = shared.drive(|streams| streams.receive(part, || shared.now())).map_err(broken)?;
                self.partial.came(received.wakes, is_last);
                if let Some(stream) = received.opened {
                    accept(Stream::new(shared.clone(), stream, None));
                }
            }
            Kind::Ping if !part.header.says(flag::ACK) => self.outgoing.pinged(length),
            Kind::Ping => {
                if let Some(number) = Header::life(length) {
                    self.outgoing.ponged(number);
                } else {
                    let now = self.shared.now();
                    self.shared.drive(|streams| streams.ponged(length, now));
                }
            }
            Kind::GoAway if length == 0 => return Ok(true),
            Kind::GoAway => return Err(broken(Violation::GoneAway(length))),
        }
        Ok(false)
    }
}

impl<T> Drop for Driver<T> {
    fn drop(&mut self) {
        self.shared.end();
        self.partial.end();
    }
}

fn broken(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}
