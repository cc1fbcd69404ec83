//! The direction from the visitor to the origin: requests, held, doubled and refused.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::time::{sleep, timeout};

use super::connection::{Connection, End};
use super::framer::{Framer, Head, Piece, Side};
use super::line::{Limit, Outlet};
use super::{Act, Copy, Kind};

/// The largest request that is sent twice, which a proxy of the kind that does so would hold in memory.
const MAX_COPY: u64 = 1024 * 1024;

/// How long the answer to a copy may take: longer than a long poll.
const COPY_DEADLINE: Duration = Duration::from_secs(65);

const TOO_LARGE: &str = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// How late a request is that is late.
const LATE: Duration = Duration::from_millis(100);

/// What is read at once.
pub(super) const CHUNK: usize = 64 * 1024;

/// A request that is kept back until it is whole.
struct Kept {
    kind: Kind,
    head: Bytes,
    body: BytesMut,
    limit: Option<Limit>,
    why: Why,
}

/// A whole request.
pub(super) struct Request {
    head: Bytes,
    body: Bytes,
}

#[derive(Clone, Copy)]
enum Why {
    Whole(usize),
    Twice(Copy),
    Late,
}

/// Reads to the visitor's end. Cancelling it loses what is kept.
pub(super) async fn read(connection: &Connection, mut from: ReadHalf<'_>, mut outlet: Outlet<'_>) -> Result<(), End> {
    let mut framer = Framer::new(Side::Requests);
    let mut buffer = BytesMut::new();
    let mut kept = None;
    outlet.begin(early_limit(connection)).await;
    loop {
        buffer.reserve(CHUNK);
        if from.read_buf(&mut buffer).await? == 0 {
            outlet.eof().await;
            return Ok(());
        }
        if connection.is_upgraded() {
            framer.let_go();
        }
        while let Some(piece) = framer.next(&mut buffer, false) {
            pass(connection, piece, &mut kept, &mut outlet).await?;
        }
    }
}

/// A connection that carries no HTTP has no messages that a limit could begin with.
fn early_limit(connection: &Connection) -> Option<Limit> {
    connection.plan.only.is_empty().then(|| super::connection::limit(&connection.plan.up)).flatten()
}

async fn pass(
    connection: &Connection,
    piece: Piece,
    kept: &mut Option<Kept>,
    outlet: &mut Outlet<'_>,
) -> Result<(), End> {
    match piece {
        Piece::Head(bytes, head) => {
            let limit = connection.request(&head)?;
            if let Some(why) = keep(connection, &head) {
                *kept = Some(Kept { kind: head.kind, head: bytes, body: BytesMut::new(), limit, why });
            } else {
                outlet.begin(limit).await;
                outlet.head(bytes).await;
            }
        }
        Piece::Body(bytes) => match kept {
            Some(kept) => {
                kept.body.extend_from_slice(&bytes);
                if matches!(kept.why, Why::Whole(bound) if kept.body.len() > bound) {
                    connection.count(Act::TooLarge);
                    return Err(End::Answer(TOO_LARGE));
                }
            }
            None => outlet.body(bytes).await,
        },
        Piece::End => {
            if let Some(kept) = kept.take() {
                release(connection, kept, outlet).await;
            }
        }
    }
    Ok(())
}

fn keep(connection: &Connection, head: &Head) -> Option<Why> {
    let plan = &connection.plan;
    if !plan.applies_to(head.kind) {
        return None;
    }
    let small_post = head.is_post && head.length.is_some_and(|length| length <= MAX_COPY);
    match (plan.duplicate, plan.buffer_request) {
        (Some(copy), _) if small_post => Some(Why::Twice(copy)),
        // Those that are in time are kept too, so that it is known when one has passed.
        _ if small_post && plan.late > 0.0 => {
            Some(if connection.is_late() { Why::Late } else { Why::Whole(usize::MAX) })
        }
        (_, Some(bound)) => Some(Why::Whole(bound)),
        _ => None,
    }
}

async fn release(connection: &Connection, kept: Kept, outlet: &mut Outlet<'_>) {
    let Kept { kind, head, body, limit, why } = kept;
    let body = body.freeze();
    let request = Request { head: head.clone(), body: body.clone() };
    match why {
        Why::Twice(Copy::AnswerSecond) => send_again(connection, request).await,
        Why::Twice(Copy::AnswerFirst) => connection.repeat_later(request),
        Why::Whole(_) => connection.count(Act::BufferedRequest),
        Why::Late => be_late(connection, Act::Passed(kind)).await,
    }
    outlet.begin(limit).await;
    outlet.head(head).await;
    outlet.body(body).await;
    connection.count(Act::Passed(kind));
}

async fn be_late(connection: &Connection, passed: Act) {
    let before = connection.shared.counters.tally().of(passed);
    sleep(LATE).await;
    connection.count(Act::Late);
    if connection.shared.counters.tally().of(passed) > before {
        connection.count(Act::Overtaken);
    }
}

/// Sends a request on a connection of its own and reads the answer to its end, which nobody wants.
pub(super) async fn send_again(connection: &Connection, request: Request) {
    connection.count(Act::Duplicate);
    let exchange = async {
        let mut origin = TcpStream::connect(connection.shared.to).await?;
        origin.write_all(&request.head).await?;
        origin.write_all(&request.body).await?;
        let mut framer = Framer::new(Side::Responses);
        let mut buffer = BytesMut::new();
        let mut informational = false;
        while origin.read_buf(&mut buffer).await? > 0 {
            while let Some(piece) = framer.next(&mut buffer, false) {
                match piece {
                    Piece::Head(_, head) => informational = head.status < 200,
                    Piece::End if !informational => return Ok(()),
                    Piece::End | Piece::Body(_) => {}
                }
            }
        }
        std::io::Result::Ok(())
    };
    // Whether it was answered is not the visitor's concern.
    let _ = timeout(COPY_DEADLINE, exchange).await;
}
