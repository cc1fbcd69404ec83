//! Bytes of a connection, taken apart step by step.

use super::super::exchange::{Kind, Said, Side};
use super::super::heard::Heard;
use super::super::http1::{Piece, Why};
use super::super::store::{Change, Part};
use super::connection::{Connection, Desk, Waiting};
use super::direction::{Direction, Stage};

/// The most that is kept of what stands behind the last chunk.
const MAX_TRAILERS: usize = 16 * 1024;

impl Connection {
    /// Takes in bytes that this side says.
    pub(super) fn read(&mut self, desk: &mut Desk<'_>, by: Side, mut bytes: &[u8]) {
        let read = self.steps(desk, by, &mut bytes).and_then(|()| self.direction(by).settle(desk));
        if let Err(why) = read {
            self.give_up(desk, by, why);
            self.count(desk, by, bytes);
        }
    }

    fn steps(&mut self, desk: &mut Desk<'_>, by: Side, bytes: &mut &[u8]) -> Result<(), Why> {
        while !bytes.is_empty() {
            match (&mut self.direction(by).stage, by) {
                (Stage::Head, Side::Visitor) => self.request_head(desk, bytes)?,
                (Stage::Head, Side::Target) => self.answer_head(desk, bytes)?,
                (Stage::Body(..), _) => self.body(desk, by, bytes)?,
                (Stage::Frames(_), _) => self.frames(desk, by, bytes)?,
                (Stage::Opaque, _) => self.count(desk, by, std::mem::take(bytes)),
            }
        }
        Ok(())
    }

    fn body(&mut self, desk: &mut Desk<'_>, by: Side, bytes: &mut &[u8]) -> Result<(), Why> {
        let (direction, mut waiting) = self.at(by);
        let Stage::Body(body, events) = &mut direction.stage else { return Ok(()) };
        let (piece, over) = (body.next(bytes)?, body.is_over());
        if let Some(Waiting { id, expects, .. }) = waiting.as_deref_mut() {
            // A body that has begun has to be whole.
            *expects &= by == Side::Target;
            match piece {
                Piece::Data(data) => desk.records.append(*id, Part::Body(by), data, desk.settings.body),
                Piece::Trailers(line) => desk.records.append(*id, Part::Trailers(by), line, MAX_TRAILERS),
                Piece::Framing => {}
            }
        }
        if let (Some(events), Piece::Data(mut data), Some(waiting)) = (events, piece, waiting) {
            while !data.is_empty() {
                if let Some(event) = events.next(&mut data) {
                    desk.say(waiting, by, event);
                }
            }
        }
        if over {
            self.message_ended(desk, by);
        }
        Ok(())
    }

    fn frames(&mut self, desk: &mut Desk<'_>, by: Side, bytes: &mut &[u8]) -> Result<(), Why> {
        let (direction, waiting) = self.at(by);
        let Stage::Frames(frames) = &mut direction.stage else { return Ok(()) };
        let before = *bytes;
        let heard = frames.next(bytes);
        if let Some(waiting) = &waiting {
            // What is wrong has passed as well.
            desk.records.append(waiting.id, Part::Body(by), &before[..before.len() - bytes.len()], 0);
        }
        let heard = heard?;
        direction.closed |= heard.as_ref().is_some_and(|heard| heard.kind == Kind::Close);
        if let (Some(waiting), Some(heard)) = (waiting, heard) {
            desk.say(waiting, by, heard);
        }
        if self.down.closed && self.up.closed {
            self.waiting.iter_mut().for_each(|waiting| waiting.answered = true);
        }
        Ok(())
    }

    /// Counts bytes that are not looked at.
    fn count(&mut self, desk: &mut Desk<'_>, by: Side, bytes: &[u8]) {
        if let (_, Some(waiting)) = self.at(by) {
            desk.records.append(waiting.id, Part::Body(by), bytes, 0);
        }
    }

    /// A side's direction, and the exchange that is under way there.
    pub(super) fn at(&mut self, by: Side) -> (&mut Direction, Option<&mut Waiting>) {
        match by {
            Side::Visitor => (&mut self.down, self.waiting.back_mut()),
            Side::Target => (&mut self.up, self.waiting.front_mut()),
        }
    }

    pub(super) fn direction(&mut self, by: Side) -> &mut Direction {
        self.at(by).0
    }
}

impl Desk<'_> {
    /// Adds a message to an exchange.
    pub(super) fn say(&mut self, waiting: &Waiting, by: Side, heard: Heard) {
        let Heard { kind, deflated, mut body } = heard;
        body.kept.shrink_to_fit();
        self.records.say(waiting.id, Said { at: self.now - waiting.began, by, kind, body, deflated });
        self.store.tell(Change::Said(waiting.id));
    }
}
