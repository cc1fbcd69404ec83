//! A body whose pieces go out at their times, and the reader that notes when they came: what a path does to bytes is
//! measured with these. Knows nothing of the log.

use std::convert::Infallible;
use std::error::Error;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// How long a measured body may bring nothing before it is given up.
const SILENCE: Duration = Duration::from_secs(15);

/// How many marks are kept; of more, the last counts.
const MAX_MARKS: usize = 256;

/// What all pieces are cut from.
static NOTHING: [u8; 64 * 1024] = [0; 64 * 1024];

/// A body of pieces, each of which goes out so long after the one before. Time begins when it is first asked for.
pub struct Paced {
    pieces: std::vec::IntoIter<(Duration, usize)>,
    next: Option<(Pin<Box<Sleep>>, usize)>,
    due: Option<Instant>,
}

impl Paced {
    /// The body of these pieces; one of no bytes is only a pause, and none has more than 64 KiB.
    #[must_use]
    pub fn new(pieces: Vec<(Duration, usize)>) -> Self {
        Self { pieces: pieces.into_iter(), next: None, due: None }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            if let Some((timer, bytes)) = &mut this.next {
                std::task::ready!(timer.as_mut().poll(cx));
                let bytes = (*bytes).min(NOTHING.len());
                this.next = None;
                if bytes > 0 {
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&NOTHING[..bytes])))));
                }
            }
            let Some((after, bytes)) = this.pieces.next() else { return Poll::Ready(None) };
            // From the time that was due and not from the one it became, so that being late does not add up.
            let due = this.due.unwrap_or_else(Instant::now) + after;
            this.due = Some(due);
            this.next = Some((Box::pin(sleep_until(due)), bytes));
        }
    }
}

/// When how many bytes of a body had come, since reading began.
#[derive(Debug, Default)]
pub struct Marks {
    /// Time, and bytes from the beginning; both only rise.
    pub marks: Vec<(Duration, u64)>,
    /// Whether the body ended in order.
    pub whole: bool,
}

impl Marks {
    /// How many bytes came.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.marks.last().map_or(0, |(_, bytes)| *bytes)
    }

    fn note(&mut self, at: Duration, bytes: u64) {
        let full = self.marks.len() >= MAX_MARKS;
        match self.marks.last_mut() {
            Some(last) if full || last.0 == at => *last = (at, bytes),
            _ => self.marks.push((at, bytes)),
        }
    }
}

/// Reads a body to its end, up to `most` bytes. Bounded by 15 s of silence; cancelling it loses what came.
pub async fn marks<B>(body: B, most: u64) -> Marks
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (begin, mut body, mut seen) = (Instant::now(), pin!(body), Marks::default());
    let mut bytes = 0;
    loop {
        match timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                bytes += frame.into_data().map_or(0, |data| data.len() as u64);
                // A tenth of a millisecond is as fine as anything here is.
                let at =
                    Duration::from_micros(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX) / 100 * 100);
                seen.note(at, bytes);
                if bytes > most {
                    return seen;
                }
            }
            Ok(None) => {
                seen.whole = true;
                return seen;
            }
            Ok(Some(Err(_))) | Err(_) => return seen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_come_at_their_times() {
        let pieces = vec![(millis(300), 0), (millis(0), 12), (millis(250), 70_000), (millis(5_000), 1)];
        let seen = marks(Paced::new(pieces), u64::MAX).await;
        assert_eq!(seen.marks, [(millis(300), 12), (millis(550), 12 + 64 * 1024), (millis(5_550), 13 + 64 * 1024)]);
        assert!(seen.whole);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_noted_is_bounded() {
        let pieces = vec![(millis(1), 10); 1_000];
        let seen = marks(Paced::new(pieces.clone()), u64::MAX).await;
        assert_eq!((seen.marks.len(), seen.bytes()), (MAX_MARKS, 10_000));
        let seen = marks(Paced::new(pieces), 100).await;
        assert_eq!((seen.bytes(), seen.whole), (110, false));
        let seen = marks(Paced::new(vec![(SILENCE * 2, 1)]), 100).await;
        assert_eq!((seen.bytes(), seen.whole), (0, false), "it was silent");
    }
}
