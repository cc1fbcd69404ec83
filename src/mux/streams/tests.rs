//! Two ends whose frames are passed by hand, in whatever order.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::super::frame::HEADER_LEN;
use super::*;

const NOW: Duration = Duration::ZERO;

/// The end that opens streams, and the other.
const OPENER: usize = 0;

/// How many streams there are.
const STREAMS: usize = 4;

/// What one end has done with a stream, and what it has seen of it.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    written: usize,
    read: usize,
    is_finished: bool,
    is_dropped: bool,
    /// Nothing is sent any more, for the peer has dropped it.
    is_cut: bool,
}

struct Ends {
    sides: [Streams; 2],
    /// Frames on their way to each of them.
    wires: [VecDeque<Part>; 2],
    /// What each end holds of each stream.
    held: [[Held; STREAMS]; 2],
    ids: [u32; STREAMS],
    accepted: Vec<u32>,
}

/// The byte at this place of a stream.
fn byte(place: usize) -> u8 {
    u8::try_from(place % 251).unwrap_or_default()
}

impl Ends {
    fn new() -> Self {
        let mut opener = Streams::new(true);
        let places = Arc::new(Semaphore::new(STREAMS));
        let place = || Arc::clone(&places).try_acquire_owned().unwrap();
        let ids = std::array::from_fn(|_| opener.open(place(), NOW).unwrap());
        let sides = [opener, Streams::new(false)];
        Self { sides, wires: Default::default(), held: Default::default(), ids, accepted: Vec::new() }
    }

    fn is_there(&self, end: usize, stream: usize) -> bool {
        !self.held[end][stream].is_dropped && (end == OPENER || self.accepted.contains(&self.ids[stream]))
    }

    fn write(&mut self, end: usize, stream: usize, len: usize) {
        let (id, held) = (self.ids[stream], &mut self.held[end][stream]);
        self.sides[end].with(id, |flow, _| {
            let part = flow.room().min(len);
            if part > 0 && flow.ours == Side::Open {
                flow.write((held.written..held.written + part).map(byte).collect());
                held.written += part;
            }
        });
    }

    fn finish(&mut self, end: usize, stream: usize) {
        let id = self.ids[stream];
        self.sides[end].with(id, |flow, _| {
            if flow.ours == Side::Open {
                flow.finish();
                self.held[end][stream].is_finished = true;
            }
        });
    }

    fn read(&mut self, end: usize, stream: usize) -> bool {
        let piece = self.sides[end].with(self.ids[stream], |flow, tuning| flow.read(tuning, || NOW));
        let Some(piece) = piece.flatten() else { return false };
        let held = &mut self.held[end][stream];
        assert!(piece.iter().enumerate().all(|(place, found)| *found == byte(held.read + place)), "in order");
        held.read += piece.len();
        true
    }

    fn give_up(&mut self, end: usize, stream: usize) {
        drop(self.sides[end].give_up(self.ids[stream]));
        self.held[end][stream].is_dropped = true;
        self.held[1 - end][stream].is_cut = true;
    }

    /// Has an end send some frames, and the other take some.
    fn pass(&mut self, from: usize, count: usize) -> bool {
        let mut moved = false;
        for _ in 0..count {
            if let Some((header, body, _)) = self.sides[from].next_frame(|| NOW) {
                assert!(body.len() + HEADER_LEN <= 64 * 1024 + HEADER_LEN);
                self.wires[1 - from].push_back(Part { header, is_first: true, is_last: true, body });
                moved = true;
            }
            if let Some(part) = self.wires[from].pop_front() {
                moved = true;
                if part.header.kind == Kind::Ping {
                    continue;
                }
                let received = self.sides[from].receive(part, || NOW).expect("an honest peer breaks no rule");
                self.accepted.extend(received.opened);
            }
        }
        moved
    }

    fn step(&mut self, (act, end, stream, len): (u8, usize, usize, usize)) {
        match act {
            _ if !self.is_there(end, stream) => {}
            0..4 => self.write(end, stream, len),
            4..7 => drop(self.read(end, stream)),
            7 => self.finish(end, stream),
            _ => self.give_up(end, stream),
        }
    }

