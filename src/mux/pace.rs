//! How much may be on its way to the peer, by what its answers to pings show that it has read: so much that the last of
//! it is read a few seconds later. More makes nothing faster, for a queue that long is never empty; but what stands
//! behind it comes too late for a Go peer, which waits 10 s for an answer and whose carriers end after a fence.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long what is sent may take to be read. A third of what a Go peer waits for an answer.
const DELAY: Duration = Duration::from_secs(3);

/// What may always be on its way: four windows of a stream.
const MIN: u64 = 1024 * 1024;

/// What may be on its way where all of it is read in time. The largest product of bandwidth and delay that is filled.
const MAX: u64 = 16 * 1024 * 1024;

/// How many answers are awaited, the latest: a Go peer leaves out those that it cannot send for 10 s.
const MAX_MARKS: usize = 16;

struct Mark {
    number: u32,
    /// What had been sent before it.
    sent: u64,
    at: Instant,
}

/// Counts what is on its way, in bytes from the connection's beginning.
pub(super) struct Pace {
    window: u64,
    sent: u64,
    /// Known to have been read.
    read: u64,
    /// Sent when the last mark was set.
    marked: u64,
    /// Sent when the window was last changed: what was on its way by then says nothing of the change.
    judged: u64,
    marks: VecDeque<Mark>,
    /// Something had to wait since the window was last changed.
    short: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { window: MIN, sent: 0, read: 0, marked: 0, judged: 0, marks: VecDeque::new(), short: false }
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Whether more may be sent.
    pub(super) fn admits(&mut self) -> bool {
        let admits = self.sent - self.read < self.window;
        self.short |= !admits;
        admits
    }

    /// Whether a ping is due that shows by its answer what has been read.
    pub(super) fn wants_mark(&self) -> bool {
        self.sent - self.marked >= self.window / 2
    }

    /// A ping of this number goes out.
    pub(super) fn mark(&mut self, number: u32) {
        self.marked = self.sent;
        if self.marks.len() == MAX_MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(Mark { number, sent: self.sent, at: Instant::now() });
    }

    /// The ping of this number has come back.
    pub(super) fn answered(&mut self, number: u32) {
        let Some(place) = self.marks.iter().position(|mark| mark.number == number) else { return };
        let Some(mark) = self.marks.drain(..=place).next_back() else { return };
        self.read = mark.sent;
        if mark.sent < self.judged {
            return;
        }
        let delay = mark.at.elapsed();
        if delay > DELAY {
            self.window = (self.window / 2).max(MIN);
        } else if self.short && delay < DELAY / 2 {
            self.window = (self.window * 2).min(MAX);
        } else {
            return;
        }
        (self.judged, self.short) = (self.sent, false);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// Sends as much as it may, with the pings that are due; the last one's number.
    fn fill(pace: &mut Pace, number: &mut u32) -> u64 {
        let before = pace.sent;
        while pace.admits() {
            pace.sent(1024);
            if pace.wants_mark() {
                *number += 1;
                pace.mark(*number);
            }
        }
        pace.sent - before
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_at_once_is_sent_faster_and_what_is_read_late_slower() {
        let (mut pace, mut number) = (Pace::new(), 0);
        let (mut quick, mut slow) = (Vec::new(), Vec::new());
        for (delay, sent) in [(1, &mut quick), (4, &mut slow)] {
            for _ in 0..8 {
                sent.push(fill(&mut pace, &mut number) / MIN);
                assert_eq!(fill(&mut pace, &mut number), 0, "not before the peer has read");
                advance(Duration::from_secs(delay)).await;
                pace.answered(number);
            }
        }
        assert_eq!(quick, [1, 2, 4, 8, 16, 16, 16, 16]);
        assert_eq!(slow, [16, 8, 4, 2, 1, 1, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_are_left_out_cost_neither_memory_nor_the_connection() {
        let (mut pace, mut number) = (Pace::new(), 0);
        for _ in 0..1_000 {
            number += 1;
            pace.mark(number);
        }
        assert_eq!(pace.marks.len(), MAX_MARKS);
        fill(&mut pace, &mut number);
        pace.answered(3);
        assert!(!pace.admits());
        pace.answered(number);
        assert!(pace.admits());
        assert_eq!(pace.marks.len(), 0);
    }
}
