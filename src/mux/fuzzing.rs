//! What a peer may send to a multiplexer, as bytes that a fuzzer chooses.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

use super::frame::HEADER_LEN;
use super::registry::Registry;
use super::tap::{Resets, Tap};
use super::{Upkeep, accepting, opening};

/// A peer that says what it has to say in pieces of one size, and takes whatever it is told.
struct Peer<'a> {
    says: &'a [u8],
    piece: usize,
}

impl AsyncRead for Peer<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (now, later) = self.says.split_at(self.piece.min(self.says.len()).min(buf.remaining()));
        buf.put_slice(now);
        self.says = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer<'_> {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A piece's size, from the first byte.
fn peer(data: &[u8]) -> Option<Peer<'_>> {
    let (piece, says) = data.split_first()?;
    Some(Peer { says, piece: 1 + usize::from(*piece) })
}

/// Frames, of which all pass the tap but pings and the answers to its own.
pub fn frames(data: &[u8]) {
    let Some(peer) = peer(data) else { return };
    let (expected, whole) = passing(peer.says);
    let mut tap = Tap::new(peer, Registry::default(), Resets::default(), Upkeep::default());
    let mut seen = Vec::new();
    let ended = poll_to_end(&mut tap, &mut seen);
    assert!(seen == expected, "{seen:?} instead of {expected:?}");
    assert_eq!(ended.is_ok(), whole);
}

/// What passes, and whether the bytes end between two frames.
fn passing(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut seen = Vec::new();
    while let Some((header, rest)) = bytes.split_at_checked(HEADER_LEN) {
        let [_, kind, _, flags, _, _, _, _, length @ ..] = header else { unreachable!("it is twelve bytes long") };
        let body = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let is_answer = flags & 2 != 0;
        match kind {
            0 => {
                let (body, after) = rest.split_at(body.min(rest.len()));
                seen.extend([header, body].concat());
                bytes = after;
                if body.len() < length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)) {
                    return (seen, false);
                }
                continue;
            }
            2 if !is_answer || length[0] & 0x80 != 0 => {}
            _ => seen.extend(header),
        }
        bytes = rest;
    }
    (seen, bytes.is_empty())
}

fn poll_to_end(tap: &mut Tap<Peer<'_>>, seen: &mut Vec<u8>) -> io::Result<()> {
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        let mut block = [0; 100];
        let mut buf = ReadBuf::new(&mut block);
        let Poll::Ready(read) = Pin::new(&mut *tap).poll_read(&mut cx, &mut buf) else {
            panic!("the peer never waits")
        };
        read?;
        if buf.filled().is_empty() {
            return Ok(());
        }
        seen.extend_from_slice(buf.filled());
    }
}

/// The same bytes for the whole multiplexer, at either end: they end it, or are taken.
pub fn streams(data: &[u8]) {
    let Some(peer) = peer(data) else { return };
    let (closing, mut taken) = (CancellationToken::new(), Vec::new());
    if peer.piece % 2 == 0 {
        let (_opener, driver) = opening(peer, Upkeep::default(), 4);
        run(driver.run(closing, drop));
    } else {
        let driver = accepting(peer, Upkeep::default());
        run(driver.run(closing, |stream| {
            // Some live on, some are given up at once.
            if taken.len() % 2 == 0 {
                taken.push(stream);
            }
        }));
    }
}

fn run(driver: impl Future) {
    let mut driver = pin!(driver);
    let mut cx = Context::from_waker(Waker::noop());
    let ended = (0..10_000).any(|_| driver.as_mut().poll(&mut cx).is_ready());
    assert!(ended, "the peer has left, and the connection goes on");
}
