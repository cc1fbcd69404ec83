//! The control endpoints of wire v2.

mod attendance;
pub(super) mod examine;
mod open;
mod terms;
mod uploads;
mod waits;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::time::timeout;

use super::Server;
use super::admit::Over;
use super::session::{Link, Session, unbuffered};
use crate::pipe::v2::{Broken, SendBody};
use crate::wire::v2;
use crate::wire::v2::{
    Carrier, EPOCH_HEADER, Manner, OFFSET_HEADER, PROOF_HEADER, Refusal, RefusalError, WAITS_HEADER,
};
use crate::wire::{ERROR_HEADER, UNCERTIFIED};

#[cfg(test)]
mod tests;

pub(super) use attendance::Attendance;
use attendance::{Direction, Present};
pub(super) use open::open;
use uploads::{MAX_BATCH, Untaken};
pub(super) use waits::Waits;

/// How long a batch waits for something to bring: as often as a stream would say something.
const LONG_POLL: Duration = Duration::from_secs(5);

/// CLOSE: the server ends the session in order; the client may open another at once.
pub(super) const STOPPING: u8 = 1;
/// CLOSE: another client with the same token has the prefix now.
pub(super) const TAKEN_OVER: u8 = 2;
/// CLOSE: the token that opened the session is revoked; no other session is given for it.
pub(super) const REVOKED: u8 = 3;
/// CLOSE: the time of the token that opened the session is over; no other session is given for it.
pub(super) const EXPIRED: u8 = 4;
/// CLOSE: whoever runs the server has ended the session; the client is not to open another by itself.
pub(super) const DISMISSED: u8 = 5;

