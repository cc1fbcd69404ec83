//! Sending an exchange's request again, as it was or edited. Knows what a request may consist of; how it is sent and seen
//! stands in `inspect/replay.rs`, and where to is not asked for: there is one target.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::timeout;

use super::Api;
use super::answer::{Refusal, json};
use crate::inspect::{Exchange, Id, Replay};

/// The most that a request for a replay may be: the largest body that is worth editing by hand, and more.
pub(super) const MAX_BODY: usize = 10 * 1024 * 1024;

/// How long it may be on its way.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// What shall be otherwise than it was.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Edits {
    #[serde(deserialize_with = "given")]
    method: Option<String>,
    #[serde(deserialize_with = "given")]
    path: Option<String>,
    #[serde(deserialize_with = "given")]
    headers: Option<Vec<(String, String)>>,
    #[serde(deserialize_with = "given")]
    body: Option<String>,
    #[serde(deserialize_with = "given")]
    body_base64: Option<String>,
    /// Whether it is to be signed afresh, where that can be done.
    #[serde(deserialize_with = "given")]
    sign: Option<bool>,
}

/// What is there has a value: whoever gives `null` for a body may mean none, or the old one.
pub(super) fn given<'a, T: Deserialize<'a>, D: Deserializer<'a>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

#[derive(Serialize)]
pub(super) struct Replayed {
    id: Id,
    /// Whether it was signed afresh.
    signed: bool,
}

pub(super) async fn replay(State(api): State<Api>, Path(id): Path<String>, body: Body) -> Result<Response, Refusal> {
    let bytes = read(body).await?;
    let exchange = api.exchange(&id)?;
    let edits = if bytes.is_empty() { Edits::default() } else { parse(&bytes)? };
    Ok(json(&api.send(&exchange, edits).await?))
}

/// The whole body of a request, which is small.
pub(super) async fn read(body: Body) -> Result<bytes::Bytes, Refusal> {
    let late = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body was not there within 30 s");
    let read = timeout(BODY_DEADLINE, to_bytes(body, MAX_BODY)).await.map_err(late)?;
    read.map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body broke off, or is larger than 10 MiB"))
}

pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|cause| Refusal::wrong(format!("the body cannot be meant: {cause}")))
}

impl Api {
    /// Sends the request of `exchange` again, and gives the number of what comes of it once that has ended. Bounded by the
    /// deadlines of the dialling and of the replay; cancelling it cuts the replay.
    async fn send(&self, exchange: &Exchange, edits: Edits) -> Result<Replayed, Refusal> {
        let may_sign = edits.sign.unwrap_or(true);
        let mut request = edits.apply(exchange)?;
        let signed = may_sign && self.0.webhooks.renew(&mut request, exchange, (self.0.config.now)());
        // So that what is wrong is told before anybody is called.
        request.to_bytes().map_err(|wrong| Refusal::wrong(wrong.to_string()))?;
        let full = |_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many replays are under way; try again later");
        let _place = self.0.replays.try_acquire().map_err(full)?;
        let failed = |cause: std::io::Error| Refusal::new(StatusCode::BAD_GATEWAY, cause.to_string());
        let connection = (self.tunnel_of(exchange).dial)().await.map_err(failed)?;
        let inspector = self.0.inspector.of_tunnel(exchange.tunnel.clone());
        let id = crate::inspect::replay(connection, &inspector, &request, exchange.id).await.map_err(failed)?;
        Ok(Replayed { id, signed })
    }

    /// The same without a change, of an exchange that is known by its number.
    pub(super) async fn send_again(&self, id: &str) -> Result<Replayed, Refusal> {
        self.send(&*self.exchange(id)?, Edits::default()).await
    }
}

impl Edits {
    /// The request of `exchange` with what is to be otherwise.
    fn apply(self, exchange: &Exchange) -> Result<Replay, Refusal> {
        let mut request = Replay::of(exchange);
        let body = self.body()?;
        if body.is_none() && exchange.request.body.is_cut() {
            let sentence = "of that request's body only the beginning was kept; give one with the replay";
            return Err(Refusal::new(StatusCode::CONFLICT, sentence));
        }
        if self.path.as_ref().is_some_and(|path| !path.starts_with('/') && path != "*") {
            return Err(Refusal::wrong("`path` begins with `/`: the target is always the same"));
        }
        request.method = self.method.map_or(request.method, String::into_bytes);
        request.path = self.path.map_or(request.path, String::into_bytes);
        if let Some(headers) = self.headers {
            request.headers =
                headers.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect();
        }
        request.body = body.unwrap_or(request.body);
        Ok(request)
    }

    fn body(&self) -> Result<Option<Vec<u8>>, Refusal> {
        match (&self.body, &self.body_base64) {
            (Some(_), Some(_)) => Err(Refusal::wrong("give `body` or `body_base64`, and not both")),
            (Some(text), None) => Ok(Some(text.clone().into_bytes())),
            (None, Some(text)) => {
                let wrong = |cause| Refusal::wrong(format!("`body_base64` is no base64: {cause}"));
                STANDARD.decode(text).map(Some).map_err(wrong)
            }
            (None, None) => Ok(None),
        }
    }
}
