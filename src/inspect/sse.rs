//! The events of a stream of server-sent events. (HTML, section 9.2) A pure value; what it holds is one event at most, as
//! much as is kept of it.

use super::exchange::{Body, Kind};
use super::heard::Heard;

/// Events as they come.
#[derive(Debug)]
pub(super) struct Events {
    event: Heard,
    /// The line so far is empty.
    at_line: bool,
    /// The last byte ended a line, together with a line feed that may follow.
    after_return: bool,
}

impl Default for Events {
    fn default() -> Self {
        Self { event: nothing(), at_line: true, after_return: false }
    }
}

impl Events {
    /// Takes the rest of an event off `bytes`, or all of them, and gives the event if it is whole: its lines as they
    /// came, without the empty one.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Heard> {
        if self.event.body.size == 0 {
            self.pass_empty_lines(bytes);
        }
        for (at, byte) in bytes.iter().enumerate() {
            let follows = std::mem::replace(&mut self.after_return, *byte == b'\r') && *byte == b'\n';
            let ends_line = matches!(byte, b'\r' | b'\n');
            if ends_line && self.at_line && !follows {
                self.event.keep(&bytes[..at]);
                *bytes = &bytes[at + 1..];
                return Some(std::mem::replace(&mut self.event, nothing()));
            }
            self.at_line = ends_line;
        }
        self.event.keep(bytes);
        *bytes = &[];
        None
    }

    /// What has come of an event that is not whole.
    pub(super) fn rest(&mut self) -> Option<Heard> {
        let rest = std::mem::replace(&mut self.event, nothing());
        Some(rest).filter(|rest| rest.body.size > 0)
    }

    /// What it holds.
    pub(super) fn capacity(&self) -> usize {
        self.event.body.kept.capacity()
    }

    /// Between events they say nothing.
    fn pass_empty_lines(&mut self, bytes: &mut &[u8]) {
        let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
        *bytes = &bytes[begin.unwrap_or(bytes.len())..];
        if begin.is_some() {
            (self.at_line, self.after_return) = (true, false);
        }
    }
}

fn nothing() -> Heard {
    Heard { kind: Kind::Event, deflated: false, body: Body::default() }
}
