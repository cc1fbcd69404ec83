//! Bytes that both ends can make by themselves: bodies of them, and the comparison of what came with what should have.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fastrand::Rng;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Interval, interval};

/// What a body hands out at once.
const CHUNK: usize = 16 * 1024;

/// The time between two events.
const BEAT: Duration = Duration::from_millis(10);

/// The longest message of a WebSocket.
const MAX_MESSAGE: usize = 16 * 1024;

/// The bytes of one body, in order.
pub(super) struct Source {
    random: Rng,
    left: u64,
}

impl Source {
    pub(super) fn new(seed: u64, length: u64) -> Self {
        Self { random: Rng::with_seed(seed), left: length }
    }

    fn next(&mut self) -> Option<Bytes> {
        if self.left == 0 {
            return None;
        }
        let mut block = vec![0; CHUNK];
        self.random.fill(&mut block);
        block.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= block.len() as u64;
        Some(block.into())
    }
}

/// What an answer's text is made from; the request's has the seed itself.
pub(super) fn other_way(seed: u64) -> u64 {
    !seed
}

/// A body of an exchange, made as it is sent.
pub(super) enum Seeded {
    /// Whose length is told.
    Counted(Source),
    /// Whose length is not told.
    Chunked(Source),
    /// Events at a steady beat.
    Events { random: Rng, next: u64, count: u64, beat: Interval },
}

impl Seeded {
    pub(super) fn empty() -> Self {
        Self::Counted(Source::new(0, 0))
    }

    pub(super) fn events(seed: u64, count: u64) -> Self {
        Self::Events { random: Rng::with_seed(seed), next: 0, count, beat: interval(BEAT) }
    }
}

fn event(number: u64, random: &mut Rng) -> Bytes {
    let mut text = format!("id: {number}\ndata: ");
    for _ in 0..random.u8(1..8) {
        let _ = write!(text, "{:016x}", random.u64(..));
    }
    text += "\n\n";
    text.into()
}

impl Body for Seeded {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Counted(source) | Self::Chunked(source) => source.next(),
            Self::Events { next, count, .. } if next == count => None,
            Self::Events { random, next, beat, .. } => {
                ready!(beat.poll_tick(cx));
                *next += 1;
                Some(event(*next, random))
            }
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Counted(source) if source.left == 0)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Counted(source) => SizeHint::with_exact(source.left),
            Self::Chunked(_) | Self::Events { .. } => SizeHint::default(),
        }
    }
}

/// The messages of a WebSocket.
pub(super) fn messages(seed: u64, count: u64) -> impl Iterator<Item = Bytes> {
    let mut random = Rng::with_seed(seed);
    (0..count).map(move |_| {
        let mut message = vec![0; random.usize(0..=MAX_MESSAGE)];
        random.fill(&mut message);
        message.into()
    })
}

/// Compares what comes with what should.
pub(super) struct Check {
    expected: Expected,
    ready: BytesMut,
    /// Bytes that were right.
    passed: u64,
}

enum Expected {
    Bytes(Source),
    Events { random: Rng, next: u64, count: u64 },
}

impl Check {
    pub(super) fn bytes(seed: u64, length: u64) -> Self {
        Self { expected: Expected::Bytes(Source::new(seed, length)), ready: BytesMut::new(), passed: 0 }
    }

    pub(super) fn events(seed: u64, count: u64) -> Self {
        let expected = Expected::Events { random: Rng::with_seed(seed), next: 0, count };
        Self { expected, ready: BytesMut::new(), passed: 0 }
    }

    /// Whether `bytes` come next.
    ///
    /// # Errors
    /// Says where they differ.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            if self.ready.is_empty() {
                let Some(next) = self.expected.next() else {
                    return Err(format!("{} bytes more than the {} there are", bytes.len(), self.passed));
                };
                self.ready.extend_from_slice(&next);
            }
            let length = bytes.len().min(self.ready.len());
            let expected = self.ready.split_to(length);
            if let Some(at) = expected.iter().zip(bytes).position(|(expected, byte)| expected != byte) {
                return Err(format!("another byte at {}", self.passed + at as u64));
            }
            self.passed += length as u64;
            bytes = &bytes[length..];
        }
        Ok(())
    }

    /// Whether everything has come.
    ///
    /// # Errors
    /// Says how much has come.
    pub(super) fn end(mut self) -> Result<(), String> {
        if self.ready.is_empty() && self.expected.next().is_none() {
            return Ok(());
        }
        Err(format!("a silent end after {} bytes", self.passed))
    }
}

impl Expected {
    fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Bytes(source) => source.next(),
            Self::Events { next, count, .. } if next == count => None,
            Self::Events { random, next, .. } => {
                *next += 1;
                Some(event(*next, random))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parts: &[&[u8]], length: u64, expected: Result<(), &str>) {
        let mut check = Check::bytes(1, length);
        let taken = parts.iter().try_for_each(|part| check.take(part)).and_then(|()| check.end());
        assert_eq!(taken.as_ref().map_err(String::as_str).copied(), expected, "{} parts", parts.len());
    }

    #[test]
    fn each_difference_is_seen() {
        let mut source = Source::new(1, 40_000);
        let mut whole = Vec::new();
        while let Some(bytes) = source.next() {
            whole.extend_from_slice(&bytes);
        }
        assert_eq!(whole.len(), 40_000);
        check(&[&whole], 40_000, Ok(()));
        check(&[&whole[..1], &whole[1..20_000], &whole[20_000..]], 40_000, Ok(()));
        check(&[], 0, Ok(()));
        check(&[&whole[..39_999]], 40_000, Err("a silent end after 39999 bytes"));
        check(&[], 1, Err("a silent end after 0 bytes"));
        check(&[&whole, b"x"], 40_000, Err("1 bytes more than the 40000 there are"));
        let repeated = [&whole[..30_000], &whole[20_000..]].concat();
        check(&[&repeated], 40_000, Err("another byte at 30000"));
    }
}
