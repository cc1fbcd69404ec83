//! A window over a path of any bandwidth and delay, with a queue before the narrow part that takes all that comes.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// How far the clock goes at a time.
const STEP: Duration = Duration::from_millis(1);

/// How much is read before it is told.
const TELL: u64 = 64 * 1024;

/// The same while whoever tells rests.
const TELL_AT_REST: u64 = 512 * 1024;

/// How long that is at most after as much was told: the clock for it runs down at a full millisecond.
const REST: Duration = Duration::from_millis(2);

struct Path {
    window: Window,
    /// Bytes in a millisecond.
    bandwidth: u64,
    /// There and back.
    delay: Duration,
    now: Duration,
    sent: u64,
    /// What has passed the narrow part.
    passed: u64,
    /// Acknowledgements on their way, and when they arrive.
    told: VecDeque<(Duration, u64)>,
    acked: u64,
    /// Until when whoever tells rests.
    rests: Duration,
}

impl Path {
    fn new(bandwidth: u64, delay: u64) -> Self {
        Self {
            window: Window::new(Limits::PIPE),
            bandwidth,
            delay: Duration::from_millis(delay),
            now: Duration::ZERO,
            sent: 0,
            passed: 0,
            told: VecDeque::new(),
            acked: 0,
            rests: Duration::ZERO,
        }
    }

    /// One step of a sender that always has more to say.
    fn step(&mut self) {
        self.now += STEP;
        while let Some((_, acked)) = self.told.front().copied().filter(|(arrives, _)| *arrives <= self.now) {
            self.told.pop_front();
            self.acked = acked;
            self.window.acked(acked, self.sent, self.sent + 1_000_000, self.now);
        }
        let size = self.window.size();
        assert!((Limits::PIPE.least..=Limits::PIPE.most).contains(&size));
        if self.acked + size > self.sent {
            self.window.sent(self.sent, self.acked, self.now);
            self.sent = self.acked + size;
        }
        self.passed = self.sent.min(self.passed + self.bandwidth);
        let last = self.told.back().map_or(self.acked, |(_, told)| *told);
        let (untold, all) = (self.passed - last, self.passed == self.sent);
        let rests = self.now < self.rests;
        if untold >= TELL_AT_REST || !rests && (untold >= TELL || all && untold > 0) {
            self.told.push_back((self.now + self.delay, self.passed));
            if untold >= TELL {
                self.rests = self.now + REST;
            }
        }
    }

    fn steps(&mut self, number: u64) {
        (0..number).for_each(|_| self.step());
    }

    /// What part of its bandwidth the path carries in the next seconds, and the longest that a byte stands in its queue.
    fn watch(&mut self, millis: u64) -> (f64, Duration) {
        let (before, mut longest) = (self.passed, 0);
        for _ in 0..millis {
            self.step();
            longest = longest.max((self.sent - self.passed) / self.bandwidth);
        }
        #[expect(clippy::cast_precision_loss, reason = "a part of one")]
        let part = (self.passed - before) as f64 / (self.bandwidth * millis) as f64;
        (part, Duration::from_millis(longest))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// From 4 Mbit/s to what the largest window allows: the path is filled, and its queue never much longer than its delay,
    /// apart from what the least window is and acknowledgements come in.
    #[test]
    fn a_path_is_filled_and_its_queue_is_short(bandwidth in 500_u64..150_000, delay in 10_u64..300) {
        let bandwidth = bandwidth.min(Limits::PIPE.most / delay * 4 / 5);
        let mut path = Path::new(bandwidth, delay);
        path.steps(delay * 30 + 5_000);
        let (part, queue) = path.watch(25_000);
        prop_assert!(part > 0.9, "{part} of the bandwidth, a window of {}", path.window.size());
        let least = Duration::from_millis(Limits::PIPE.least / bandwidth);
        prop_assert!(queue <= path.delay.mul_f64(1.5) + least + Duration::from_millis(20), "{queue:?}");
    }

    /// Whatever it is told, it stays within its limits.
    #[test]
    fn a_window_has_limits(events in proptest::collection::vec((any::<bool>(), 0_u64..50_000_000, 0_u64..20_000), 0..200)) {
        let mut window = Window::new(Limits::PIPE);
        let (mut sent, mut acked, mut now) = (0, 0, Duration::ZERO);
        for (sending, bytes, millis) in events {
            now += Duration::from_millis(millis);
            if sending {
                window.sent(sent, acked, now);
                sent += bytes;
            } else {
                acked = sent.min(acked + bytes);
                window.acked(acked, sent, sent + bytes, now);
            }
            prop_assert!((Limits::PIPE.least..=Limits::PIPE.most).contains(&window.size()));
            prop_assert!(window.unsent() <= 512 * 1024);
        }
    }
}

/// A path changes, and is filled as well as before within some round trips.
#[track_caller]
fn changes(change: impl Fn(&mut Path), within: u64) {
    let mut path = Path::new(20_000, 100);
    path.steps(10_000);
    change(&mut path);
    path.steps(within);
    let (part, queue) = path.watch(3_000);
    assert!(part > 0.9, "{part} of the bandwidth, a window of {}", path.window.size());
    assert!(queue <= path.delay + Duration::from_millis(20), "{queue:?}");
}

#[test]
fn a_path_that_changes_is_followed() {
    changes(|path| path.delay *= 3, 6_000);
    // A delay is believed for a while, and looked at with half of what it is believed to hold.
    changes(|path| path.delay /= 4, 22_000);
    changes(|path| path.bandwidth /= 5, 3_000);
    changes(|path| path.bandwidth *= 5, 3_000);
}

#[test]
fn a_program_that_has_little_to_say_shrinks_nothing() {
    let mut path = Path::new(20_000, 100);
    path.steps(10_000);
    path.acked = path.sent;
    path.window.acked(path.acked, path.sent, path.sent, path.now);
    let before = path.window.size();
    for _ in 0..50 {
        path.now += Duration::from_millis(110);
        path.window.sent(path.sent, path.acked, path.now);
        path.sent += 1_000;
        path.now += Duration::from_millis(200);
        path.acked = path.sent;
        path.window.acked(path.acked, path.sent, path.sent, path.now);
    }
    assert_eq!(path.window.size(), before);
}

#[test]
fn what_was_measured_is_forgotten_after_a_pause() {
    let mut path = Path::new(20_000, 100);
    path.steps(5_000);
    assert!(path.window.size() > 2_000_000);
    path.now += Duration::from_secs(11);
    path.acked = path.sent;
    path.window.acked(path.acked, path.sent, path.sent, path.now);
    path.now += Duration::from_secs(11);
    path.window.sent(path.sent, path.acked, path.now);
    assert_eq!(path.window.size(), Limits::PIPE.first);
}
