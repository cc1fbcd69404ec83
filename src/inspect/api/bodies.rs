//! An exchange for other programs: a body's bytes, a curl line, HAR. Knows that a browser must take none of it for a page.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::Api;
use super::answer::{Refusal, json};
use crate::inspect::export::{self, Archive};
use crate::inspect::show::show;

pub(super) async fn body(
    State(api): State<Api>,
    Path((id, side)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let exchange = api.exchange(&id)?;
    let message = match side.as_str() {
        "request" => &exchange.request,
        "response" => exchange.response.as_ref().ok_or_else(unanswered)?,
        _ => return Err(super::answer::nothing_here().await),
    };
    let bytes = if is_decoded(query.as_deref())? { show(message).bytes } else { message.body.kept.clone() };
    let disposition = format!("attachment; filename=\"{}-{side}\"", exchange.id);
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

fn unanswered() -> Refusal {
    Refusal::new(http::StatusCode::NOT_FOUND, "that request has no answer")
}

fn is_decoded(query: Option<&str>) -> Result<bool, Refusal> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match pairs.find(|(name, _)| name == "decoded").map(|(_, value)| value).as_deref() {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => Err(Refusal::wrong(format!("`decoded` is `0` or `1`, and not `{other}`"))),
    }
}

pub(super) async fn curl(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let exchange = api.exchange(&id)?;
    if exchange.request.body.is_cut() {
        let sentence = "of that request's body only the beginning was kept, so that no line would send it";
        return Err(Refusal::new(http::StatusCode::CONFLICT, sentence));
    }
    let line = export::curl(&exchange.request, &api.tunnel_of(&exchange).target);
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], line).into_response())
}

pub(super) async fn har(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Refusal> {
    Ok(json(&export::har([&*api.exchange(&id)?], api.0.webhooks.site())))
}

/// All of them, the oldest first, one after the other: together they would be much at a time.
pub(super) async fn all_har(State(api): State<Api>) -> Response {
    let mut ids: VecDeque<_> = api.0.inspector.store().newest(usize::MAX, None, |exchange| Some(exchange.id)).into();
    let mut archive = Archive::default();
    let pieces = std::iter::from_fn(move || {
        loop {
            let Some(id) = ids.pop_back() else { return archive.end() };
            // What has made room for others meanwhile is left out.
            if let Some(exchange) = api.0.inspector.store().get(id) {
                return Some(archive.entry(&exchange, api.0.webhooks.site()));
            }
        }
    });
    let body = Body::from_stream(stream::iter(pieces.map(|piece| Ok::<_, Infallible>(Bytes::from(piece)))));
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
