//! What a peer of wire v2 may bring, as bytes that a fuzzer chooses.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::budget::Budget;
use super::log::model::{BOUND, Step, World, check_bounds, inbound, outbound};
use super::reading::Reading;
use super::record::{Malformed, Parser, Record};
use super::state::{Place, State};

/// What was found in a carrier's bytes: however these are cut, it is the same.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    log: Vec<u8>,
    /// Each with its place in the log.
    others: Vec<(usize, Record)>,
    malformed: Option<Malformed>,
    whole: bool,
}

fn found(bytes: &[u8], piece: usize) -> Found {
    let (mut parser, mut found) = (Parser::default(), Found::default());
    for piece in bytes.chunks(piece) {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match parser.next(&mut piece) {
                Ok(Some(Record::Data(data))) => found.log.extend_from_slice(&data),
                Ok(Some(record)) => found.others.push((found.log.len(), record)),
                Ok(None) => break,
                Err(malformed) => return Found { malformed: Some(malformed), ..found },
            }
        }
    }
    Found { whole: parser.at_boundary(), ..found }
}

/// Bytes in which records are looked for; the first says how the others are cut.
pub fn records(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first() else { return };
    let seen = found(bytes, bytes.len().max(1));
    assert_eq!(seen, found(bytes, 1 + usize::from(*cut)));
    let mut encoded = BytesMut::new();
    let mut log = &seen.log[..];
    let mut at = 0;
    for (place, record) in &seen.others {
        let (data, rest) = log.split_at(place - at);
        Record::Data(Bytes::copy_from_slice(data)).encode(&mut encoded);
        record.encode(&mut encoded);
        (log, at) = (rest, *place);
    }
    Record::Data(Bytes::copy_from_slice(log)).encode(&mut encoded);
    let again = found(&encoded, encoded.len());
    assert_eq!((again.log, again.others, again.malformed), (seen.log, seen.others, None));
}

/// Four bytes for each thing that happens to a log. After an odd first byte the peer lies: what comes is neither what
/// was written nor where it belongs.
pub fn log(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let (steps, _) = data.as_chunks::<4>();
    if kind % 2 == 1 {
        return lies(steps);
    }
    let mut world = World::new();
    for step in steps {
        world.step(&Step::from_bytes(*step));
    }
    world.settle();
}

fn lies(steps: &[[u8; 4]]) {
    let (mut inn, mut out, mut now) = (inbound(BOUND, BOUND), outbound(&Budget::default()), Duration::ZERO);
    for [kind, high, low, size] in steps {
        let near = u64::from(u16::from_be_bytes([*high, *low]));
        let offset = if kind & 0x80 == 0 { near } else { u64::MAX - near };
        match kind % 4 {
            0 => drop(inn.accept(offset, vec![0; usize::from(*size)].into())),
            1 => drop(inn.read(usize::from(*size))),
            2 => drop(out.ack(offset, now)),
            _ => drop((out.write(&vec![0; usize::from(*size)]), out.read(offset, usize::from(*size), now))),
        }
        now += Duration::from_millis((*size).into());
        check_bounds(&inn);
        assert!(inn.read_up_to() <= inn.wanted());
        assert!(out.acked() <= out.end() && out.end() - out.acked() <= BOUND as u64);
    }
}

/// One end of a pipe, whose program reads and writes while a peer brings it what it likes, on a few carriers at a time.
pub fn state(mut data: &[u8]) {
    let (mut state, mut place) = (State::new(&Budget::default()), Place::at(0));
    let mut carriers: Vec<Reading> = (0..4).map(|_| Reading::new(0)).collect();
    while let [step, size, rest @ ..] = data {
        data = rest;
        let (which, length) = (usize::from(step >> 6), usize::from(*size));
        match step % 8 {
            0..=3 => {
                let (bytes, rest) = data.split_at(length.min(data.len()));
                data = rest;
                // It ends the session, or, on a trial, the carrier.
                if carriers[which].take(&mut state, Bytes::copy_from_slice(bytes)).1.is_err() {
                    break;
                }
            }
            4 => carriers[which] = Reading::new((state.inn.wanted() + u64::from(*size)).saturating_sub(128)),
            5 => carriers[which] = Reading::trial(),
            6 => drop(state.inn.read(length)),
            _ => {
                state.out.write(&vec![0; length * 256]);
                let mut head = BytesMut::new();
                if step & 8 != 0 {
                    state.attach(&mut place, &mut head);
                }
                if let Some(piece) = state.next_piece(&mut place, length * 1_024, head) {
                    assert!(piece.data.len() <= length * 1_024 && piece.head.len() <= 8 * 1_024);
                }
            }
        }
        state.now += Duration::from_millis((*size).into());
        check_bounds(&state.inn);
        assert!(place.cursor <= state.out.end() && state.ponged <= state.pinged);
    }
    assert!(state.out.acked() <= state.out.end());
}
