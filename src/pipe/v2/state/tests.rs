//! What one end says and the other takes, and what is left of it where carriers are lost.

use proptest::prelude::*;

use super::super::reading::{Change, Reading, Violation};
use super::*;

fn new() -> State {
    State::new(&Budget::default())
}

fn piece(state: &mut State, place: &mut Place) -> Bytes {
    let piece = state.next_piece(place, usize::MAX, BytesMut::new()).expect("something to say");
    [piece.head, piece.data].concat().into()
}

#[test]
fn what_one_end_says_the_other_takes() {
    let (mut one, mut other) = (new(), new());
    let (mut reading, mut place) = (Reading::new(0), Place::at(0));
    one.out.write(b"hello");
    let mut ping = BytesMut::new();
    Record::Ping(one.next_ping()).encode(&mut ping);
    reading.take(&mut other, ping.freeze()).1.unwrap();
    let taken = reading.take(&mut other, piece(&mut one, &mut place));
    assert_eq!(taken, (Change { readable: true, ..Change::default() }, Ok(())));
    assert_eq!(other.inn.read(100).as_deref(), Some(&b"hello"[..]));
    assert!(one.next_piece(&mut place, usize::MAX, BytesMut::new()).is_none(), "nothing more to say");

    let (mut back, mut answers) = (Reading::new(0), Place::at(0));
    back.take(&mut one, piece(&mut other, &mut answers)).1.unwrap();
    assert_eq!((one.ponged, one.out.acked()), (1, 5));
}

#[test]
fn what_is_acknowledged_before_a_carrier_speaks_is_passed_over() {
    let (mut one, mut other) = (new(), new());
    one.out.write(b"hello");
    let (mut old, mut new) = (Place::at(0), Place::at(one.out.seek(0).unwrap()));
    Reading::new(0).take(&mut other, piece(&mut one, &mut old)).1.unwrap();
    other.inn.read(100);
    one.out.ack(5, Duration::ZERO).unwrap();
    one.out.write(b" world");
    let mut reading = Reading::new(0);
    reading.take(&mut other, piece(&mut one, &mut new)).1.unwrap();
    assert_eq!(other.inn.read(100).as_deref(), Some(&b" world"[..]));
    assert_eq!((new.cursor, one.out.seek(0)), (11, Ok(0)), "a request may have been overtaken by what it asks for");
}

#[test]
fn a_long_piece_is_not_copied() {
    let mut state = new();
    state.out.write(&vec![1; 100_000]);
    let mut place = Place::at(0);
    let piece = state.next_piece(&mut place, 70_000, BytesMut::new()).unwrap();
    assert_eq!((piece.head.len(), piece.data.len(), place.cursor), (4, 70_000, 70_000));
}

#[track_caller]
fn tells(look: Look, read: usize, expected: bool) {
    let (mut state, mut place) = (new(), Place { look, ..Place::at(0) });
    state.inn.accept(0, vec![0; read].into()).unwrap();
    state.inn.read(usize::MAX);
    assert_eq!(state.must_tell(look), expected, "{look:?}, {read}");
    assert_eq!(state.next_piece(&mut place, 0, BytesMut::new()).is_some(), expected, "{look:?}, {read}");
    assert_eq!(place.told, if expected { read as u64 } else { 0 });
    // Whatever else is to be said takes it along.
    state.ask();
    state.next_piece(&mut place, 0, BytesMut::new()).expect("a question");
    assert_eq!(place.told, read as u64);
}

#[test]
fn a_carrier_that_rests_tells_what_is_very_much() {
    for look in [Look::Never, Look::Later] {
        tells(look, 64 * 1024 - 1, false);
        tells(look, 64 * 1024, true);
    }
    tells(Look::Soon, 512 * 1024 - 1, false);
    tells(Look::Soon, 512 * 1024, true);
}

