//! A request that only asks: nothing follows its head, so the visitor's own task writes it and reads the answer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::{Method, Response, StatusCode};
use tokio::io::AsyncWriteExt as _;

use super::super::Fault;
use super::super::connection::TLS_ALERT;
use super::super::headers::{Intent, has};
use super::super::interim::MAX_INTERIM;
use super::framing::{Framing, is_coded};
use super::head::Reader;
use super::kept::Kept;
use super::rest::Rest;
use crate::pieces::Pieces;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing came at all: where the stream was used before, it may have been closed in this moment.
    Silent,
    Fault(Fault),
}

impl Failure {
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Silent => Fault::TargetBadResponse,
            Self::Fault(fault) => fault,
        }
    }
}

/// Has the request with this method and this `head` answered, and reads what the answer says of its connection. The stream is `kept` behind the answer, where another
/// exchange may follow. Waits as long as the target takes; cancelling it cuts the stream.
pub(super) async fn ask<S>(
    mut stream: S,
    method: &Method,
    head: &[u8],
    kept: Arc<Kept<S>>,
) -> Result<(Response<Rest<S>>, Intent), Failure>
where
    S: Pieces + Send + Unpin + 'static,
{
    // Where that fails, what there is to read tells why.
    let _ = stream.write_all(head).await;
    let (answer, reader) = answered(&mut stream).await?;
    let intent = Intent::of(answer.headers());
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Ok((answer.map(|()| Rest::new(Framing::Stream, reader.ahead(), stream, None)), intent));
    }
    let framing = Framing::of(method, &answer).map_err(|_| Failure::Fault(Fault::TargetBadResponse))?;
    let headers = answer.headers();
    // Where two things are said of a body's end, the next answer may not begin where it seems to. (RFC 9112, section 6.3)
    let is_sure = !(is_coded(headers) && has(headers, &CONTENT_LENGTH));
    let kept = (is_sure && intent.goes_on(answer.version())).then_some(kept);
    Ok((answer.map(|()| Rest::new(framing, reader.ahead(), stream, kept)), intent))
}

/// The head of the answer that counts, and who has read it.
async fn answered<S: Pieces + Unpin>(stream: &mut S) -> Result<(Response<()>, Reader), Failure> {
    let (mut reader, mut interim, mut seems) = (Reader::default(), 0, None);
    loop {
        let piece = match poll_fn(|cx| Pin::new(&mut *stream).poll_piece(cx)).await {
            Ok(piece) if !piece.is_empty() => piece,
            // A connection that is closed before it has answered has answered nothing that can be told.
            Ok(_) => return Err(seems.map_or(Failure::Silent, Failure::Fault)),
            Err(error) => return Err(failure(&error, seems)),
        };
        let seems = *seems.get_or_insert(match piece[0] {
            TLS_ALERT => Fault::TargetSpeaksTls,
            _ => Fault::TargetBadResponse,
        });
        let mut head = reader.read(piece).map_err(|_| Failure::Fault(seems))?;
        while let Some(answer) = head {
            if !answer.status().is_informational() || answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Ok((answer, reader));
            }
            interim += 1;
            if interim > MAX_INTERIM {
                return Err(Failure::Fault(Fault::TargetBadResponse));
            }
            head = reader.next().map_err(|_| Failure::Fault(seems))?;
        }
    }
}

/// What the stream itself says, where it says why it is none.
fn failure(error: &io::Error, seems: Option<Fault>) -> Failure {
    match (error.kind(), seems) {
        (io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut, _) => Failure::Fault(Fault::TargetRefused),
        (_, Some(fault)) => Failure::Fault(fault),
        (_, None) => Failure::Silent,
    }
}
