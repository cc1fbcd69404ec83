//! The sessions, as whoever runs the server sees them: all of them, and the end of one.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::super::Server;
use super::super::session::{Link, Session};
use crate::metrics::{Label as _, Wire};
use crate::wire::{SessionId, stamp};

/// What `GET /sessions` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Each session, the oldest first.
    pub sessions: Vec<Listed>,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// When it was opened, as RFC 3339 has it.
    pub since: String,
    /// Its prefix; `examination` for a session of `sendit doctor`, which holds none.
    pub prefix: String,
    /// Its id.
    pub id: String,
    /// Whom its token names.
    pub subject: Option<String>,
    /// Where its client called from when it opened the session.
    pub from: Option<IpAddr>,
    /// Its wire, `v1` or `v2`.
    pub wire: String,
    /// How it is carried down and up: by `streams` or by `batches`.
    pub down: String,
    /// The same, up.
    pub up: String,
    /// `attended`, or `away` where its client is gone and may come back.
    pub client: String,
    /// Which of the server's threads it lives on, counted from 1.
    pub thread: usize,
    /// Exchanges under way.
    pub exchanges: usize,
    /// Bytes of its visitors.
    pub bytes_up: u64,
    /// Bytes of its target.
    pub bytes_down: u64,
}

impl Listed {
    fn of(session: &Session) -> Self {
        let wire = session.link().wire();
        let [down, up] = match session.link() {
            Link::V1(_) => [true; 2],
            Link::V2(attendance) => attendance.streams(),
        }
        .map(|streams| if streams { "streams" } else { "batches" }.to_owned());
        let stamp = stamp(Duration::from_secs(session.since()));
        let traffic = session.traffic();
        Self {
            since: String::from_utf8_lossy(&stamp).replace(".000000", ""),
            prefix: session.prefix().to_string(),
            id: session.id().to_string(),
            subject: session.bearer().and_then(|bearer| bearer.subject.clone()),
            from: session.from(),
            wire: Wire::VALUES[wire.place()].to_owned(),
            down,
            up,
            client: if session.is_attended() { "attended" } else { "away" }.to_owned(),
            thread: session.home().at() + 1,
            exchanges: session.exchanges(),
            bytes_up: traffic.up(),
            bytes_down: traffic.down(),
        }
    }
}

/// `GET /sessions`.
pub(super) async fn list(State(server): State<Server>) -> Response {
    let mut sessions: Vec<_> = server.0.registry.all().iter().map(|session| Listed::of(session)).collect();
    sessions.sort();
    let mut answer = (serde_json::to_string(&Sessions { sessions }).unwrap_or_default() + "\n").into_response();
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// `DELETE /sessions/{id}`: ends a session, and tells its client why.
pub(super) async fn end(State(server): State<Server>, Path(id): Path<String>) -> Response {
    let session = id.parse::<SessionId>().ok().and_then(|id| server.0.registry.by_id(&id));
    let Some(session) = session else {
        return (StatusCode::NOT_FOUND, "there is no session with this id\n").into_response();
    };
    session.dismiss();
    StatusCode::NO_CONTENT.into_response()
}
