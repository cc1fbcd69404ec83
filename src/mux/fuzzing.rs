//! What a peer may send to a multiplexer, as bytes that a fuzzer chooses.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

use super::decoder::{Decoder, Part};
use super::frame::{Header, Malformed};
use super::{Upkeep, accepting, opening};
use crate::pieces::Pieced;

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

/// Frames, of which the same come out however the bytes are cut.
pub fn frames(data: &[u8]) {
    let Some(Peer { says, piece }) = peer(data) else { return };
    let (whole, ended) = parts(says, says.len().max(1));
    assert_eq!(parts(says, piece), (whole, ended));
}

/// Frames, by their headers and bodies, and how they end: between two, in one, or with what is none.
type Frames = (Vec<(Header, Vec<u8>)>, Result<bool, Malformed>);

/// Those in these bytes.
fn parts(says: &[u8], step: usize) -> Frames {
    let (mut decoder, mut seen) = (Decoder::default(), Vec::new());
    for piece in says.chunks(step) {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(Part { header, is_first: true, body, .. })) => seen.push((header, body.to_vec())),
                Ok(Some(Part { body, .. })) => seen.last_mut().expect("it has begun").1.extend(body),
                Ok(None) => break,
                Err(malformed) => return (seen, Err(malformed)),
            }
        }
    }
    (seen, Ok(decoder.at_boundary()))
}

/// The same bytes for the whole multiplexer, at either end: they end it, or are taken.
pub fn streams(data: &[u8]) {
    let Some(peer) = peer(data) else { return };
    let (closing, mut taken) = (CancellationToken::new(), Vec::new());
    let is_even = peer.piece % 2 == 0;
    let peer = Pieced::new(peer);
    if is_even {
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
