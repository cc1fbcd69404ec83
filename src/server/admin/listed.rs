//! The sessions, as whoever runs the server sees them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::Server;
use super::super::session::{Link, Session};
use crate::metrics::{Label as _, Wire};
use crate::wire::{SessionId, stamp};

/// What `GET /sessions` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Which of several servers answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Each session, the oldest first.
    pub sessions: Vec<Listed>,
    /// Those of several servers whose sessions are not among them, for they did not answer in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<Silent>,
}

/// A server that did not answer another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// Which of them it is, as [`Listed::server`] has it.
    pub server: String,
    /// Where the others reach it.
    pub address: SocketAddr,
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
    /// Which of several servers it lives on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
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
    fn of(session: &Session, server: Option<String>) -> Self {
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
            server,
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

impl Server {
    /// All that this server knows alone.
    pub(in crate::server) fn sessions(&self) -> Sessions {
        Sessions { server: self.name(), sessions: self.listed(), silent: Vec::new() }
    }

    /// The sessions of this server.
    pub(in crate::server) fn listed(&self) -> Vec<Listed> {
        let name = self.name();
        self.0.registry.all().iter().map(|session| Listed::of(session, name.clone())).collect()
    }

    /// What it is called among several.
    fn name(&self) -> Option<String> {
        self.0.config.cluster.as_ref().map(|cluster| cluster.me().short())
    }

    /// Ends a session of this server, and tells its client why. Whether there was one.
    pub(in crate::server) fn dismiss(&self, id: &SessionId) -> bool {
        let session = self.0.registry.by_id(id);
        session.inspect(|session| session.dismiss()).is_some()
    }
}
