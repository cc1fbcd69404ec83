//! How it stands with the tunnel and the record. Knows neither link nor client, only what it is told of them.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::answer::json;
use super::{Api, Tunnel};

/// How it stands with the tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// In one word.
    pub standing: Standing,
    /// How the link is carried, or why there is none, in one sentence.
    pub text: Option<String>,
}

/// How it stands with a tunnel, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It has never stood.
    #[default]
    Connecting,
    /// It stands.
    Ready,
    /// The link is lost, and exchanges wait for it.
    Lost,
    /// There is none, and it is tried again.
    Retrying,
}

/// What the status says.
#[derive(Serialize)]
pub(super) struct Status {
    version: &'static str,
    url: String,
    target: String,
    state: Standing,
    link: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tunnels: Vec<Stands>,
    inspect: String,
    /// In milliseconds since 1970.
    started: u64,
    token: String,
    totals: Totals,
    store: Store,
}

/// How it stands with one of several tunnels.
#[derive(Serialize)]
struct Stands {
    name: String,
    url: String,
    target: String,
    state: Standing,
    link: Option<String>,
}

#[derive(Serialize)]
struct Totals {
    seen: u64,
    kept: usize,
    evicted: u64,
    request_bytes: u64,
    response_bytes: u64,
}

#[derive(Serialize)]
struct Store {
    room: usize,
    used: usize,
    evicted: u64,
}

impl Stands {
    /// None for one that is alone, and has no name.
    fn of(tunnel: &Tunnel) -> Option<Self> {
        let Tunnel { name, url, target, link, .. } = tunnel;
        let Link { standing, text } = link.borrow().clone();
        let (name, url, target) = (name.as_deref()?.to_owned(), url.clone(), target.clone());
        Some(Self { name, url, target, state: standing, link: text })
    }
}

pub(super) async fn status(State(api): State<Api>) -> Response {
    json(&api.status())
}

impl Api {
    /// How it stands now.
    pub(super) fn status(&self) -> Status {
        let config = &self.0.config;
        let Tunnel { url, target, link, .. } = &config.tunnel;
        let Link { standing, text } = link.borrow().clone();
        let totals = self.0.inspector.store().totals();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            url: url.clone(),
            target: target.clone(),
            state: standing,
            link: text,
            tunnels: self.tunnels().filter_map(Stands::of).collect(),
            inspect: format!("http://{}", self.0.addr),
            started: u64::try_from(self.0.started.as_millis()).unwrap_or(u64::MAX),
            token: config.token.as_str().to_owned(),
            totals: Totals {
                seen: totals.seen,
                kept: totals.kept,
                evicted: totals.evicted,
                request_bytes: totals.down,
                response_bytes: totals.up,
            },
            store: Store { room: totals.room, used: totals.used, evicted: totals.evicted },
        }
    }
}
