//! An exchange in short, as lists, events and lines tell of it. The API writes it, and our own commands read it.

use serde::{Deserialize, Serialize};

use super::webhooks::{Webhook, Webhooks};
use crate::inspect::{Exchange, Id, Message, State, millis};

/// An exchange in short.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Its number.
    pub id: Id,
    /// By which tunnel it came, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started: u64,
    /// The method of its request.
    pub method: String,
    /// What the request asks for, with its query.
    pub path: String,
    /// The host that the target is told; empty, if there is none.
    pub host: String,
    /// The status of its answer, once there is one.
    pub status: Option<u16>,
    /// How far it is.
    pub state: Progress,
    /// Why the target was not reached, or nothing was answered, or a replay was given up, or what passes is not understood.
    pub cause: Option<String>,
    /// What it is for.
    pub kind: Sort,
    /// How long it took, in milliseconds, once it is over.
    pub duration_ms: Option<f64>,
    /// The bytes of the request's body.
    pub request_bytes: u64,
    /// The bytes of the answer's.
    pub response_bytes: u64,
    /// How long its visitor waited, for a client that was gone or a target that refused, in milliseconds, where it did.
    pub held_ms: Option<f64>,
    /// Whether the link was lost and came back while it was under way.
    pub resumed: bool,
    /// Which exchange it repeats.
    pub replay_of: Option<Id>,
    /// What is to be said of it as a webhook.
    pub webhook: Option<Webhook>,
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// The request is under way, or waits for its answer.
    Asked,
    /// The answer has begun.
    Answering,
    /// Both are whole.
    Done,
    /// One of them was cut.
    Cut,
    /// The target could not be reached.
    Unreachable,
    /// What passes is not understood.
    Opaque,
}

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// A request and its answer.
    Http,
    /// A WebSocket.
    WebSocket,
    /// A stream of server-sent events.
    Sse,
}

impl Summary {
    /// Of an exchange, as it is now.
    #[must_use]
    pub fn of(exchange: &Exchange, webhooks: &Webhooks) -> Self {
        Self::with(exchange, webhooks.judge(exchange))
    }

    /// The same where it is known what it is as a webhook.
    pub(crate) fn with(exchange: &Exchange, webhook: Option<Webhook>) -> Self {
        let Exchange { request, response, timing, .. } = exchange;
        let (state, cause) = progress(&exchange.state);
        Self {
            id: exchange.id,
            tunnel: exchange.tunnel.as_deref().map(ToOwned::to_owned),
            started: u64::try_from(exchange.started.as_millis()).unwrap_or(u64::MAX),
            method: text(request.method()),
            path: text(request.path()),
            host: request.header("host").map(text).unwrap_or_default(),
            status: response.as_ref().and_then(Message::status),
            state,
            cause,
            kind: Sort::of(exchange),
            duration_ms: timing.ended.map(millis),
            request_bytes: request.body.size,
            response_bytes: response.as_ref().map_or(0, |response| response.body.size),
            held_ms: (!timing.held.is_zero()).then(|| millis(timing.held)),
            resumed: exchange.resumed,
            replay_of: exchange.replay_of,
            webhook,
        }
    }
}

impl Sort {
    /// What the answer to an exchange says that it is for.
    pub(crate) fn of(exchange: &Exchange) -> Self {
        let Some(response) = &exchange.response else { return Self::Http };
        if response.status() == Some(101) && says(response, "upgrade", b"websocket") {
            Self::WebSocket
        } else if says(response, "content-type", b"text/event-stream") {
            Self::Sse
        } else {
            Self::Http
        }
    }
}

/// Whether a word stands in a header.
fn says(message: &Message, name: &str, wanted: &[u8]) -> bool {
    let mut words = message.header(name).unwrap_or_default().split(|byte| matches!(byte, b';' | b','));
    words.any(|word| word.trim_ascii().eq_ignore_ascii_case(wanted))
}

/// As text, whatever it is.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn progress(state: &State) -> (Progress, Option<String>) {
    match state {
        State::Asked => (Progress::Asked, None),
        State::Answering => (Progress::Answering, None),
        State::Done => (Progress::Done, None),
        State::Cut => (Progress::Cut, None),
        State::Unanswered(cause) | State::GivenUp(cause) => (Progress::Cut, Some((*cause).to_owned())),
        State::Unreachable(cause) => (Progress::Unreachable, Some(cause.clone())),
        State::Opaque(cause) => (Progress::Opaque, Some((*cause).to_owned())),
    }
}
