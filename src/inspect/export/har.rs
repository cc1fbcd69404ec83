//! Exchanges as an HTTP Archive, version 1.2, which browsers and many programs read.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::inspect::address::Site;
use crate::inspect::exchange::{Exchange, Kind, Message, Said, Side, State, Timing, millis};
use crate::wire::stamp;
use message::{Answered, Asked, lossy};

mod cookies;
mod message;

/// What this program is called in archives.
const CREATOR: Named = Named { name: "sendit", version: env!("CARGO_PKG_VERSION") };

/// What is not known. (HAR 1.2)
const UNKNOWN: f64 = -1.0;

/// An archive, to be written as JSON.
#[derive(Debug, Serialize)]
pub struct Har {
    log: Log,
}

/// The archive of `exchanges`, in their order. `site` is where the tunnel stands, in case that a request does not tell.
pub fn har<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>, site: Option<&Site>) -> Har {
    let entries = exchanges.into_iter().map(|exchange| Entry::of(exchange, site)).collect();
    Har { log: Log { version: "1.2", creator: CREATOR, entries } }
}

/// An archive that is written entry by entry, and never there as a whole.
#[derive(Debug, Default)]
pub struct Archive {
    entries: usize,
    ended: bool,
}

impl Archive {
    /// The next piece of its JSON, with this entry at the end.
    pub fn entry(&mut self, exchange: &Exchange, site: Option<&Site>) -> Vec<u8> {
        let mut piece = self.before();
        self.entries += 1;
        // Plain data with text for its keys.
        piece.extend(serde_json::to_vec(&Entry::of(exchange, site)).unwrap_or_default());
        piece
    }

    /// The last piece; none after it.
    pub fn end(&mut self) -> Option<Vec<u8>> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        let mut piece = if self.entries == 0 { self.before() } else { Vec::new() };
        piece.extend(END);
        Some(piece)
    }

    /// What stands before an entry: another, or the beginning of it all.
    fn before(&self) -> Vec<u8> {
        if self.entries > 0 {
            return b",".to_vec();
        }
        let mut empty = serde_json::to_vec(&har([], None)).unwrap_or_default();
        empty.truncate(empty.len().saturating_sub(END.len()));
        empty
    }
}

/// What stands behind the last entry.
const END: &[u8] = b"]}}";

#[derive(Debug, Serialize)]
struct Log {
    version: &'static str,
    creator: Named,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Named {
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: String,
    /// In milliseconds, as all times are; the sum of those in `timings`.
    time: f64,
    request: Asked,
    response: Answered,
    cache: Nothing,
    timings: Timings,
    #[serde(rename = "_resourceType", skip_serializing_if = "Option::is_none")]
    resource_type: Option<&'static str>,
    #[serde(rename = "_webSocketMessages", skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Spoken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, Serialize)]
struct Nothing {}

#[derive(Debug, Serialize)]
struct Timings {
    blocked: f64,
    dns: f64,
    connect: f64,
    send: f64,
    wait: f64,
    receive: f64,
    ssl: f64,
}

/// A WebSocket's message, as browsers write it.
#[derive(Debug, Serialize)]
struct Spoken {
    #[serde(rename = "type")]
    direction: &'static str,
    /// In seconds since 1970.
    time: f64,
    opcode: u8,
    data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
}

impl Entry {
    fn of(exchange: &Exchange, site: Option<&Site>) -> Self {
        let timings = Timings::of(&exchange.timing);
        let messages: Vec<_> = exchange.said.iter().filter_map(|said| Spoken::of(said, exchange.started)).collect();
        let is_socket = exchange.response.as_ref().and_then(Message::status) == Some(101);
        // What follows on a connection that went over to another protocol is no body.
        let seen = |message| if is_socket { Cow::Owned(headed(message)) } else { Cow::Borrowed(message) };
        Self {
            started_date_time: String::from_utf8_lossy(&stamp(exchange.started)).into_owned(),
            time: timings.sum(),
            request: Asked::of(&seen(&exchange.request), site),
            response: exchange.response.as_ref().map_or_else(Answered::none, |answer| Answered::of(&seen(answer))),
            cache: Nothing {},
            timings,
            resource_type: (is_socket || !messages.is_empty()).then_some("websocket"),
            messages,
            comment: remarks(exchange),
        }
    }
}

fn headed(message: &Message) -> Message {
    Message { head: message.head.clone(), ..Message::default() }
}

/// What the fields have no place for.
fn remarks(exchange: &Exchange) -> Option<String> {
    let mut remarks = match &exchange.state {
        State::Done => Vec::new(),
        State::Asked | State::Answering => vec!["it was still under way".to_owned()],
        State::Cut => vec!["it was cut".to_owned()],
        State::Unanswered(cause) | State::GivenUp(cause) => vec![(*cause).to_owned()],
        State::Unreachable(cause) => vec![format!("the target could not be reached: {cause}")],
        State::Opaque(cause) => vec![format!("it is not understood: {cause}")],
    };
    if exchange.unkept > 0 {
        remarks.push(format!("{} more messages were not kept", exchange.unkept));
    }
    if exchange.resumed {
        remarks.push("the link was lost and came back meanwhile".to_owned());
    }
    if let Some(id) = exchange.replay_of {
        remarks.push(format!("it repeats exchange {id}"));
    }
    (!remarks.is_empty()).then(|| remarks.join("; "))
}

impl Timings {
    /// What is sent while the answer already comes counts as sent until then.
    fn of(timing: &Timing) -> Self {
        let ended = [timing.ended, timing.answered, timing.asked].into_iter().flatten().max().unwrap_or_default();
        let answered = timing.answered.unwrap_or(ended);
        let asked = timing.asked.unwrap_or(answered).min(answered);
        Self {
            blocked: millis(timing.held.min(ended)),
            dns: UNKNOWN,
            connect: UNKNOWN,
            send: millis(asked.saturating_sub(timing.held)),
            wait: millis(answered.saturating_sub(asked.max(timing.held))),
            receive: millis(ended.saturating_sub(answered.max(timing.held))),
            ssl: UNKNOWN,
        }
    }

    fn sum(&self) -> f64 {
        // Not 0.30000000000000004.
        ((self.blocked + self.send + self.wait + self.receive) * 1e3).round() / 1e3
    }
}

impl Spoken {
    /// Events of a stream stand in the answer's body already.
    fn of(said: &Said, started: Duration) -> Option<Self> {
        let opcode = match said.kind {
            Kind::Text => 1,
            Kind::Binary => 2,
            Kind::Close => 8,
            Kind::Ping => 9,
            Kind::Pong => 10,
            Kind::Event => return None,
        };
        let direction = match said.by {
            Side::Visitor => "send",
            Side::Target => "receive",
        };
        let data = match said.kind {
            Kind::Text if !said.deflated => lossy(&said.body.kept),
            _ => STANDARD.encode(&said.body.kept),
        };
        let comment = said.deflated.then_some("compressed, and in base64");
        Some(Self { direction, time: (started + said.at).as_secs_f64(), opcode, data, comment })
    }
}
