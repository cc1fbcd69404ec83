//! `open` of wire v2: who asks, for what, and what is answered.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::super::Server;
use super::super::open::Denied;
use super::super::public::caller;
use super::uploads::MAX_BATCH;
use super::{json, refused, terms};
use crate::wire::v2::{Asked, Given};

/// The most that the body of `open` may be.
const MAX_ASKED: usize = 8 * 1024;

/// How long that body may take to come.
const ASKED_DEADLINE: Duration = Duration::from_secs(10);

/// `POST open`: reserves a prefix.
pub(in crate::server) async fn open(State(server): State<Server>, request: Request) -> Response {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim().to_owned();
    let claims = match server.admit(&token, caller(&request).peer.map(|peer| peer.ip())) {
        Ok(claims) => claims,
        Err(denied) => return refusal(denied),
    };
    let body = Limited::new(request.into_body(), MAX_ASKED).collect();
    let asked = match timeout(ASKED_DEADLINE, body).await {
        Ok(Ok(body)) => asked(&body.to_bytes()),
        Ok(Err(_)) => return refused(StatusCode::PAYLOAD_TOO_LARGE, "bad-request", "the request is longer than 8 KiB"),
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, "bad-request", "the request did not come within 10 s"),
    };
    let asked = match asked {
        Ok(asked) => asked,
        Err(cause) => return unreadable(&cause),
    };
    let (terms, granted) = match terms::settle(&server, &asked) {
        Ok(settled) => settled,
        Err(cause) => return unreadable(&cause),
    };
    let hold = terms.hold;
    match server.open_v2(claims, &token, terms) {
        Ok((session, attendance)) => {
            let given = Given {
                session: session.id().to_string(),
                secret: attendance.secret.reveal().to_owned(),
                grace_ms: millis(server.0.config.grace),
                batch: MAX_BATCH,
                hold_ms: millis(hold),
                granted,
            };
            json(StatusCode::OK, &given)
        }
        Err(denied) => refusal(denied),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn unreadable(cause: &dyn std::fmt::Display) -> Response {
    let message = format!("the request is no JSON object as it has to be: {cause}");
    refused(StatusCode::BAD_REQUEST, "bad-request", &message)
}

/// What an object asks for: of a list, its first item would be taken for the prefix.
fn asked(body: &[u8]) -> Result<Asked, String> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err("it is something else".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn refusal(denied: Denied) -> Response {
    let (status, code) = match denied {
        Denied::Token => (StatusCode::UNAUTHORIZED, "bad-token"),
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
