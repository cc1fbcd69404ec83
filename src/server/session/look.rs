//! A session as somebody sees it who counts or lists them.

use std::net::IpAddr;

use super::{Link, Session};
use crate::proxy::Traffic;

/// How many bytes of bodies cost about what an exchange does.
const BYTES: u64 = 32 * 1024;

impl Session {
    /// Exchanges under way.
    pub(in crate::server) fn exchanges(&self) -> usize {
        self.exchanges.len()
    }

    /// What its exchanges have come to.
    pub(in crate::server) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// What has been done for it, counted in exchanges.
    pub(in crate::server) fn work(&self) -> u64 {
        self.turns.begun() + (self.traffic.up() + self.traffic.down()) / BYTES
    }

    /// When it was opened, in Unix seconds.
    pub(in crate::server) fn since(&self) -> u64 {
        self.since
    }

    /// Where it was opened from.
    pub(in crate::server) fn from(&self) -> Option<IpAddr> {
        self.opening.from
    }

    /// Visitors who wait.
    pub(in crate::server) fn waiting(&self) -> usize {
        self.places.waiting()
    }

    /// Whether the client is there, as far as anybody knows; on v1 the session is over where it is not.
    pub(in crate::server) fn is_attended(&self) -> bool {
        match &self.link {
            Link::V1(_) => true,
            Link::V2(attendance) => attendance.is_attended(),
        }
    }
}
