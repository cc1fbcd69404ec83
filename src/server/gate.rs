//! What stands between a visitor's connection and the HTTP library: it refuses what two readers could take for
//! different requests, and tells a visitor who has said all from one who has left. Both need the bytes as they came.

mod course;
mod head;
mod library;
mod messages;
mod patience;
mod scan;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use http::header::{ACCEPT, HeaderValue};
use http::{Request, Response};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep};

use course::State;
pub(super) use course::{Course, Owed, UnderWay};
pub(super) use messages::Next;
pub(super) use patience::Patience;
use patience::Stage;
use scan::Scan;

use super::accept::MAX_HEAD;
use super::severable::Severable;
use super::{Server, access_log};
use crate::proxy::{Fault, Visitor};

/// How often a visitor who has said all is looked at, for nothing tells of one who then leaves.
const LOOK: Duration = Duration::from_secs(1);

/// How long, and for how many bytes, a visitor is listened to who was refused, or answered before all was said: what lies
/// unread when a connection is closed resets it, and with it goes the answer. Proxies in front read none before they have
/// sent what they hold.
const LINGER: Duration = Duration::from_secs(5);
const MAX_LINGER: usize = 64 * 1024 * 1024;

/// The method of the request that takes a refused head's place. No visitor can send it: it is refused.
const REFUSED: &str = "SENDIT-REFUSED";

/// A connection whose requests are all well formed: one that is not is replaced by one for [`refusal`] to answer, and
/// nothing after it is read.
pub(super) struct Gate<S> {
    stream: S,
    scan: Scan,
    course: Course,
    patience: Patience,
    /// What has come and has not passed.
    held: BytesMut,
    /// How much of it may.
    due: usize,
    refused: bool,
    /// The visitor has said all.
    ended: Option<Interval>,
    /// Until when a visitor who has the answer is listened to, and what that came to.
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

/// A connection that can be asked whether it has broken.
pub(super) trait Breakable {
    /// The error that the connection has met, if any.
    fn error(&self) -> Option<io::Error>;
}

impl Breakable for Severable {
    fn error(&self) -> Option<io::Error> {
        Severable::error(self)
    }
}

impl<S: AsyncRead + Breakable + Unpin> Gate<S> {
    pub(super) fn new(stream: S, course: Course, patience: Patience) -> Self {
        let (scan, held) = (Scan::new(MAX_HEAD), BytesMut::new());
        Self { stream, scan, course, patience, held, due: 0, refused: false, ended: None, lingering: None }
    }

    /// Decides on what is held. Where a message is refused in its middle that is an error: its head has passed.
    fn decide(&mut self, cx: &Context<'_>) -> io::Result<()> {
        if self.scan.is_undecided() {
            match self.course.state(cx) {
                State::Answering => {}
                State::Idle => self.scan.go_on(),
                State::Switched => self.scan.open(),
            }
        }
        if self.refused || self.held.is_empty() {
            return Ok(());
        }
        match self.scan.scan(&self.held) {
            Ok(count) => {
                self.due = count;
                self.course.reads(self.scan.is_within());
                // An empty line before it is no head.
                if count > 2 {
                    self.patience.rest();
                }
            }
            Err(fault) => {
                self.refused = true;
                if !self.scan.is_between() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, fault.sentence()));
                }
                let substitute = substitute(fault, &self.held);
                self.due = substitute.len();
                self.held = substitute;
            }
        }
        Ok(())
    }

    /// Reads what comes into `buf`, and what of it may not pass from there into what is held.
    fn poll_fill(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let came = &buf.filled()[before..];
        if came.is_empty() {
            self.note_end();
            return Poll::Ready(Ok(()));
        }
        // The bytes of a body are most of all, and need no copy.
        let passes =
            if self.held.is_empty() && !self.scan.is_between() { self.scan.scan(came).unwrap_or(0) } else { 0 };
        if passes > 0 {
            self.course.reads(self.scan.is_within());
        }
        self.held.extend_from_slice(&came[passes..]);
        buf.set_filled(before + passes);
        Poll::Ready(Ok(()))
    }

    /// Notes that the visitor has said all.
    fn note_end(&mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.ended = Some(looks);
        self.course.end();
    }

    /// Notes what has become of what is written to the visitor.
    fn written(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.course.written(written.is_pending());
        if written.is_ready() {
            self.patience.taken();
        }
        written
    }

    /// Gives a visitor up who has been waited for long enough: that is an end.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.scan.is_between() || self.course.is_under_way(cx) {
            return Poll::Pending;
        }
        let stage = if self.held.is_empty() { Stage::Begin } else { Stage::Rest };
        self.patience.poll(stage, cx).map(Ok)
    }

    /// Takes what a visitor still says who has the answer. One who does makes room first where that is needed.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.patience.poll_leave(cx).is_ready() {
            return Poll::Ready(());
        }
        let (until, seen) = self.lingering.get_or_insert_with(|| (Box::pin(sleep(LINGER)), 0));
        let mut scratch = [0; 4096];
        while *seen < MAX_LINGER && until.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf));
            if read.is_err() || buf.filled().is_empty() {
                break;
            }
            *seen += buf.filled().len();
        }
        Poll::Ready(())
    }

    /// Passes the end on, but not to where an answer is owed, or some of one has still to be taken.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.scan.is_between() {
            return Poll::Ready(Ok(()));
        }
        if self.course.is_stuck(cx) {
            return Poll::Pending;
        }
        if self.course.state(cx) != State::Answering {
            return Poll::Ready(Ok(()));
        }
        while let Some(looks) = &mut self.ended {
            ready!(looks.poll_tick(cx));
            if let Some(cause) = self.stream.error() {
                return Poll::Ready(Err(cause));
            }
        }
        Poll::Pending
    }
}

/// The request that takes a refused head's place. What the visitor accepts goes with it, where that can be read.
fn substitute(fault: Fault, head: &[u8]) -> BytesMut {
    let accept = head.split(|byte| *byte == b'\n').find_map(|line| {
        let line = std::str::from_utf8(line).ok()?.trim_end();
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(ACCEPT.as_str()).then(|| HeaderValue::from_str(value.trim()).ok())?
    });
    let accept = accept.as_ref().and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let status = fault.status().as_u16();
    BytesMut::from(&*format!("{REFUSED} /{status} HTTP/1.1\r\nhost: refused\r\naccept: {accept}\r\n\r\n"))
}

/// The answer to a request that was refused; none to any other.
pub(super) fn refusal<B>(
    request: &Request<B>,
    visitor: &Visitor,
    server: &Server,
) -> Option<Response<axum::body::Body>> {
    if request.method().as_str() != REFUSED {
        return None;
    }
    let fault = match request.uri().path() {
        "/414" => Fault::UriTooLong,
        "/431" => Fault::HeadTooLarge,
        _ => Fault::BadRequest,
    };
    access_log::refused(server, visitor.address(), fault);
    Some(fault.answer(request.headers()))
}
