//! What a fault proxy shall do, as plain data. Knows nothing of how it is done.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Everything that may happen to what goes through a fault proxy. The default passes everything on as it is.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Sudden losses of requests in flight.
    pub kills: Option<Kills>,
    /// Which requests what follows applies to; none means all.
    pub only: Vec<Kind>,
    /// Bytes from the visitor to the origin.
    pub up: Shape,
    /// Bytes from the origin to the visitor.
    pub down: Shape,
    /// Each request is cut at this age.
    pub max_age: Option<Duration>,
    /// The chance, from 0 to 1, that a request or its answer is cut within the first 64 bytes of its head or its
    /// body.
    pub handshake_cuts: f64,
    /// The chance, from 0 to 1, that a request is answered with 503 and never passed on.
    pub refusals: f64,
    /// The chance, from 0 to 1, that a request is passed on 100 ms late and whole, so that those after it overtake it.
    pub late: f64,
    /// A request with a Content-Length of up to 1 MiB is sent twice.
    pub duplicate: Option<Copy>,
    /// What happens to the head of an answer.
    pub heads: Heads,
    /// Pass a request on only when it is whole; one of more bytes than this is answered with 413.
    pub buffer_request: Option<usize>,
    /// Pass an answer on only when it is whole, or this many bytes of it have come; from then on it is a stream.
    pub buffer_response: Option<usize>,
}

/// Sudden losses: at each turn one thing of `what` is cut.
#[derive(Clone, Debug)]
pub struct Kills {
    /// What may be cut; one of them is chosen at each turn.
    pub what: Vec<Loss>,
    /// How; one of them is chosen at each turn.
    pub how: Vec<Cut>,
    /// The time between two turns.
    pub every: RangeInclusive<Duration>,
}

/// What is lost at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// One `read`.
    Read,
    /// One `write`.
    Write,
    /// One `read` and one `write`.
    Both,
    /// One connection, whatever it carries: an `open`, half a head, or nothing at the moment.
    Any,
}

/// How a connection is cut, towards both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// Ended in order, in the middle of whatever it carried.
    Fin,
    /// Reset; what was on its way is lost.
    Rst,
    /// Lost without a word, as where a cable is pulled: whatever either side sends is taken, its end too, and nothing
    /// arrives.
    Hole,
}

/// A request, by the last segment of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A carrier from server to client.
    Read,
    /// A carrier from client to server.
    Write,
    /// Anything else.
    Other,
}

impl Kind {
    pub(super) fn of(target: &str) -> Self {
        let path = target.split('?').next().unwrap_or_default();
        match path.rsplit('/').next() {
            Some("read") => Self::Read,
            Some("write") => Self::Write,
            _ => Self::Other,
        }
    }
}

/// How bytes go in one direction.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Each byte arrives this much later. What is on its way is bounded to 1 024 pieces of 64 KiB.
    pub delay: Duration,
    /// Bytes a second; none means as fast as they come.
    pub bandwidth: Option<u64>,
    /// Each byte is a write of its own.
    pub one_by_one: bool,
    /// What happens after this many bytes of a body, and before its head where that is 0.
    pub after: Option<(u64, Then)>,
}

/// What happens to a direction from some byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The connection is cut.
    Cut(Cut),
    /// Nothing is read any more, so that the sender is slowed to a stop.
    Stall,
    /// Everything is taken and nothing arrives.
    BlackHole,
}

/// What happens to the head of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heads {
    /// It is passed on as it comes.
    #[default]
    Pass,
    /// It is held until the first byte of its body, or its end.
    Hold,
}

/// Which answer a visitor gets to a request that is sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// The answer to the first; the second is sent when that is whole, and its answer is dropped.
    AnswerFirst,
    /// The answer to the second, sent when the first has been answered.
    AnswerSecond,
}

impl Plan {
    pub(super) fn applies_to(&self, kind: Kind) -> bool {
        self.only.is_empty() || self.only.contains(&kind)
    }
}
