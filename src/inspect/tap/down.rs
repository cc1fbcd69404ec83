//! The visitor's direction: requests, one behind the other.

use super::super::http1::{Body, Piece, Request, Why};
use super::super::store::Part;
use super::connection::{Connection, Desk, MAX_TRAILERS, MAX_WAITING, Stage};

impl Connection {
    /// Takes in bytes of the visitor's.
    pub(super) fn down(&mut self, desk: &mut Desk<'_>, mut bytes: &[u8]) {
        desk.records.passed(bytes.len(), 0);
        if let Err(why) = self.requests(desk, &mut bytes) {
            if let Stage::Head = self.down.stage {
                self.begin_unread(desk);
            }
            self.give_up(desk, why);
            self.count(desk, Part::RequestBody, bytes);
        }
    }

    /// The visitor says no more.
    pub(super) fn down_ended(&mut self, desk: &mut Desk<'_>) {
        self.down.ended = true;
        if self.down.head.bytes().is_empty() {
            return;
        }
        let read = Request::parse(self.down.head.bytes());
        self.begin_unread(desk);
        if let Err(why) = read {
            self.give_up(desk, why);
        }
    }

    fn requests(&mut self, desk: &mut Desk<'_>, bytes: &mut &[u8]) -> Result<(), Why> {
        while !bytes.is_empty() {
            match &mut self.down.stage {
                Stage::Head => self.request_head(desk, bytes)?,
                Stage::Body(body) => {
                    let (piece, over) = (body.next(bytes)?, body.is_over());
                    if let Some(waiting) = self.waiting.back() {
                        match piece {
                            Piece::Data(data) => {
                                desk.records.append(waiting.id, Part::RequestBody, data, desk.settings.body);
                            }
                            Piece::Trailers(line) => {
                                desk.records.append(waiting.id, Part::RequestTrailers, line, MAX_TRAILERS);
                            }
                            Piece::Framing => {}
                        }
                    }
                    if over {
                        self.request_is_whole(desk);
                    }
                }
                Stage::Opaque => {
                    self.count(desk, Part::RequestBody, bytes);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn request_head(&mut self, desk: &mut Desk<'_>, bytes: &mut &[u8]) -> Result<(), Why> {
        if self.down.head.bytes().is_empty() {
            skip_empty_lines(bytes);
            if bytes.is_empty() {
                return Ok(());
            }
            if self.waiting.len() == MAX_WAITING {
                return Err("too many requests wait for their answers");
            }
        }
        let Some((head, request)) = self.down.head.whole(bytes, Request::parse)? else {
            return self.down.reserve_head(desk);
        };
        self.begin(desk, head, &request);
        self.down.head_ended(desk);
        let body = Body::new(request.framing);
        if !body.is_over() {
            self.down.stage = Stage::Body(body);
        }
        Ok(())
    }

    fn request_is_whole(&mut self, desk: &mut Desk<'_>) {
        self.down.stage = Stage::Head;
        let Some(waiting) = self.waiting.back_mut() else { return };
        waiting.whole = true;
        let asked = desk.now - waiting.began;
        desk.records.edit(waiting.id, |exchange| exchange.timing.asked = Some(asked));
        self.pop_if_over(desk);
    }
}

/// Some stand between messages without belonging to one. (RFC 9112, section 2.2)
pub(super) fn skip_empty_lines(bytes: &mut &[u8]) {
    let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    *bytes = &bytes[begin.unwrap_or(bytes.len())..];
}
