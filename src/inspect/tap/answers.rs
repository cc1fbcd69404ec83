//! The target's direction: answers, in the order of their requests.

use super::super::exchange::{Side, State};
use super::super::http1::{Asked, Body, Framing, Response, Upgrade, Why};
use super::super::sse::Events;
use super::super::store::Change;
use super::super::websocket::Frames;
use super::connection::{Connection, Desk};
use super::direction::Stage;
use super::requests::skip_empty_lines;

impl Connection {
    /// Takes in what there is of the next answer's head.
    pub(super) fn answer_head(&mut self, desk: &mut Desk<'_>, bytes: &mut &[u8]) -> Result<(), Why> {
        if self.up.head.bytes().is_empty() {
            skip_empty_lines(bytes);
            if bytes.is_empty() {
                return Ok(());
            }
        }
        let asked = self.answered_now(desk)?;
        let parse = |bytes: &[u8]| Response::parse(bytes, asked);
        let Some((head, response)) = self.up.head.whole(bytes, parse)? else { return Ok(()) };
        let (since, _) = self.up.began(desk);
        let Some(waiting) = self.waiting.front().filter(|_| response != Response::Interim) else { return Ok(()) };
        let answered = since - waiting.began;
        desk.records.answer(waiting.id, head, |exchange| {
            exchange.state = State::Answering;
            exchange.timing.answered = Some(answered);
        });
        desk.store.tell(Change::Answered(waiting.id));
        match response {
            Response::Interim => Ok(()),
            Response::Upgraded(upgrade) => self.upgrade(upgrade),
            Response::Final { framing, events } => {
                self.begin_answer(desk, framing, events);
                Ok(())
            }
        }
    }

    /// The answer is whole.
    pub(super) fn answer_ended(&mut self, desk: &mut Desk<'_>) {
        self.up.stage = Stage::Head;
        if let Some(waiting) = self.waiting.front_mut() {
            waiting.answered = true;
        }
        self.pop_if_over(desk);
    }

    /// The target says no more.
    pub(super) fn up_ended(&mut self, desk: &mut Desk<'_>) {
        self.up.ended = true;
        self.deserted = true;
        if let Stage::Body(Body::UntilClose, _) = self.up.stage {
            self.message_ended(desk, Side::Target);
        }
        self.answer_breaks_off(desk);
    }

    /// What has come of an answer's head is all of it: it may be none.
    pub(super) fn answer_breaks_off(&mut self, desk: &mut Desk<'_>) {
        if let Some(first) = self.waiting.front()
            && let Err(why) = Response::parse(self.up.head.bytes(), first.asked)
        {
            self.opaque(desk, why);
        }
    }

    /// What was asked by the request that is answered now.
    fn answered_now(&mut self, desk: &mut Desk<'_>) -> Result<Asked, Why> {
        if self.waiting.is_empty() {
            let is_early = !self.down.head.bytes().is_empty();
            self.begin_unread(desk);
            if !is_early {
                return Err("the target speaks before it is asked");
            }
        }
        match self.waiting.front() {
            Some(waiting) if !waiting.answered => Ok(waiting.asked),
            _ => Err("the target answers twice"),
        }
    }

    fn begin_answer(&mut self, desk: &mut Desk<'_>, framing: Framing, events: bool) {
        let body = Body::new(framing);
        if body.is_over() {
            self.answer_ended(desk);
        } else {
            self.up.stage = Stage::Body(body, events.then(Events::default));
        }
    }

    /// What is another protocol's is between the two for good, unless a request is still under way.
    fn upgrade(&mut self, upgrade: Upgrade) -> Result<(), Why> {
        let is_alone = self.waiting.len() == 1 && self.waiting.iter().all(|waiting| waiting.whole);
        if upgrade == Upgrade::Other || !is_alone || !self.down.head.bytes().is_empty() {
            return Err("the connection went over to another protocol");
        }
        self.down.stage = Stage::Frames(Frames::default());
        self.up.stage = Stage::Frames(Frames::default());
        Ok(())
    }

    /// The oldest exchange is over once both its messages are whole.
    pub(super) fn pop_if_over(&mut self, desk: &mut Desk<'_>) {
        if let Some(waiting) = self.waiting.front().filter(|waiting| waiting.answered && waiting.whole) {
            desk.over(waiting, State::Done);
            self.waiting.pop_front();
        }
    }
}
