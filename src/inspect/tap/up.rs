//! The target's direction: answers, in the order of their requests.

use super::super::exchange::State;
use super::super::http1::{Asked, Body, Framing, Piece, Response, Why};
use super::super::store::{Change, Part};
use super::connection::{Connection, Desk, MAX_TRAILERS, Stage};
use super::down::skip_empty_lines;

impl Connection {
    /// Takes in bytes of the target's.
    pub(super) fn up(&mut self, desk: &mut Desk<'_>, mut bytes: &[u8]) {
        desk.records.passed(0, bytes.len());
        if let Err(why) = self.answers(desk, &mut bytes) {
            self.give_up(desk, why);
            self.count(desk, Part::ResponseBody, bytes);
        }
    }

    /// The target says no more.
    pub(super) fn up_ended(&mut self, desk: &mut Desk<'_>) {
        self.up.ended = true;
        if let Stage::Body(Body::UntilClose) = self.up.stage {
            self.answer_is_whole(desk);
        } else if let Some(first) = self.waiting.front()
            && let Err(why) = Response::parse(self.up.head.bytes(), first.asked)
        {
            self.give_up(desk, why);
        }
    }

    fn answers(&mut self, desk: &mut Desk<'_>, bytes: &mut &[u8]) -> Result<(), Why> {
        while !bytes.is_empty() {
            match &mut self.up.stage {
                Stage::Head => self.answer_head(desk, bytes)?,
                Stage::Body(body) => {
                    let (piece, over) = (body.next(bytes)?, body.is_over());
                    if let Some(waiting) = self.waiting.front() {
                        match piece {
                            Piece::Data(data) => {
                                desk.records.append(waiting.id, Part::ResponseBody, data, desk.settings.body);
                            }
                            Piece::Trailers(line) => {
                                desk.records.append(waiting.id, Part::ResponseTrailers, line, MAX_TRAILERS);
                            }
                            Piece::Framing => {}
                        }
                    }
                    if over {
                        self.answer_is_whole(desk);
                    }
                }
                Stage::Opaque => {
                    self.count(desk, Part::ResponseBody, bytes);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn answer_head(&mut self, desk: &mut Desk<'_>, bytes: &mut &[u8]) -> Result<(), Why> {
        if self.up.head.bytes().is_empty() {
            skip_empty_lines(bytes);
            if bytes.is_empty() {
                return Ok(());
            }
        }
        let asked = self.answered_now(desk)?;
        let Some((head, response)) = self.up.head.whole(bytes, |bytes| Response::parse(bytes, asked))? else {
            return self.up.reserve_head(desk);
        };
        let since = self.up.head_ended(desk);
        let Some(waiting) = self.waiting.front().filter(|_| response != Response::Interim) else { return Ok(()) };
        let answered = since - waiting.began;
        desk.records.answer(waiting.id, head, |exchange| {
            exchange.state = State::Answering;
            exchange.timing.answered = Some(answered);
        });
        desk.store.tell(Change::Answered(waiting.id));
        match response {
            Response::Interim => {}
            Response::Upgraded(_) => return Err("the connection went over to another protocol"),
            Response::Final { framing, .. } => self.begin_answer(desk, framing),
        }
        Ok(())
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

    fn begin_answer(&mut self, desk: &mut Desk<'_>, framing: Framing) {
        let body = Body::new(framing);
        if body.is_over() {
            self.answer_is_whole(desk);
        } else {
            self.up.stage = Stage::Body(body);
        }
    }

    fn answer_is_whole(&mut self, desk: &mut Desk<'_>) {
        self.up.stage = Stage::Head;
        if let Some(waiting) = self.waiting.front_mut() {
            waiting.answered = true;
        }
        self.pop_if_over(desk);
    }

    /// The oldest exchange is over once both are whole.
    pub(super) fn pop_if_over(&mut self, desk: &mut Desk<'_>) {
        if let Some(waiting) = self.waiting.front().filter(|waiting| waiting.answered && waiting.whole) {
            desk.over(waiting, State::Done);
            self.waiting.pop_front();
        }
    }
}
