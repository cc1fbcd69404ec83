//! The records beside a model of them that keeps everything: what is kept is what is newest, and as much as there is
//! room for.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::records::{Part, Records};
use crate::inspect::exchange::{Body, Exchange, Id, Kind, Message, Said, Side, State};

const ROOM: usize = 20_000;
const LIMIT: usize = 2_000;

#[derive(Clone, Debug)]
enum Step {
    Begin(usize),
    Answer(Index, usize),
    Append(Index, Part, usize),
    Say(Index, usize),
    Hold(usize),
    Release,
    /// Somebody looks at one, for as long as it takes.
    Look(Index),
    LookAway,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let part = select(
        &[
            Part::Body(Side::Visitor),
            Part::Body(Side::Target),
            Part::Trailers(Side::Visitor),
            Part::Trailers(Side::Target),
        ][..],
    );
    prop_oneof![
        4 => (0_usize..600).prop_map(Step::Begin),
        3 => (any::<Index>(), 0_usize..600).prop_map(|(at, length)| Step::Answer(at, length)),
        8 => (any::<Index>(), part, 0_usize..900).prop_map(|(at, part, length)| Step::Append(at, part, length)),
        3 => (any::<Index>(), 0_usize..900).prop_map(|(at, length)| Step::Say(at, length)),
        1 => (0_usize..3_000).prop_map(Step::Hold),
        1 => Just(Step::Release),
        1 => any::<Index>().prop_map(Step::Look),
        1 => Just(Step::LookAway),
        1 => Just(Step::Clear),
    ]
}

/// What was done to one exchange, all of it.
#[derive(Clone, Debug, Default)]
struct Whole {
    head: usize,
    answer: Option<usize>,
    bodies: [usize; 2],
    trailers: [usize; 2],
    said: usize,
}

fn exchange(head: Vec<u8>) -> Exchange {
    Exchange { id: 0, state: State::Asked, ..Exchange::of(Message { head, ..Message::default() }) }
}

/// The bytes of an exchange, which is the least that it takes.
fn bytes(exchange: &Exchange) -> usize {
    let of = |message: &Message| message.head.len() + message.body.kept.len() + message.trailers.len();
    let said: usize = exchange.said.iter().map(|said| said.body.kept.len()).sum();
    of(&exchange.request) + exchange.response.as_ref().map_or(0, of) + said
}

#[track_caller]
fn check_whole(exchange: &Exchange, whole: &Whole) {
    let response = exchange.response.clone().unwrap_or_default();
    assert_eq!(exchange.request.head.len(), whole.head);
    assert_eq!(response.head.len(), whole.answer.unwrap_or_default());
    for (message, side) in [(&exchange.request, 0), (&response, 1)] {
        assert_eq!(message.body.size, whole.bodies[side] as u64);
        assert_eq!(message.body.kept.len(), whole.bodies[side].min(LIMIT));
        assert_eq!(message.trailers.len(), whole.trailers[side].min(LIMIT));
    }
    assert_eq!(exchange.said.len() as u64 + exchange.unkept, whole.said as u64);
}

fn side(part: Part) -> usize {
    match part {
        Part::Body(Side::Visitor) | Part::Trailers(Side::Visitor) => 0,
        Part::Body(Side::Target) | Part::Trailers(Side::Target) => 1,
    }
}

proptest! {
    #[test]
    fn the_newest_are_kept_as_they_were_and_as_many_as_there_is_room_for(steps in vec(step(), 1..120)) {
        let mut records = Records::new(ROOM);
        let (mut model, mut held, mut looked_at, mut cleared) = (Vec::<Whole>::new(), Vec::new(), Vec::new(), 0);
        // An exchange that there was, kept or not.
        let pick = |model: &Vec<Whole>, at: Index| (!model.is_empty()).then(|| at.index(model.len()));
        for step in steps {
            let before = records.totals();
            let mut touched = None;
            match step {
                Step::Begin(head) => {
                    let id = records.begin(exchange(vec![b'h'; head]));
                    model.push(Whole { head, ..Whole::default() });
                    prop_assert_eq!(id, model.len() as Id);
                }
                Step::Answer(at, length) => if let Some(at) = pick(&model, at) {
                    touched = Some(at);
                    model[at].answer = Some(length);
                    records.answer(at as Id + 1, vec![b'a'; length], |exchange| exchange.state = State::Answering);
                },
                Step::Append(at, part, length) => if let Some(at) = pick(&model, at) {
                    touched = Some(at);
                    let whole = &mut model[at];
                    let sizes = if let Part::Body(_) = part { &mut whole.bodies } else { &mut whole.trailers };
                    sizes[side(part)] += length;
                    records.append(at as Id + 1, part, &vec![b'b'; length], LIMIT);
                },
                Step::Say(at, length) => if let Some(at) = pick(&model, at) {
                    touched = Some(at);
                    model[at].said += 1;
                    let body = Body { kept: vec![b's'; length], size: length as u64 };
                    let said = Said { at: Duration::ZERO, by: Side::Target, kind: Kind::Text, body, deflated: false };
                    records.say(at as Id + 1, said);
                },
                Step::Hold(length) => if records.hold(length) {
                    held.push(length);
                },
                Step::Release => if let Some(length) = held.pop() {
                    records.release(length);
                },
                Step::Look(at) => looked_at.extend(pick(&model, at).and_then(|at| records.get(at as Id + 1).cloned())),
                Step::LookAway => looked_at.clear(),
                Step::Clear => {
                    cleared += before.kept;
                    records.clear();
                }
            }
            let totals = records.totals();
            let kept = records.newest(usize::MAX, Id::MAX);
            let ids: Vec<Id> = kept.iter().map(|exchange| exchange.id).collect();
            let expected: Vec<Id> = (1..=model.len() as Id).rev().take(kept.len()).collect();
            prop_assert_eq!(ids, expected, "they are the newest, in order");
            prop_assert_eq!(totals.seen, model.len() as u64);
            prop_assert_eq!(totals.kept as u64 + totals.evicted + cleared as u64, totals.seen);
            let least: usize = kept.iter().map(|exchange| 1_024 + bytes(exchange)).sum::<usize>() + held.iter().sum::<usize>();
            prop_assert!(least <= totals.used && totals.used <= ROOM, "{least}, {totals:?}");
            for exchange in &kept {
                check_whole(exchange, &model[usize::try_from(exchange.id - 1).unwrap()]);
            }
            // None goes but for room that is needed: with the one that went last there would have been too much.
            let last = usize::try_from(totals.seen - totals.kept as u64).unwrap().checked_sub(1);
            if totals.evicted > before.evicted && touched != last {
                let whole = &model[last.unwrap()];
                let body = whole.bodies.iter().chain(&whole.trailers).sum::<usize>();
                let most = 1_024 + whole.head + whole.answer.unwrap_or_default() + 2 * body + whole.said * (256 + 900);
                prop_assert!(totals.used + most + 3_000 > ROOM, "{totals:?}");
            }
        }
    }
}
