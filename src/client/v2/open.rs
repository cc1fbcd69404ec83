//! `open` on wire v2.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;

use super::super::link::{Denied, Link};
use super::super::refusal::Seen;
use super::super::session::Client;
use super::super::{Event, Source, Token};
use super::way::Way;
use crate::wire::SessionId;
use crate::wire::v2::{self, Asked, Attempt, Given, Refusal, Secret};

/// The most that is read of an answer.
const MAX_ANSWER: usize = 16 * 1024;

/// A session that the server has given.
pub(super) struct Grant {
    pub(super) session: SessionId,
    pub(super) secret: Secret,
    /// Where its carriers go.
    pub(super) way: Way,
    /// How many bytes of the log the server takes in a batch.
    pub(super) batch: usize,
    /// Whether streams say at their beginning how long their visitors have waited.
    pub(super) tells_waits: bool,
}

/// Counts a client's attempts, so that a server can tell one that comes late from the next.
pub(in crate::client) struct Attempts {
    /// Nothing where the operating system has no randomness to give: a client goes uncounted then.
    nonce: Option<String>,
    made: AtomicU64,
}

impl Attempts {
    pub(in crate::client) fn new() -> Self {
        let nonce = getrandom::u64().ok().zip(getrandom::u64().ok());
        Self { nonce: nonce.map(|(high, low)| format!("{high:016x}{low:016x}")), made: AtomicU64::new(0) }
    }

    fn next(&self) -> Option<Attempt> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        self.nonce.clone().map(|nonce| Attempt { nonce, number })
    }
}

/// Asks for a session. `None` where the server does not speak this wire.
pub(super) async fn open(client: &Client) -> Option<Result<Grant, Denied>> {
    let asked = Asked { attempt: client.attempts.next(), ..client.config.asked() };
    let (response, url) = match ask(&client.link, v2::OPEN, client.config.token.as_ref(), &asked).await {
        Ok(answer) => answer,
        Err(denied) => return Some(Err(denied)),
    };
    if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
        return None;
    }
    Some(read(response, &url, client).await)
}

/// Posts JSON with the token. Gives the answer, and the URL that gave it.
pub(super) async fn ask(
    link: &Link,
    path: &str,
    token: Option<&Token>,
    asked: &impl Serialize,
) -> Result<(Response, Url), Denied> {
    let body = serde_json::to_string(asked).unwrap_or_default();
    let fill = |request: RequestBuilder| {
        let request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        match token.map(Token::as_str) {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    };
    link.open(path, fill).await
}

impl Grant {
    /// What `given` says, where `url`, whose path ends in `path`, has said it.
    pub(super) fn new(given: &Given, url: &Url, path: &str) -> Option<Self> {
        Some(Self {
            session: given.session.parse().ok()?,
            secret: given.secret.parse().ok()?,
            way: Way::new(url, path, given.carriers.as_deref()),
            batch: given.batch,
            tells_waits: given.tells_waits(),
        })
    }
}

async fn read(mut response: Response, url: &Url, client: &Client) -> Result<Grant, Denied> {
    let body = whole(&mut response).await;
    let given = serde_json::from_slice::<Given>(&body).ok().filter(|_| response.status() == StatusCode::OK);
    if let Some((grant, given)) = given.and_then(|given| Some((Grant::new(&given, url, v2::OPEN)?, given))) {
        // Nothing has been carried yet, so no visitor gets through to what was to be protected.
        if let Some(cause) = client.config.refused_by(&given) {
            return Err(Denied::NotGranted(cause));
        }
        if let Some(text) = client.config.lacking(&given) {
            client.tell(Event::Lacking { text });
        }
        if let Some(url) = given.url.and_then(|url| Url::parse(&url).ok()) {
            client.tell(Event::Hosted { url: url.as_str().trim_end_matches('/').to_owned() });
        }
        return Ok(grant);
    }
    Err(denied(&response, &body, &client.config.source, client.config.token.as_ref()))
}

/// Why an answer with this body gives no session.
pub(super) fn denied(response: &Response, body: &[u8], source: &Source, token: Option<&Token>) -> Denied {
    let (code, message) = match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => (refusal.error.code, refusal.error.message),
        Err(_) => (String::new(), String::new()),
    };
    Seen::of(response, &code, &message).judge(source, token)
}

/// The body, as far as an honest one can be long; the link's deadline for idle connections bounds its time.
pub(super) async fn whole(response: &mut Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    let deadline = std::time::Duration::from_secs(15);
    let reading = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(deadline, reading).await;
    bytes
}