fn json(status: StatusCode, body: &impl serde::Serialize) -> Response {
    let body = serde_json::to_string(body).unwrap_or_default() + "\n";
    let mut response = (status, body).into_response();
    unbuffered(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer that ends a request early; boxed, since it is rare.
type Refused = Box<Response>;

pub(super) fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    json(status, &Refusal { error: RefusalError { code: code.to_owned(), message: message.to_owned() } })
}

/// The answer to a client without the certificate that it has to have.
pub(super) fn uncertified(cause: &str) -> Response {
    let mut response = refused(StatusCode::FORBIDDEN, UNCERTIFIED, cause);
    response.headers_mut().insert(HeaderName::from_static(ERROR_HEADER), HeaderValue::from_static(UNCERTIFIED));
    response
}

/// A carrier that has proved that it belongs to its session.
struct Proved {
    carrier: Carrier,
    session: Arc<Session>,
    attendance: Arc<Attendance>,
}

fn prove(server: &Server, path: &str, headers: &HeaderMap) -> Result<Proved, Refused> {
    let find = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let carrier = Carrier::parse(find).map_err(|error| {
        let message = error.to_string();
        Box::new(refused(StatusCode::BAD_REQUEST, "bad-carrier", &message))
    })?;
    let session = server.0.registry.by_id(&carrier.session);
    let gone =
        || Box::new(refused(StatusCode::GONE, "unknown-session", "the session does not exist any more; open another"));
    let session = session.ok_or_else(gone)?;
    let Link::V2(attendance) = session.link() else { return Err(gone()) };
    let attendance = Arc::clone(attendance);
    let proof = find(PROOF_HEADER).unwrap_or_default();
    if !attendance.secret.accepts(path, &carrier, proof) {
        tracing::info!(session = %session.id(), "a carrier without a valid proof was refused");
        let message = "the carrier does not belong to the session";
        return Err(Box::new(refused(StatusCode::UNAUTHORIZED, "bad-proof", message)));
    }
    server.renewable(&session).map_err(|over| {
        let (code, message) = match over {
            Over::Expired => ("expired", "the token that opened the session has expired"),
            Over::Revoked => ("revoked", "the token that opened the session has been revoked"),
        };
        Box::new(refused(StatusCode::UNAUTHORIZED, code, message))
    })?;
    if !server.0.registry.claim(&session) {
        return Err(gone());
    }
    Ok(Proved { carrier, session, attendance })
}

impl Proved {
    fn attend(&self, direction: Direction) -> Result<Present, Refused> {
        let stale = |_| Box::new(refused(StatusCode::CONFLICT, "stale", "a newer carrier has been there"));
        self.attendance.attend(direction, &self.carrier).map_err(stale)
    }

    /// Reads a carrier up. A batch only counts once all of it is there and is what was proved, for who has seen its head
    /// could bring another; a stream is in the hands of TLS. Says whether it has brought anything new.
    async fn read(&self, body: Body) -> Result<bool, Unread> {
        let Attendance { carriers, uploads, .. } = &*self.attendance;
        let Carrier { epoch, offset, manner, digest, .. } = self.carrier;
        let mut receiver = match manner {
            Manner::Trial => carriers.receive_trial(),
            Manner::Batch => carriers.receive_repeatable(offset),
            Manner::Stream | Manner::Renewal => carriers.receive(offset),
        };
        let body = if manner == Manner::Batch {
            let digest = digest.ok_or(Unread::Untaken(Untaken::Digest))?;
            Body::from(uploads.collect(epoch, digest, body).await.map_err(Unread::Untaken)?)
        } else {
            body
        };
        receiver.read(body).await?;
        Ok(receiver.has_news())
    }
}

/// `POST read`: what flows down, from the offset that the client wants next.
pub(super) async fn read(State(server): State<Server>, request: Request) -> Response {
    let proved = match prove(&server, v2::READ, request.headers()) {
        Ok(proved) => proved,
        Err(refusal) => return *refusal,
    };
    let mut present = match proved.attend(Direction::Read) {
        Ok(present) => present,
        Err(refusal) => return *refusal,
    };
    let (carriers, from) = (&proved.attendance.carriers, proved.carrier.offset);
    let answer = match proved.carrier.manner {
        Manner::Stream => carriers.send(from, u64::MAX).map(|body| Held::answer(body, present)),
        Manner::Renewal => carriers.send_on(from, u64::MAX).map(|body| Held::answer(body, present)),
        Manner::Trial => Ok(Held::answer(carriers.probe().0, present)),
        Manner::Batch if !present.is_counted() => return proved.repeat().await,
        Manner::Batch => {
            let turn = carriers.supersede();
            tokio::select! {
                _ = timeout(LONG_POLL, carriers.until_due(from, turn)) => {}
                () = proved.session.ended().cancelled() => {}
            }
            present.is_whole();
            carriers.batch(from, MAX_BATCH).map(|batch| begins(octets(Body::from(batch.bytes)), batch.from))
        }
    };
    match answer {
        Ok(mut answer) => {
            answer.headers_mut().insert(HeaderName::from_static(EPOCH_HEADER), proved.carrier.epoch.into());
            proved.telling_waits(answer)
        }
        Err(cause) => {
            proved.attendance.carriers.end(crate::pipe::v2::End::Failed(cause.clone()));
            refused(StatusCode::BAD_REQUEST, "bad-offset", &cause)
        }
    }
}

impl Proved {
    /// Has an answer say how many visitors have waited for the client, where any has.
    fn telling_waits(&self, mut answer: Response) -> Response {
        let waits = self.attendance.waits.told().map(|waits| HeaderValue::try_from(waits.to_string()));
        if let Some(Ok(waits)) = waits {
            answer.headers_mut().insert(HeaderName::from_static(WAITS_HEADER), waits);
        }
        answer
    }

    /// What a batch down brings that has been there before. The first goes on beside it: neither ends the other, for who
    /// repeats it may be a listener as well as something on the way, whose first answer nobody reads.
    async fn repeat(&self) -> Response {
        let Some(_waiting) = self.attendance.repeat() else { return Unread::Untaken(Untaken::TooMany).answer() };
        let (carriers, from) = (&self.attendance.carriers, self.carrier.offset);
        tokio::select! {
            _ = timeout(LONG_POLL, carriers.until_written(from, carriers.turn())) => {}
            () = self.session.ended().cancelled() => {}
        }
        match carriers.repeat(from, MAX_BATCH) {
            Ok(batch) => octets(Body::from(batch)),
            Err(cause) => refused(StatusCode::BAD_REQUEST, "bad-offset", &cause),
        }
    }
}

/// `POST write`: what flows up, from the offset that the request names. The answer says how far it came.
pub(super) async fn write(State(server): State<Server>, request: Request) -> Response {
    let proved = match prove(&server, v2::WRITE, request.headers()) {
        Ok(proved) => proved,
        Err(refusal) => return *refusal,
    };
    let mut present = match proved.attend(Direction::Write) {
        Ok(present) => present,
        Err(refusal) => return *refusal,
    };
    let read = tokio::select! {
        read = proved.read(request.into_body()) => read,
        () = proved.session.ended().cancelled() => Err(Broken::Cut("the session has ended".to_owned()).into()),
    };
    match read {
        Ok(has_news) if has_news && !present.is_counted() => proved.attendance.passed_by(),
        Ok(_) => present.is_whole(),
        Err(unread) => return unread.answer(),
    }
    let carriers = &proved.attendance.carriers;
    match carriers.batch(carriers.acked(), 0) {
        Ok(batch) => proved.telling_waits(octets(Body::from(batch.bytes))),
        Err(cause) => refused(StatusCode::BAD_REQUEST, "bad-offset", &cause),
    }
}

/// Why a carrier up was not read to an end in order.
enum Unread {
    /// It was not taken in at all.
    Untaken(Untaken),
    Broken(Broken),
}

impl From<Broken> for Unread {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl Unread {
    fn answer(self) -> Response {
        let (status, code, message) = match self {
            Self::Untaken(untaken) => {
                let (status, code) = match untaken {
                    Untaken::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
                    Untaken::TooMany => (StatusCode::SERVICE_UNAVAILABLE, "limit"),
                    Untaken::Stale => (StatusCode::CONFLICT, "stale"),
                    Untaken::Cut => (StatusCode::BAD_REQUEST, "bad-carrier"),
                    Untaken::Digest => (StatusCode::BAD_REQUEST, "bad-digest"),
                };
                (status, code, untaken.to_string())
            }
            Self::Broken(Broken::Gap(wanted)) => {
                let mut response = refused(StatusCode::CONFLICT, "gap", "the log is wanted from an earlier offset");
                response.headers_mut().insert(HeaderName::from_static(OFFSET_HEADER), wanted.into());
                return response;
            }
            Self::Broken(Broken::Cut(cause) | Broken::Violation(cause)) => {
                (StatusCode::BAD_REQUEST, "bad-carrier", cause)
            }
        };
        refused(status, code, &message)
    }
}

fn octets(body: Body) -> Response {
    let mut response = Response::new(body);
    unbuffered(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

/// Has an answer say at which offset it begins, for something on the way may give it to another request.
fn begins(mut answer: Response, from: u64) -> Response {
    answer.headers_mut().insert(HeaderName::from_static(OFFSET_HEADER), from.into());
    answer
}

/// A streaming carrier that counts as present until it is dropped.
struct Held {
    body: SendBody,
    present: Present,
}

impl Held {
    fn answer(body: SendBody, present: Present) -> Response {
        let from = body.from();
        begins(octets(Body::new(Self { body, present })), from)
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        let Self { body, present } = self.get_mut();
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) {
            present.is_whole();
        }
        polled
    }
}

/// `POST drain`: no new exchange for the session, whose client is about to leave.
pub(super) async fn drain(State(server): State<Server>, headers: HeaderMap) -> Response {
    match prove(&server, v2::DRAIN, &headers) {
        Ok(proved) => {
            proved.session.drain();
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refusal) => *refusal,
    }
}
