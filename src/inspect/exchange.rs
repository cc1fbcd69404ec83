//! One exchange as it was seen: plain data, and what can be told from it alone.

use std::time::Duration;

/// The number of an exchange: from 1 on, in the order of their first bytes.
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
    /// When its first byte came, since 1970.
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

/// A request or an answer.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its head as it passed, up to and with the empty line.
    pub head: Vec<u8>,
    /// Its body, without the framing of chunks.
    pub body: Body,
    /// What stood behind the last chunk, as it passed.
    pub trailers: Vec<u8>,
}

/// The bytes of a body, or as many as there is room for.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Its beginning.
    pub kept: Vec<u8>,
    /// How many bytes there were, kept or not.
    pub size: u64,
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
    /// The target could not be reached; why.
    Unreachable(String),
    /// What passes is not understood, and passes all the same; why.
    Opaque(&'static str),
}

/// How long each part of an exchange took. All but `held` are counted from its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// How long it waited for a connection to the target, where it was the first on it.
    pub held: Duration,
    /// Until the request was whole.
    pub asked: Option<Duration>,
    /// Until the first byte of the answer.
    pub answered: Option<Duration>,
    /// Until all was over.
    pub ended: Option<Duration>,
}

impl Body {
    /// Whether there is more than was kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.size > self.kept.len() as u64
    }
}

impl Message {
    /// The first line of the head, without its end.
    #[must_use]
    pub fn start_line(&self) -> &[u8] {
        lines(&self.head).next().unwrap_or_default()
    }

    /// A request's method.
    #[must_use]
    pub fn method(&self) -> &[u8] {
        self.word(0)
    }

    /// What a request asks for: a path, with its query.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.word(1)
    }

    /// An answer's status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.word(1)).ok()?.parse().ok()
    }

    /// The names and values of the head's lines, as they came; without the white space around the values.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        lines(&self.head).skip(1).filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
    }

    /// The value of the first header of that name, whose case is all the same.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    fn word(&self, number: usize) -> &[u8] {
        self.start_line().split(|byte| *byte == b' ').nth(number).unwrap_or_default()
    }
}

/// The lines of a head, without their ends.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}
