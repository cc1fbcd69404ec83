//! The control endpoints of wire v1, as Go clients know them.

mod pairs;

pub(super) use pairs::Pairs;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::Server;
use super::cluster::{Asking, Placed};
use super::open::{Denied, Terms};
use super::public::{caller, home, origin};
use super::session::{Link, Session, unbuffered};
use crate::pipe::v1::{Incoming, carrier};
use crate::wire::{ERROR_HEADER, FAULT_KEY_HEADER, UNCERTIFIED};

/// The most that the form of `open` may be.
const MAX_FORM: usize = 8 * 1024;

/// How long that form may take to come.
const FORM_DEADLINE: Duration = Duration::from_secs(10);

/// `POST open`: reserves a prefix. The answer ends at once, for one that stays open never comes through an
/// intermediary that buffers; the session is ended by its own deadline where no carriers follow.
pub(super) async fn open(State(server): State<Server>, request: Request) -> Response {
    let (visitor, from, home) = (caller(&request), origin(&server, &request), home(&request));
    let (about, body) = request.into_parts();
    let form = match timeout(FORM_DEADLINE, Limited::new(body, MAX_FORM).collect()).await {
        Ok(Ok(form)) => form.to_bytes(),
        Ok(Err(_)) => return (StatusCode::PAYLOAD_TOO_LARGE, "the form is longer than 8 KiB\n").into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the form did not come within 10 s\n").into_response(),
    };
    let opened = async {
        let query = about.uri.query().unwrap_or_default();
        let (token, prefix) = (field(&form, query, "token"), field(&form, query, "prefix"));
        let claims = server.admit(&token, visitor.address()).await?;
        let opening = server.opening(claims, &token, Terms { from, ..Terms::plain(&prefix, &server) })?;
        match server.place(&opening, &Asking { about: about.clone(), body: form.clone(), visitor }).await? {
            Placed::Here(claim) => Ok(granted(&server, &*server.open_v1(opening, claim, home)?)),
            Placed::Answered(answer) => Ok(answer),
        }
    };
    opened.await.unwrap_or_else(|denied| refusal(&server, denied))
}

/// A field of the form, from the body or, where it is not there, from the query, as the Go server reads it.
fn field<'a>(form: &'a Bytes, query: &'a str, name: &str) -> Cow<'a, str> {
    let find = |text: &'a [u8]| form_urlencoded::parse(text).find(|(key, _)| key == name).map(|(_, value)| value);
    find(form).or_else(|| find(query.as_bytes())).unwrap_or_default()
}

fn granted(server: &Server, session: &Session) -> Response {
    let mut response = format!("{}\n", server.connect_token(session.id())).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store"));
    headers.insert(HeaderName::from_static(FAULT_KEY_HEADER), session.fault_key().clone());
    response
}

fn refusal(server: &Server, denied: Denied) -> Response {
    server.0.metrics.refused.count(denied.into());
    let (status, code) = match denied {
        Denied::Token => (StatusCode::UNAUTHORIZED, "bad-token"),
        Denied::Revoked => (StatusCode::UNAUTHORIZED, "revoked"),
        Denied::InvalidPrefix => (StatusCode::BAD_REQUEST, "invalid-prefix"),
        Denied::ForbiddenPrefix => (StatusCode::FORBIDDEN, "forbidden-prefix"),
        // 400, as the Go server has it.
        Denied::PrefixInUse => (StatusCode::BAD_REQUEST, "prefix-in-use"),
        Denied::TooManyOfToken | Denied::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "limit"),
        Denied::TooMany | Denied::Draining | Denied::Moving | Denied::Undecided => {
            (StatusCode::SERVICE_UNAVAILABLE, "limit")
        }
    };
    let mut response = (status, format!("{denied}\n")).into_response();
    response.headers_mut().insert(HeaderName::from_static(ERROR_HEADER), HeaderValue::from_static(code));
    if let Some(seconds) = denied.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// The answer to a client without the certificate that it has to have.
pub(super) fn uncertified(cause: &str) -> Response {
    let mut response = (StatusCode::FORBIDDEN, format!("{cause}\n")).into_response();
    response.headers_mut().insert(HeaderName::from_static(ERROR_HEADER), HeaderValue::from_static(UNCERTIFIED));
    response
}

/// The connect token that the query of a carrier has.
pub(super) fn token(query: &str) -> Cow<'_, str> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "token").map(|(_, value)| value).unwrap_or_default()
}

/// The session that a carrier is for.
fn session(server: &Server, uri: &Uri) -> Result<Arc<Session>, StatusCode> {
    let id = server.connected(&token(uri.query().unwrap_or_default())).ok_or(StatusCode::UNAUTHORIZED)?;
    let session = server.0.registry.by_id(&id).ok_or(StatusCode::NOT_FOUND)?;
    server.renewable(&session).map_err(|_| StatusCode::UNAUTHORIZED)?;
    if server.0.registry.claim(&session) { Ok(session) } else { Err(StatusCode::NOT_FOUND) }
}

/// The carriers of a session, if it is one of this wire.
fn pairs(session: &Session) -> Result<&Pairs, StatusCode> {
    match session.link() {
        Link::V1(pairs) => Ok(pairs),
        Link::V2(_) => Err(StatusCode::NOT_FOUND),
    }
}

/// `POST read`: a body that flows down for as long as the carrier lives. Head and first line go out at once, since a
/// Go client waits for the head before it starts `write`.
pub(super) async fn read(State(server): State<Server>, request: Request) -> Response {
    let session = match session(&server, request.uri()) {
        Ok(session) => session,
        Err(status) => return status.into_response(),
    };
    let (outgoing, body) = carrier();
    if pairs(&session).is_ok_and(|pairs| pairs.add_read(outgoing).is_err()) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut response = Response::new(Body::new(body));
    unbuffered(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

/// `POST write`: a body that flows up; answered when it has ended.
pub(super) async fn write(State(server): State<Server>, request: Request) -> Response {
    let session = match session(&server, request.uri()) {
        Ok(session) => session,
        Err(status) => return status.into_response(),
    };
    let (incoming, read_to_end) = Incoming::with_end(request.into_body());
    if pairs(&session).is_ok_and(|pairs| pairs.add_write(incoming).is_err()) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // The sender is dropped with the body: what comes is an error, and says just that.
    tokio::select! {
        _ = read_to_end => {}
        () = session.ended().cancelled() => {}
    }
    let mut response = StatusCode::OK.into_response();
    unbuffered(response.headers_mut());
    response
}

/// `POST drain`: no new exchange for the session, whose client is about to leave.
pub(super) async fn drain(State(server): State<Server>, request: Request) -> Response {
    match session(&server, request.uri()) {
        Ok(session) => {
            session.drain();
            StatusCode::NO_CONTENT.into_response()
        }
        Err(status) => status.into_response(),
    }
}
