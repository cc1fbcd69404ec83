//! One direction of a connection: what comes next, and what of it is not whole.

use std::time::Duration;

use tokio::time::Instant;

use super::super::heard::Heard;
use super::super::http1::{Body, Partial, Why};
use super::super::sse::Events;
use super::super::websocket::Frames;
use super::connection::Desk;

/// One direction.
#[derive(Debug)]
pub(super) struct Direction {
    pub(super) stage: Stage,
    /// The head that is under way.
    pub(super) head: Partial,
    /// When it began, on both clocks.
    since: Option<(Instant, Duration)>,
    /// The room in the store of what is not whole.
    reserved: usize,
    pub(super) ended: bool,
    /// It has said good-bye, on a WebSocket.
    pub(super) closed: bool,
}

/// What comes next in a direction.
#[derive(Debug)]
pub(super) enum Stage {
    Head,
    /// A body, of events perhaps.
    Body(Body, Option<Events>),
    Frames(Frames),
    /// What is only counted.
    Opaque,
}

impl Direction {
    pub(super) fn new() -> Self {
        let (stage, head) = (Stage::Head, Partial::default());
        Self { stage, head, since: None, reserved: 0, ended: false, closed: false }
    }

    /// Has what is not whole find room, and notes when a head began.
    pub(super) fn settle(&mut self, desk: &mut Desk<'_>) -> Result<(), Why> {
        if self.since.is_none() && !self.head.bytes().is_empty() {
            self.since = Some(desk.both_clocks());
        }
        let held = self.head.capacity() + self.stage.capacity();
        desk.records.release(self.reserved);
        let fits = desk.records.hold(held);
        self.reserved = if fits { held } else { 0 };
        if fits { Ok(()) } else { Err("there is no room for what is not whole") }
    }

    /// When the head that is whole now began.
    pub(super) fn began(&mut self, desk: &Desk<'_>) -> (Instant, Duration) {
        self.since.take().unwrap_or_else(|| desk.both_clocks())
    }
}

impl Stage {
    /// What has come of a message that is not whole.
    pub(super) fn rest(&mut self) -> Option<Heard> {
        match self {
            Self::Body(_, Some(events)) => events.rest(),
            Self::Frames(frames) => frames.rest(),
            _ => None,
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::Body(_, Some(events)) => events.capacity(),
            Self::Frames(frames) => frames.capacity(),
            _ => 0,
        }
    }
}
