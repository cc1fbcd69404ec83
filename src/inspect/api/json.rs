//! Exchanges in the API's JSON. Knows what each member means, and nothing of requests for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::webhooks::{Webhook, Webhooks};
use crate::inspect::show::{self, show};
use crate::inspect::{Exchange, Id, Kind, Message, Said, Side, State, millis};

/// An exchange in a list.
#[derive(Serialize)]
pub(super) struct Summary {
    pub(super) id: Id,
    /// In milliseconds since 1970.
    pub(super) started: u64,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) host: String,
    pub(super) status: Option<u16>,
    state: &'static str,
    cause: Option<String>,
    kind: &'static str,
    duration_ms: Option<f64>,
    request_bytes: u64,
    response_bytes: u64,
    held_ms: Option<f64>,
    resumed: bool,
    replay_of: Option<Id>,
    webhook: Option<Webhook>,
}

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

impl Summary {
    pub(super) fn of(exchange: &Exchange, webhooks: &Webhooks) -> Self {
        let Exchange { request, response, timing, .. } = exchange;
        let (state, cause) = state(&exchange.state);
        let host = request.header("host").map(text).unwrap_or_default();
        Self {
            id: exchange.id,
            started: u64::try_from(exchange.started.as_millis()).unwrap_or(u64::MAX),
            method: text(request.method()),
            path: text(request.path()),
            host,
            status: response.as_ref().and_then(Message::status),
            state,
            cause,
            kind: kind(response.as_ref()),
            duration_ms: timing.ended.map(millis),
            request_bytes: request.body.size,
            response_bytes: response.as_ref().map_or(0, |response| response.body.size),
            held_ms: (!timing.held.is_zero()).then(|| millis(timing.held)),
            resumed: exchange.resumed,
            replay_of: exchange.replay_of,
            webhook: webhooks.judge(exchange),
        }
    }
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
            said: exchange.said.iter().map(Piece::of).collect(),
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
    fn of(said: &Said) -> Self {
        let Said { kind, body, deflated, .. } = said;
        // What is compressed together with what came before it cannot be read by itself.
        let bytes = match std::str::from_utf8(&body.kept) {
            Ok(_) if *kind == Kind::Binary || *deflated => None,
            Ok(text) => Some(text.to_owned()),
            Err(_) if matches!(kind, Kind::Text | Kind::Event) && !deflated => Some(text(&body.kept)),
            Err(_) => None,
        };
        Self {
            at_ms: millis(said.at),
            by: side(said.by),
            kind: name(*kind),
            size: body.size,
            base64: bytes.is_none().then(|| STANDARD.encode(&body.kept)),
            text: bytes,
            cut: body.is_cut(),
            deflated: *deflated,
        }
    }
}

/// As text, whatever it is.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn state(state: &State) -> (&'static str, Option<String>) {
    match state {
        State::Asked => ("asked", None),
        State::Answering => ("answering", None),
        State::Done => ("done", None),
        State::Cut => ("cut", None),
        State::Unanswered(cause) => ("cut", Some((*cause).to_owned())),
        State::Unreachable(cause) => ("unreachable", Some(cause.clone())),
        State::Opaque(cause) => ("opaque", Some((*cause).to_owned())),
    }
}

fn kind(response: Option<&Message>) -> &'static str {
    let Some(response) = response else { return "http" };
    let says = |name: &str, wanted: &str| {
        let value = response.header(name).map(|value| text(value).to_ascii_lowercase()).unwrap_or_default();
        value.split([';', ',']).any(|word| word.trim() == wanted)
    };
    if response.status() == Some(101) && says("upgrade", "websocket") {
        "websocket"
    } else if says("content-type", "text/event-stream") {
        "sse"
    } else {
        "http"
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
