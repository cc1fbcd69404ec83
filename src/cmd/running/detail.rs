//! One exchange as the API tells it whole: heads, and bodies where they are asked for.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Running;
use crate::cmd::exit::Failure;
use crate::inspect::api::{Progress, Summary};
use crate::inspect::{self, Body, Exchange, Id, Timing};

/// An exchange, without its bodies' bytes.
#[derive(Deserialize)]
pub(crate) struct Detail {
    #[serde(flatten)]
    pub(crate) row: Summary,
    pub(crate) request: Message,
    pub(crate) response: Option<Message>,
}

/// A request or an answer.
#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) start_line: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The head as it passed, where it is no text.
    #[serde(default)]
    head_base64: Option<String>,
    pub(crate) body: Size,
}

/// Of a body, how much there is.
#[derive(Deserialize)]
pub(crate) struct Size {
    pub(crate) size: u64,
    pub(crate) kept: u64,
}

impl Detail {
    /// The exchange of this number.
    pub(crate) async fn of(running: &Running, id: Id) -> Result<Self, Failure> {
        running.get(&format!("/api/requests/{id}")).await
    }

    /// What was kept of the answer's body.
    pub(crate) async fn answered(&self, running: &Running) -> Result<Vec<u8>, Failure> {
        body(running, self.row.id, "response", self.response.as_ref()).await
    }

    /// The same as the inspector had it, with bodies, as far as can be told by the API.
    pub(crate) async fn exchange(&self, running: &Running) -> Result<Exchange, Failure> {
        let asked = body(running, self.row.id, "request", Some(&self.request)).await?;
        let answered = self.answered(running).await?;
        let cause = self.row.cause.clone().unwrap_or_default();
        let state = match self.row.state {
            Progress::Asked => inspect::State::Asked,
            Progress::Answering => inspect::State::Answering,
            Progress::Done => inspect::State::Done,
            Progress::Cut | Progress::Opaque => inspect::State::Cut,
            Progress::Unreachable => inspect::State::Unreachable(cause),
        };
        Ok(Exchange {
            id: self.row.id,
            tunnel: self.row.tunnel.as_deref().map(Into::into),
            started: Duration::from_millis(self.row.started),
            request: self.request.with(asked),
            response: self.response.as_ref().map(|response| response.with(answered)),
            said: Vec::new(),
            unkept: 0,
            state,
            timing: Timing::default(),
            resumed: self.row.resumed,
            replay_of: self.row.replay_of,
        })
    }
}

impl Message {
    fn with(&self, kept: Vec<u8>) -> inspect::Message {
        let body = Body { kept, size: self.body.size };
        inspect::Message { head: self.head(), body, trailers: Vec::new() }
    }

    fn head(&self) -> Vec<u8> {
        let exact = self.head_base64.as_ref().and_then(|head| STANDARD.decode(head).ok());
        exact.unwrap_or_else(|| {
            let lines = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
            format!("{}\r\n{}\r\n", self.start_line, lines.collect::<String>()).into_bytes()
        })
    }
}

async fn body(running: &Running, id: Id, side: &str, message: Option<&Message>) -> Result<Vec<u8>, Failure> {
    match message {
        Some(message) if message.body.kept > 0 => {
            let bytes = running.bytes(&format!("/api/requests/{id}/{side}/body")).await?;
            Ok(bytes.to_vec())
        }
        _ => Ok(Vec::new()),
    }
}
