//! What passes through a client, as bytes that a fuzzer chooses.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer hears of a fault")]

use std::time::Duration;

use super::{Body, Exchange, Inspector, Message, Settings, Side, Tap, Timing, show};

/// Room for all that a fuzzer can think of, and for next to nothing.
const AMPLE: usize = 64 * 1024 * 1024;
const SCARCE: usize = 4 * 1024;

/// What passes at a time, or ends.
enum Step<'a> {
    Said(Side, &'a [u8]),
    Ended(Side),
}

/// A byte for what happens, two for a length, and so many bytes that pass.
fn steps(mut data: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    while let Some((kind, rest)) = data.split_first() {
        data = rest;
        let side = if kind & 1 == 0 { Side::Visitor } else { Side::Target };
        if kind & 2 != 0 {
            steps.push(Step::Ended(side));
            continue;
        }
        let Some((length, rest)) = data.split_first_chunk() else { break };
        let (bytes, after) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        steps.push(Step::Said(side, bytes));
        data = after;
    }
    steps
}

/// What is seen of a connection is the same however it is cut, and takes no more room than there is.
pub fn tap(data: &[u8]) {
    let steps = steps(data);
    let whole = seen(&steps, usize::MAX, AMPLE);
    for piece in [1, 7] {
        let apart = seen(&steps, piece, AMPLE);
        assert_eq!(whole, apart, "in pieces of {piece}");
    }
    seen(&steps, 100, SCARCE);
}

/// Whatever a body is, and whatever its head says of it, what is shown of it is bounded. Headers end with an empty line.
pub fn show(data: &[u8]) {
    let end = data.windows(2).position(|two| two == b"\n\n").map_or(0, |at| at + 2);
    let (headers, kept) = data.split_at(end);
    let head = [b"HTTP/1.1 200 OK\n", headers].concat();
    // An odd head is that of a body that was cut.
    let size = (kept.len() + headers.len() % 2) as u64;
    let message = Message { head, body: Body { kept: kept.to_vec(), size }, trailers: Vec::new() };
    let shown = show::show(&message);
    assert!(shown.bytes.len() <= show::MAX_SHOWN);
    assert!(!shown.decoded || shown.bytes.len() <= kept.len() * show::MAX_RATIO);
    assert!(shown.text.is_none_or(|text| text.len() <= show::MAX_SHOWN));
}

/// The exchanges that are seen where bytes come in pieces of such a size, as text and without what they took.
fn seen(steps: &[Step<'_>], piece: usize, room: usize) -> Vec<String> {
    let inspector = Inspector::new(Settings { room, ..Settings::new(|| Duration::ZERO) });
    let tap = inspector.connection(Duration::ZERO);
    for step in steps {
        match step {
            Step::Ended(side) => tap.ended(*side),
            Step::Said(side, bytes) => bytes.chunks(piece).for_each(|piece| say(&tap, *side, piece)),
        }
        check(&inspector, room);
    }
    drop(tap);
    check(&inspector, room);
    let mut seen = inspector.store().newest(usize::MAX, None, |exchange| Some(timeless(exchange)));
    seen.reverse();
    inspector.store().clear();
    assert_eq!(inspector.store().totals().used, 0, "what is held is given back");
    seen
}

fn say(tap: &Tap, side: Side, bytes: &[u8]) {
    match side {
        Side::Visitor => tap.down(bytes),
        Side::Target => tap.up(bytes),
    }
}

fn check(inspector: &Inspector, room: usize) {
    let totals = inspector.store().totals();
    assert!(totals.used <= room, "{totals:?}");
    assert_eq!(totals.seen, totals.kept as u64 + totals.evicted);
}

fn timeless(exchange: &Exchange) -> String {
    let no_time = |time: Option<Duration>| time.map(|_| Duration::ZERO);
    let Timing { asked, answered, ended, .. } = exchange.timing;
    let timing =
        Timing { held: Duration::ZERO, asked: no_time(asked), answered: no_time(answered), ended: no_time(ended) };
    assert!(ended.is_some(), "all is over when its connection is");
    let said = exchange.said.iter().cloned().map(|said| super::Said { at: Duration::ZERO, ..said }).collect();
    format!("{:?}", Exchange { said, timing, ..exchange.clone() })
}
