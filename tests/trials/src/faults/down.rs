//! The direction from the origin to the visitor: answers, their heads held, their bodies held back.

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::ReadHalf;

use super::connection::{Connection, End};
use super::framer::{Framer, Head, Piece, Side};
use super::line::Outlet;
use super::up::{CHUNK, send_again};
use super::{Act, Heads, Kind};

/// Reads to the origin's end. Cancelling it loses what is held.
pub(super) async fn read(connection: &Connection, mut from: ReadHalf<'_>, mut outlet: Outlet<'_>) -> Result<(), End> {
    let mut framer = Framer::new(Side::Responses);
    let mut buffer = BytesMut::new();
    let mut answer = Answer { held: Held::default(), status: 0, kind: Kind::Other };
    loop {
        buffer.reserve(CHUNK);
        if from.read_buf(&mut buffer).await? == 0 {
            answer.held.release(&mut outlet).await;
            outlet.eof().await;
            return Ok(());
        }
        loop {
            let bodiless = connection.asked().is_some_and(|asked| asked.bodiless);
            let Some(piece) = framer.next(&mut buffer, bodiless) else { break };
            answer.pass(connection, piece, &mut outlet).await;
        }
    }
}

/// The answer that is under way.
struct Answer {
    held: Held,
    status: u16,
    kind: Kind,
}

#[derive(Default)]
struct Held {
    head: Option<Bytes>,
    body: BytesMut,
    /// The body is held back up to this many bytes.
    bound: Option<usize>,
}

impl Answer {
    async fn pass(&mut self, connection: &Connection, piece: Piece, outlet: &mut Outlet<'_>) {
        match piece {
            Piece::Head(bytes, head) => self.begin(connection, bytes, &head, outlet).await,
            Piece::Body(bytes) => {
                let Some(bound) = self.held.bound else {
                    self.held.release(outlet).await;
                    return outlet.body(bytes).await;
                };
                self.held.body.extend_from_slice(&bytes);
                if self.held.body.len() >= bound {
                    self.held.release(outlet).await;
                }
            }
            Piece::End => {
                self.held.release(outlet).await;
                if self.status >= 200
                    && let Some(request) = connection.answered()
                {
                    send_again(connection, request).await;
                }
            }
        }
    }

    async fn begin(&mut self, connection: &Connection, bytes: Bytes, head: &Head, outlet: &mut Outlet<'_>) {
        self.status = head.status;
        self.kind = connection.asked().map_or(Kind::Other, |asked| asked.kind);
        if head.status == 101 {
            connection.upgrade();
        }
        if head.status < 200 {
            return outlet.head(bytes).await;
        }
        outlet.begin(connection.answer(self.kind)).await;
        if !connection.plan.applies_to(self.kind) {
            return outlet.head(bytes).await;
        }
        self.held.bound = connection.plan.buffer_response;
        if self.held.bound.is_some() {
            connection.count(Act::BufferedResponse);
        } else if connection.plan.heads == Heads::Hold {
            connection.count(Act::HeldHead);
        } else {
            return outlet.head(bytes).await;
        }
        self.held.head = Some(bytes);
    }
}

impl Held {
    async fn release(&mut self, outlet: &mut Outlet<'_>) {
        self.bound = None;
        if let Some(head) = self.head.take() {
            outlet.head(head).await;
        }
        if !self.body.is_empty() {
            outlet.body(self.body.split().freeze()).await;
        }
    }
}
