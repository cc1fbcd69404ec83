//! Waits for a session's client: before anything of a request is on its way, and after.

use std::pin::pin;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::{Instant, timeout, timeout_at};

use super::super::quotas::Listens;
use super::{Link, Place, Session};
use crate::proxy::{Fault, Visitor};

/// How long a visitor waits for a client before it takes a place among those who are held: longer than it takes to make a
/// link again that was cut.
pub(in crate::server) const MOMENT: Duration = Duration::from_secs(1);

/// How long a visitor waits for the next carrier of a client that is not gone before it is counted as one who waits: between
/// two batches a round trip passes, and nothing tells one of seconds from a link that was lost.
pub(in crate::server) const LATE: Duration = Duration::from_millis(200);

/// How a visitor has found the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Presence {
    /// It is there.
    There,
    /// It was gone, or its next carrier late, and is back.
    Back,
    /// The session has ended, and another may have taken its place.
    Over,
}

impl Session {
    /// How long a visitor who came at `begin` waits for the client: for as long as it is held where the client is gone,
    /// and in any case until the client is missed.
    pub(in crate::server) fn patience(&self, begin: Instant) -> Instant {
        let missed = if let Link::V2(attendance) = &self.link { attendance.back_by() } else { None };
        missed.into_iter().fold(begin + self.opening.hold, Instant::max)
    }

    /// A place for one exchange with a visitor, where neither that nor the client has to be waited for.
    pub(in crate::server) fn free_place(&self, headers: &HeaderMap, visitor: &Visitor) -> Option<Place> {
        if self.is_there() { self.places.free(self.hop.stranger(headers, visitor)) } else { None }
    }

    /// Whether the client is there.
    fn is_there(&self) -> bool {
        match &self.link {
            Link::V1(_) => true,
            Link::V2(attendance) => attendance.is_carried() && !self.ended.is_cancelled(),
        }
    }

    /// Waits until the client is there, or the session has ended. Bounded by nothing, so the caller sets the deadline.
    ///
    /// # Errors
    /// Where too many wait already, or others are to wait in the visitor's place.
    pub(in crate::server) async fn attended(&self, visitor: &impl Listens) -> Result<Presence, Fault> {
        let Link::V2(attendance) = &self.link else { return Ok(Presence::There) };
        if self.is_there() {
            return Ok(Presence::There);
        }
        let begin = Instant::now();
        let mut back = pin!(self.back());
        let mut wait = (!attendance.is_attended()).then(|| attendance.waits.begin());
        let found = async {
            if wait.is_none() {
                if let Ok(found) = timeout(LATE, back.as_mut()).await {
                    return Ok(found);
                }
                wait = Some(attendance.waits.begin());
            }
            // Who waits for a moment takes no place from those who are held: a whole crowd may come while a link that was
            // cut is made again.
            if let Ok(found) = timeout_at(begin + MOMENT, back.as_mut()).await {
                return Ok(found);
            }
            // Nor does who waits for the next carrier of a client that is not gone.
            if attendance.is_attended() { Ok(back.await) } else { self.places.held(visitor, back).await }
        };
        let found = found.await?;
        Ok(match (found, wait) {
            (Presence::Back, Some(wait)) => {
                wait.end();
                Presence::Back
            }
            (Presence::Back, None) => Presence::There,
            (found, _) => found,
        })
    }

    /// Whether there are visitors, and carriers are wanting that could bring them anything.
    pub(in crate::server) fn misses_its_client(&self) -> bool {
        let Link::V2(attendance) = &self.link else { return false };
        self.places.taken() > 0 && !attendance.is_carried_both_ways()
    }

    async fn back(&self) -> Presence {
        let Link::V2(attendance) = &self.link else { return Presence::There };
        tokio::select! {
            () = attendance.carried() => Presence::Back,
            () = self.ended.cancelled() => Presence::Over,
        }
    }

    /// Returns where the client gives no sign of life from now on for as long as visitors wait for it. It may be gone
    /// since before this was called, unnoticed.
    pub(super) async fn unheard(&self) {
        match &self.link {
            // The multiplexer finds out, and ends the session.
            Link::V1(_) => std::future::pending().await,
            Link::V2(attendance) => attendance.unheard(self.opening.hold).await,
        }
    }
}
