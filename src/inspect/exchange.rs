//! One exchange as it was seen: plain data, and what can be told from it alone.

mod message;

use std::sync::Arc;
use std::time::Duration;

pub use message::{Body, Message};

/// A time in milliseconds, to the microsecond: more is noise.
#[must_use]
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// The number of an exchange: from 1 on, in the order in which their heads came.
pub type Id = u64;

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Whoever calls the public URL, or a replay in its place.
    Visitor,
    /// The local service.
    Target,
}

/// One request and what came of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its number.
    pub id: Id,
    /// By which tunnel it came, where a process has several.
    pub tunnel: Option<Arc<str>>,
    /// When it came, and began to wait where it was held, since 1970.
    pub started: Duration,
    /// What was asked.
    pub request: Message,
    /// What was answered, once the head of it is there. Interim answers (1xx, but for 101) are not kept.
    pub response: Option<Message>,
    /// What was said after it, on WebSocket connections and in streams of server-sent events: the oldest, as many as there is room for.
    pub said: Vec<Said>,
    /// How many more there were.
    pub unkept: u64,
    /// How far it is.
    pub state: State,
    /// How long each part took.
    pub timing: Timing,
    /// Whether the link was lost and came back while it was under way.
    pub resumed: bool,
    /// Which exchange this one repeats.
    pub replay_of: Option<Id>,
}

#[cfg(test)]
impl Exchange {
    /// One that is done, and of which nothing else is known than what was asked.
    pub(crate) fn of(request: Message) -> Self {
        Self {
            id: 1,
            tunnel: None,
            started: Duration::ZERO,
            request,
            response: None,
            said: Vec::new(),
            unkept: 0,
            state: State::Done,
            timing: Timing::default(),
            resumed: false,
            replay_of: None,
        }
    }
}

/// A WebSocket's message, or an event of a stream of server-sent events.
#[derive(Clone, Debug)]
pub struct Said {
    /// Since the exchange started.
    pub at: Duration,
    /// By whom.
    pub by: Side,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub body: Body,
    /// Whether it stands here as it passed, compressed together with those before it in its direction. (RFC 7692)
    pub deflated: bool,
}

/// What a [`Said`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A WebSocket's message of text. (RFC 6455, section 5.6)
    Text,
    /// A WebSocket's message of bytes.
    Binary,
    /// A WebSocket's ping.
    Ping,
    /// A WebSocket's pong.
    Pong,
    /// A WebSocket's close, its code and reason.
    Close,
    /// A server-sent event, its lines as they came.
    Event,
}

/// How far an exchange is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The request is under way, or waits for its answer.
    Asked,
    /// The answer has begun; of a WebSocket, it is open.
    Answering,
    /// Both are whole.
    Done,
    /// One of them was cut.
    Cut,
    /// The target closed the connection, and no byte of an answer had come; and what that may mean.
    Unanswered(&'static str),
    /// It went on, and was cut here; why.
    GivenUp(&'static str),
    /// The target could not be reached; why.
    Unreachable(String),
    /// What passes is not understood, and passes all the same; why.
    Opaque(&'static str),
}

/// How long each part of an exchange took, counted from when it came: `held` is the beginning of all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// How long its visitor waited, for a client that was gone or a target that refused, where it was the first on its
    /// connection.
    pub held: Duration,
    /// Until the request was whole.
    pub asked: Option<Duration>,
    /// Until the first byte of the answer.
    pub answered: Option<Duration>,
    /// Until all was over.
    pub ended: Option<Duration>,
}
