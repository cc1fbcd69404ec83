//! `open` of wire v2: who asks, for what, and what is answered.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap, RETRY_AFTER};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::super::cluster::{Asking, Placed};
use super::super::open::{Denied, Terms};
use super::super::public::{caller, home, origin};
use super::super::{Config, Server};
use super::uploads::MAX_BATCH;
use super::{Refused, json, refused, terms};
use crate::proxy::Visitor;
use crate::wire::Prefix;
use crate::wire::v2::{Asked, Given};

/// The most that the body of `open` may be.
const MAX_ASKED: usize = 8 * 1024;

/// How long that body may take to come.
const ASKED_DEADLINE: Duration = Duration::from_secs(10);

/// `POST open`: reserves a prefix, here or at another of several servers.
pub(in crate::server) async fn open(State(server): State<Server>, request: Request) -> Response {
    match opened(&server, request).await {
        Ok(answer) => answer,
        Err(Unopened::Denied(denied)) => refusal(&server, denied),
        Err(Unopened::Refused(refusal)) => *refusal,
    }
}

/// Why no session was opened.
enum Unopened {
    Denied(Denied),
    Refused(Refused),
}

impl From<Denied> for Unopened {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

async fn opened(server: &Server, request: Request) -> Result<Response, Unopened> {
    let token = bearer(request.headers());
    let (visitor, from, home) = (caller(&request), origin(server, &request), home(&request));
    let claims = server.admit(&token, visitor.address()).await?;
    let (about, body) = request.into_parts();
    let body = whole(body).await.map_err(Unopened::Refused)?;
    let asked: Asked = parsed(&body).map_err(Unopened::Refused)?;
    let settled = terms::settle(server, &asked);
    let (terms, granted) = settled.map_err(|cause| Unopened::Refused(Box::new(unreadable(&cause))))?;
    let hold = terms.hold;
    let opening = server.opening(claims, &token, Terms { from, ..terms })?;
    let asking = Asking { about, body, visitor };
    let claim = match server.place(&opening, &asking).await? {
        Placed::Here(claim) => claim,
        Placed::Answered(answer) => return Ok(answer),
    };
    let (session, attendance) = server.open_v2(opening, claim, home)?;
    let given = Given {
        session: session.id().to_string(),
        secret: attendance.secret.reveal().to_owned(),
        grace_ms: millis(server.0.config.grace),
        batch: MAX_BATCH,
        hold_ms: millis(hold),
        url: server.own_url(session.prefix(), &asking.visitor, &http::Request::from_parts(asking.about, ())),
        carriers: server.carriers_url(),
        granted,
    };
    Ok(json(StatusCode::OK, &given))
}

impl Server {
    /// Where carriers reach this server and no other, where it is one of several and has such an address.
    fn carriers_url(&self) -> Option<String> {
        let Config { cluster, base, .. } = &self.0.config;
        let url = cluster.as_ref()?.node_url()?;
        Some(format!("{}{}", url.as_str().trim_end_matches('/'), base.as_str()))
    }

    /// The URL of a tunnel at a host of its own, where it has one.
    fn own_url(&self, prefix: &Prefix, by: &Visitor, request: &http::Request<()>) -> Option<String> {
        let config = &self.0.config;
        config.domain.as_ref()?.url(prefix, config, by, request)
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn unreadable(cause: &dyn std::fmt::Display) -> Response {
    let message = format!("the request is no JSON object as it has to be: {cause}");
    refused(StatusCode::BAD_REQUEST, "bad-request", &message)
}

pub(super) fn bearer(headers: &HeaderMap) -> String {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim().to_owned()
}

/// The object that a request brings.
pub(super) async fn asked<T: DeserializeOwned>(body: Body) -> Result<T, Refused> {
    parsed(&whole(body).await?)
}

/// All that a request brings.
async fn whole(body: Body) -> Result<Bytes, Refused> {
    let refused = |status, message: &str| Box::new(refused(status, "bad-request", message));
    match timeout(ASKED_DEADLINE, Limited::new(body, MAX_ASKED).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "the request is longer than 8 KiB")),
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "the request did not come within 10 s")),
    }
}

/// The object that this is: of a list, its first item would be taken for the first member.
fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Box::new(unreadable(&"it is something else")));
    }
    serde_json::from_slice(body).map_err(|cause| Box::new(unreadable(&cause)))
}

pub(super) fn refusal(server: &Server, denied: Denied) -> Response {
    server.0.metrics.refused.count(denied.into());
    let (status, code) = match denied {
        Denied::Token => (StatusCode::UNAUTHORIZED, "bad-token"),
        Denied::Revoked => (StatusCode::UNAUTHORIZED, "revoked"),
        Denied::InvalidPrefix => (StatusCode::BAD_REQUEST, "invalid-prefix"),
        Denied::ForbiddenPrefix => (StatusCode::FORBIDDEN, "forbidden-prefix"),
        Denied::PrefixInUse => (StatusCode::CONFLICT, "prefix-in-use"),
        Denied::TooManyOfToken | Denied::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "limit"),
        Denied::TooMany | Denied::Draining | Denied::Moving | Denied::Undecided => {
            (StatusCode::SERVICE_UNAVAILABLE, "limit")
        }
    };
    let mut response = refused(status, code, &denied.to_string());
    if let Some(seconds) = denied.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}