    /// Passes all that is left, read by those who are there.
    fn settle(&mut self) {
        loop {
            for (end, stream) in (0..2).flat_map(|end| (0..STREAMS).map(move |stream| (end, stream))) {
                while self.is_there(end, stream) && self.read(end, stream) {}
            }
            if !(0..2).map(|end| self.pass(end, 1)).fold(false, |moved, more| moved | more) {
                return;
            }
        }
    }

    /// What is there of a direction where nothing is on its way any more.
    fn check(&mut self, end: usize, stream: usize) {
        let (reader, writer) = (self.held[end][stream], self.held[1 - end][stream]);
        assert!(reader.read <= writer.written);
        let rest = self.sides[end].with(self.ids[stream], |flow, _| flow.rest());
        let Some(rest) = rest.filter(|_| !reader.is_dropped) else { return };
        match (writer.is_finished, writer.is_dropped) {
            (true, _) => {
                assert_eq!(reader.read, writer.written, "all of it has come");
                assert!(matches!(rest, Some(Ok(_))), "an end is an end");
            }
            (false, true) => assert!(matches!(rest, Some(Err(_)) | None), "a cut is never an end"),
            (false, false) => assert!(rest.is_none() && reader.read == writer.written),
        }
    }
}

proptest! {
    /// Whatever two ends do, and however their frames are delayed: bytes come in order, an end behind all of them, and what
    /// was cut is never shown as ended. Nothing is kept of a stream that both have dropped.
    #[test]
    fn what_is_written_comes_in_order_and_ends_are_ends(
        steps in vec((0_u8..9, 0_usize..2, 0..STREAMS, 1_usize..200_000), 1..60),
        passes in vec((0_usize..2, 0_usize..4), 1..60),
    ) {
        let mut ends = Ends::new();
        for (step, (from, count)) in steps.into_iter().zip(passes.into_iter().cycle()) {
            ends.step(step);
            ends.pass(from, count);
        }
        ends.settle();
        for (end, stream) in (0..2).flat_map(|end| (0..STREAMS).map(move |stream| (end, stream))) {
            ends.check(end, stream);
        }
        for (end, stream) in (0..2).flat_map(|end| (0..STREAMS).map(move |stream| (end, stream))) {
            if ends.is_there(end, stream) {
                ends.give_up(end, stream);
            }
        }
        ends.settle();
        for streams in &ends.sides {
            prop_assert!(streams.flows.is_empty(), "{:?}", streams.flows.keys());
        }
    }
}

/// What an end makes of one frame of its peer's, where it has accepted stream 2, whose peer has ended its direction in order.
#[track_caller]
fn check(kind: Kind, flags: u16, stream: u32, length: u32, expected: Option<Violation>) {
    let mut streams = Streams::new(false);
    let mut receive = |flags, kind, stream, length| {
        let header = Header { kind, flags, stream, length };
        let body = Bytes::from(vec![0; header.body_len().min(9)]);
        streams.receive(Part { header, is_first: true, is_last: true, body }, || NOW).map(drop)
    };
    for stream in [2, 4] {
        receive(flag::SYN, Kind::Data, stream, 0).unwrap();
    }
    receive(flag::FIN, Kind::Data, 2, 0).unwrap();
    assert_eq!(receive(flags, kind, stream, length).err(), expected);
}

#[test]
fn what_breaks_the_rules_ends_the_connection() {
    check(Kind::Data, 0, 4, 256 * 1024, None);
    check(Kind::Data, 0, 4, 256 * 1024 + 1, Some(Violation::Flood(4)));
    check(Kind::Data, 0, 2, 1, None);
    check(Kind::Data, 0, 2, 0, None);
    check(Kind::Data, flag::FIN, 2, 0, None);
    check(Kind::Data, flag::SYN, 2, 0, Some(Violation::Opened(2)));
    check(Kind::Data, flag::SYN, 3, 0, Some(Violation::Opened(3)));
    check(Kind::Window, flag::SYN, 0, 0, Some(Violation::Opened(0)));
    check(Kind::Window, flag::SYN, 6, u32::MAX - 256 * 1024, None);
    check(Kind::Window, 0, 4, u32::MAX - 256 * 1024 + 1, Some(Violation::Window(4)));
    check(Kind::Data, 0, 8, u32::MAX, None);
    check(Kind::Window, flag::RST, 8, 0, None);
}

