//! What a line has room for of an exchange: made here of what the inspector keeps, and elsewhere of what a running client's
//! API tells, which has the same names. Knows not what lines look like.

use serde::{Deserialize, Serialize};

use crate::inspect::api::{Webhook, Webhooks};
use crate::inspect::{Exchange, Id, State, millis};

/// An exchange in short.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: Id,
    /// When it began, in milliseconds since 1970.
    pub(crate) started: u64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: Option<u16>,
    pub(crate) state: Progress,
    /// Why the target was not reached, or nothing was answered, or what passes is not understood.
    pub(crate) cause: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) duration_ms: Option<f64>,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) held_ms: Option<f64>,
    pub(crate) resumed: bool,
    pub(crate) replay_of: Option<Id>,
    /// What is to be said of it as a webhook.
    pub(crate) webhook: Option<Webhook>,
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Progress {
    Asked,
    Answering,
    Done,
    Cut,
    Unreachable,
    Opaque,
}

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Http,
    WebSocket,
    Sse,
}

impl Row {
    pub(crate) fn of(exchange: &Exchange, webhooks: &Webhooks) -> Self {
        let (state, cause) = match &exchange.state {
            State::Asked => (Progress::Asked, None),
            State::Answering => (Progress::Answering, None),
            State::Done => (Progress::Done, None),
            State::Cut => (Progress::Cut, None),
            State::Unanswered(cause) => (Progress::Cut, Some((*cause).to_owned())),
            State::Unreachable(cause) => (Progress::Unreachable, Some(cause.clone())),
            State::Opaque(cause) => (Progress::Opaque, Some((*cause).to_owned())),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let response = exchange.response.as_ref();
        let held = exchange.timing.held;
        Self {
            id: exchange.id,
            started: u64::try_from(exchange.started.as_millis()).unwrap_or(u64::MAX),
            method: text(exchange.request.method()),
            path: text(exchange.request.path()),
            status: response.and_then(crate::inspect::Message::status),
            state,
            cause,
            kind: kind(exchange),
            duration_ms: exchange.timing.ended.map(millis),
            request_bytes: exchange.request.body.size,
            response_bytes: response.map_or(0, |response| response.body.size),
            held_ms: (!held.is_zero()).then(|| millis(held)),
            resumed: exchange.resumed,
            replay_of: exchange.replay_of,
            webhook: webhooks.judge(exchange),
        }
    }

    /// Whether something went wrong that is not the visitor's doing.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.state, Progress::Cut | Progress::Unreachable) || self.status.is_some_and(|status| status >= 500)
    }
}

fn kind(exchange: &Exchange) -> Kind {
    let Some(response) = &exchange.response else { return Kind::Http };
    let says = |name: &str, wanted: &str| {
        let value = String::from_utf8_lossy(response.header(name).unwrap_or_default()).to_ascii_lowercase();
        value.split([';', ',']).any(|word| word.trim() == wanted)
    };
    if response.status() == Some(101) && says("upgrade", "websocket") {
        Kind::WebSocket
    } else if says("content-type", "text/event-stream") {
        Kind::Sse
    } else {
        Kind::Http
    }
}
