//! Exchanges in the API's JSON. Knows what each member means, and nothing of requests for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::summary::{Summary, text};
use super::webhooks::Webhooks;
use crate::inspect::show::{self, Messages, show};
use crate::inspect::{Exchange, Kind, Message, Said, Side, millis};

/// An exchange by itself.
#[derive(Serialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    summary: Summary,
    timing: Timing,
    request: Part,
    response: Option<Part>,
    said: Vec<Piece>,
    unkept: u64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the unit stands in the API's names")]
struct Timing {
    held_ms: f64,
    asked_ms: Option<f64>,
    answered_ms: Option<f64>,
    ended_ms: Option<f64>,
}

/// A request or an answer.
#[derive(Serialize)]
struct Part {
    start_line: String,
    headers: Vec<(String, String)>,
    trailers: Vec<(String, String)>,
    /// The head as it passed, where it is no text.
    head_base64: Option<String>,
    body: Body,
}

#[derive(Serialize)]
struct Body {
    size: u64,
    kept: usize,
    cut: bool,
    encoding: Option<String>,
    decoded: bool,
    problem: Option<String>,
    media_type: Option<String>,
    kind: &'static str,
    text: Option<String>,
}

/// A message of a WebSocket or an event.
#[derive(Serialize)]
struct Piece {
    at_ms: f64,
    by: &'static str,
    kind: &'static str,
    size: u64,
    text: Option<String>,
    base64: Option<String>,
    cut: bool,
    deflated: bool,
}

impl Detail {
    pub(super) fn of(exchange: &Exchange, webhooks: &Webhooks) -> Self {
        let timing = exchange.timing;
        Self {
            summary: Summary::of(exchange, webhooks),
            timing: Timing {
                held_ms: millis(timing.held),
                asked_ms: timing.asked.map(millis),
                answered_ms: timing.answered.map(millis),
                ended_ms: timing.ended.map(millis),
            },
            request: Part::of(&exchange.request),
            response: exchange.response.as_ref().map(Part::of),
            said: {
                let mut messages = Messages::new();
                exchange.said.iter().map(|said| Piece::of(said, messages.next(said).as_deref())).collect()
            },
            unkept: exchange.unkept,
        }
    }
}

impl Part {
    fn of(message: &Message) -> Self {
        let show::Shown { media_type, kind, encoding, decoded, text: shown, problem, .. } = show(message);
        let pair = |(name, value)| (text(name), text(value));
        Self {
            start_line: text(message.start_line()),
            headers: message.headers().map(pair).collect(),
            trailers: message.trailer_fields().map(pair).collect(),
            head_base64: std::str::from_utf8(&message.head).is_err().then(|| STANDARD.encode(&message.head)),
            body: Body {
                size: message.body.size,
                kept: message.body.kept.len(),
                cut: message.body.is_cut(),
                encoding,
                decoded,
                problem,
                media_type,
                kind: kind.name(),
                text: shown,
            },
        }
    }
}

impl Piece {
    /// A message, and what it holds where it could be inflated.
    fn of(said: &Said, inflated: Option<&[u8]>) -> Self {
        let Said { kind, body, .. } = said;
        // What could not cannot be read by itself.
        let deflated = said.deflated && inflated.is_none();
        let held = inflated.unwrap_or(&body.kept);
        let bytes = match std::str::from_utf8(held) {
            Ok(_) if *kind == Kind::Binary || deflated => None,
            Ok(text) => Some(text.to_owned()),
            Err(_) if matches!(kind, Kind::Text | Kind::Event) && !deflated => Some(text(held)),
            Err(_) => None,
        };
        Self {
            at_ms: millis(said.at),
            by: side(said.by),
            kind: name(*kind),
            size: body.size,
            base64: bytes.is_none().then(|| STANDARD.encode(held)),
            text: bytes,
            cut: body.is_cut(),
            deflated,
        }
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Visitor => "visitor",
        Side::Target => "target",
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Binary => "binary",
        Kind::Ping => "ping",
        Kind::Pong => "pong",
        Kind::Close => "close",
        Kind::Event => "event",
    }
}