#[test]
fn a_peer_opens_no_more_than_so_many() {
    let mut streams = Streams::new(false);
    let mut open = |stream| {
        let header = Header { kind: Kind::Window, flags: flag::SYN, stream, length: 0 };
        streams.receive(Part { header, is_first: true, is_last: true, body: Bytes::new() }, || NOW).map(drop)
    };
    let most = u32::try_from(MAX_STREAMS).unwrap();
    assert!((1..=most).all(|number| open(2 * number).is_ok()));
    assert_eq!(open(2 * most + 2), Err(Violation::Streams));
}

/// A stream that is to be opened and is dropped before anything of it was sent is nobody's.
#[test]
fn what_nobody_has_heard_of_is_not_reset() {
    let mut streams = Streams::new(true);
    let (places, mut stream) = (Arc::new(Semaphore::new(1)), 0);
    for text in [&b""[..], b"text"] {
        stream = streams.open(Arc::clone(&places).try_acquire_owned().unwrap(), NOW).unwrap();
        streams.with(stream, |flow, _| {
            if !text.is_empty() {
                flow.write(Bytes::from_static(text));
            }
        });
        drop(streams.give_up(stream));
    }
    let frames: Vec<_> = std::iter::from_fn(|| streams.next_frame(|| NOW)).map(|(header, ..)| header).collect();
    assert_eq!(frames, [Header::trip(0)]);
    assert_eq!((stream, places.available_permits()), (4, 1));
}

/// A stream with much to say says it in turn with the others.
#[test]
fn streams_take_turns() {
    let mut ends = Ends::new();
    ends.write(OPENER, 0, 128 * 1024);
    ends.write(OPENER, 1, 9);
    let frames = std::iter::from_fn(|| ends.sides[OPENER].next_frame(|| NOW));
    let frames: Vec<_> = frames.skip(1).map(|(header, ..)| (header.stream, header.length)).collect();
    assert_eq!(frames, [(2, 64 * 1024), (4, 9), (2, 64 * 1024)]);
}

/// A peer that opens a stream and resets it, again and again, while nothing of ours is taken.
#[test]
fn the_list_of_those_that_have_to_say_something_is_bounded() {
    let mut streams = Streams::new(true);
    for flags in [flag::SYN, flag::RST].into_iter().cycle().take(1_000) {
        let header = Header { kind: Kind::Window, flags, stream: 1, length: 0 };
        drop(streams.receive(Part { header, is_first: true, is_last: true, body: Bytes::new() }, || NOW).unwrap());
    }
    assert_eq!((streams.listed.len(), streams.flows.len()), (0, 0));
}

/// Bytes that are written one by one while nothing is taken.
#[test]
fn what_waits_is_kept_in_few_pieces() {
    let mut ends = Ends::new();
    for _ in 0..256 * 1024 {
        ends.write(OPENER, 0, 1);
    }
    let frames = std::iter::from_fn(|| ends.sides[OPENER].next_frame(|| NOW)).skip(1);
    let lengths: Vec<_> = frames.map(|(header, ..)| header.length).collect();
    assert_eq!(lengths, vec![4 * 1024; 64]);
}

#[test]
fn a_connection_without_a_number_left_says_so() {
    let mut streams = Streams::new(true);
    streams.next = Some(u32::MAX - 1);
    let places = Arc::new(Semaphore::new(1));
    let mut open = || streams.open(Arc::clone(&places).try_acquire_owned().unwrap(), NOW);
    assert_eq!(open(), Some(u32::MAX - 1));
    streams.give_up(u32::MAX - 1).wake();
    assert!(!streams.is_spent());
    assert_eq!(streams.open(Arc::clone(&places).try_acquire_owned().unwrap(), NOW), None);
    assert!(streams.is_spent());
}