#[track_caller]
fn refused(records: &[Record], expected: &str) {
    let mut wire = Vec::new();
    for record in records {
        record.encode(&mut wire);
    }
    let mut state = new();
    let error = Reading::new(0).take(&mut state, wire.into()).1.expect_err("a lie");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn lies_end_the_session() {
    refused(&[Record::Ack(1)], "the offset 1 is outside 0..=0");
    refused(&[Record::Attached(1)], "the offset 1 is outside 0..=0");
    refused(&[Record::Skip(1)], "a carrier passes over what has not been acknowledged, up to 1");
    refused(
        &[Record::Last(0), Record::Data(Bytes::from_static(b"x"))],
        "a carrier that was to end at 0 has brought more",
    );
}

#[test]
fn a_trial_changes_nothing_and_a_pong_that_was_not_asked_for_neither() {
    let mut state = new();
    state.out.write(b"x");
    let mut wire = Vec::new();
    for record in [Record::Attached(0), Record::Ack(1), Record::Pong(u64::MAX)] {
        record.encode(&mut wire);
    }
    Reading::trial().take(&mut state, wire.clone().into()).1.unwrap();
    assert_eq!((state.out.acked(), state.ponged), (0, 0));
    Reading::new(0).take(&mut state, wire.into()).1.unwrap();
    assert_eq!((state.out.acked(), state.ponged), (1, 0));
    for record in [Record::Data(Bytes::from_static(b"x")), Record::Close { code: 1, text: String::new() }] {
        let mut wire = Vec::new();
        record.encode(&mut wire);
        assert_eq!(Reading::trial().take(&mut state, wire.into()).1, Err(Violation::Trial));
    }
    assert!(state.end.is_none());
}

#[test]
fn an_end_in_order_is_told_from_a_cut() {
    let mut state = new();
    let mut reading = Reading::new(0);
    let mut wire = Vec::new();
    Record::Data(Bytes::from_static(b"x")).encode(&mut wire);
    reading.take(&mut state, Bytes::from(wire)).1.unwrap();
    assert!(!reading.is_complete());
    let mut wire = Vec::new();
    Record::Last(1).encode(&mut wire);
    reading.take(&mut state, Bytes::from(wire)).1.unwrap();
    assert!(reading.is_complete());
}

#[test]
fn a_trial_ends_in_order_wherever_the_log_stands() {
    let (mut state, mut wire) = (new(), Vec::new());
    Record::Last(1_000).encode(&mut wire);
    let mut reading = Reading::trial();
    assert!(!reading.is_complete());
    reading.take(&mut state, wire.into()).1.unwrap();
    assert!(reading.is_complete());
}

#[test]
fn what_came_before_a_violation_is_a_change_all_the_same() {
    let (mut state, mut wire) = (new(), Vec::new());
    state.out.write(b"x");
    for record in [Record::Ack(1), Record::Skip(5)] {
        record.encode(&mut wire);
    }
    let (change, taken) = Reading::new(0).take(&mut state, wire.into());
    assert_eq!((change.writable, taken), (true, Err(Violation::Skipped(5))));
}

/// What happens between an end that reads and its carriers, of which the last in the list lives to the end.
#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    /// A carrier says what it has to, and that arrives.
    Speak(usize),
    /// A carrier says what it has to, and is lost with that.
    Lose(usize),
    /// A batch that tells is lost.
    LoseBatch,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_usize..200_000).prop_map(Step::Read),
        any::<usize>().prop_map(Step::Speak),
        any::<usize>().prop_map(Step::Lose),
        Just(Step::LoseBatch),
    ]
}

/// A carrier of the end that reads, its first words said.
fn told_by(reader: &mut State) -> (Place, Reading, BytesMut) {
    let (mut place, mut head) = (Place::at(0), BytesMut::new());
    reader.attach(&mut place, &mut head);
    (place, Reading::new(0), head)
}

proptest! {
    /// An acknowledgement that is lost with the carrier that brought it is told by those that live: else a writer
    /// whose window is full and a reader that has told everything would wait for each other for ever.
    #[test]
    fn what_a_lost_carrier_told_is_told_by_one_that_lives(steps in proptest::collection::vec(any_step(), 1..40), count in 1_usize..5) {
        let (mut writer, mut reader) = (new(), new());
        let (mut place, mut reading) = (Place::at(0), Reading::new(0));
        // Until the window is full.
        while writer.out.write(&vec![0; 65_536]) > 0 {
            while let Some(piece) = writer.next_piece(&mut place, usize::MAX, BytesMut::new()) {
                for bytes in [piece.head, piece.data] {
                    reading.take(&mut reader, bytes).1.unwrap();
                }
            }
        }
        let mut carriers: Vec<_> = (0..count).map(|_| told_by(&mut reader)).collect();
        for step in steps {
            match step {
                Step::Read(most) => drop(reader.inn.read(most)),
                Step::Speak(which) => {
                    let (place, reading, head) = &mut carriers[which % count];
                    reader.tell(place, head);
                    reading.take(&mut writer, head.split().freeze()).1.unwrap();
                }
                Step::Lose(which) if which % count < count - 1 => {
                    let (place, _, head) = &mut carriers[which % count];
                    reader.tell(place, head);
                    carriers[which % count] = told_by(&mut reader);
                }
                Step::Lose(_) => {}
                Step::LoseBatch => {
                    let (place, ..) = told_by(&mut reader);
                    reader.note_batch(place);
                }
            }
        }
        // A batch is known to be lost by the one who sent it; a stream that lives knows nothing of it.
        let (place, reading, head) = carriers.last_mut().expect("one at least");
        reader.tell(place, head);
        reading.take(&mut writer, head.split().freeze()).1.unwrap();
        prop_assert_eq!(writer.out.acked(), reader.inn.read_up_to());
        reader.forget_told_by_batches();
        prop_assert_eq!(reader.batches_may_tell(), reader.inn.read_up_to() > 0);
    }
}
