//! `open` of wire v2: who asks, for what, and what is answered.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap, RETRY_AFTER};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::super::Server;
use super::super::open::{Denied, Terms};
use super::super::public::{caller, home, origin};
use super::uploads::MAX_BATCH;
use super::{Refused, json, refused, terms};
use crate::proxy::Visitor;
use crate::wire::Prefix;
use crate::wire::v2::{Asked, Given};

/// The most that the body of `open` may be.
const MAX_ASKED: usize = 8 * 1024;

/// How long that body may take to come.
const ASKED_DEADLINE: Duration = Duration::from_secs(10);

/// `POST open`: reserves a prefix.
pub(in crate::server) async fn open(State(server): State<Server>, request: Request) -> Response {
    let token = bearer(request.headers());
    let (visitor, from, home) = (caller(&request), origin(&server, &request), home(&request));
    let claims = match server.admit(&token, visitor.address()) {
        Ok(claims) => claims,
        Err(denied) => return refusal(&server, denied),
    };
    let (about, body) = request.into_parts();
    let about = http::Request::from_parts(about, ());
    let asked: Asked = match asked(body).await {
        Ok(asked) => asked,
        Err(refusal) => return *refusal,
    };
    let (terms, granted) = match terms::settle(&server, &asked) {
        Ok(settled) => settled,
        Err(cause) => return unreadable(&cause),
    };
    let hold = terms.hold;
    match server.open_v2(claims, &token, Terms { from, home, ..terms }) {
        Ok((session, attendance)) => {
            let given = Given {
                session: session.id().to_string(),
                secret: attendance.secret.reveal().to_owned(),
                grace_ms: millis(server.0.config.grace),
                batch: MAX_BATCH,
                hold_ms: millis(hold),
                url: server.own_url(session.prefix(), &visitor, &about),
                carriers: None,
                granted,
            };
            json(StatusCode::OK, &given)
        }
        Err(denied) => refusal(&server, denied),
    }
}

impl Server {
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

/// The object that a request brings: of a list, its first item would be taken for the first member.
pub(super) async fn asked<T: DeserializeOwned>(body: Body) -> Result<T, Refused> {
    let refused = |status, message: &str| Box::new(refused(status, "bad-request", message));
    let body = match timeout(ASKED_DEADLINE, Limited::new(body, MAX_ASKED).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "the request is longer than 8 KiB")),
        Err(_) => return Err(refused(StatusCode::REQUEST_TIMEOUT, "the request did not come within 10 s")),
    };
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Box::new(unreadable(&"it is something else")));
    }
    serde_json::from_slice(&body).map_err(|cause| Box::new(unreadable(&cause)))
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
        Denied::TooMany | Denied::Draining => (StatusCode::SERVICE_UNAVAILABLE, "limit"),
    };
    let mut response = refused(status, code, &denied.to_string());
    if let Some(seconds) = denied.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}
