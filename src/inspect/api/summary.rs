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
    /// Why the target was not reached, or nothing was answered, or what passes is not understood.
    pub cause: Option<String>,
    /// What it is for.
    pub kind: Sort,
    /// How long it took, in milliseconds, once it is over.
    pub duration_ms: Option<f64>,
    /// The bytes of the request's body.
    pub request_bytes: u64,
    /// The bytes of the answer's.
    pub response_bytes: u64,
    /// How long it waited for a connection to the target, in milliseconds, where it did.
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
        Self { webhook: webhooks.judge(exchange), ..Self::unjudged(exchange) }
    }

    /// The same where nobody asks what it is as a webhook, which takes more than all the rest.
    pub(crate) fn unjudged(exchange: &Exchange) -> Self {
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
            kind: response.as_ref().map_or(Sort::Http, sort),
            duration_ms: timing.ended.map(millis),
            request_bytes: request.body.size,
            response_bytes: response.as_ref().map_or(0, |response| response.body.size),
            held_ms: (!timing.held.is_zero()).then(|| millis(timing.held)),
            resumed: exchange.resumed,
            replay_of: exchange.replay_of,
            webhook: None,
        }
    }

    /// Whether something went wrong that is not the visitor's doing.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.state, Progress::Cut | Progress::Unreachable) || self.status.is_some_and(|status| status >= 500)
    }
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
        State::Unanswered(cause) => (Progress::Cut, Some((*cause).to_owned())),
        State::Unreachable(cause) => (Progress::Unreachable, Some(cause.clone())),
        State::Opaque(cause) => (Progress::Opaque, Some((*cause).to_owned())),
    }
}

fn sort(response: &Message) -> Sort {
    let says = |name: &str, wanted: &str| {
        let value = response.header(name).map(|value| text(value).to_ascii_lowercase()).unwrap_or_default();
        value.split([';', ',']).any(|word| word.trim() == wanted)
    };
    if response.status() == Some(101) && says("upgrade", "websocket") {
        Sort::WebSocket
    } else if says("content-type", "text/event-stream") {
        Sort::Sse
    } else {
        Sort::Http
    }
}
