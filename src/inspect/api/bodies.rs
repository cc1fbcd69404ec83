//! An exchange for other programs: a body's bytes, a curl line, HAR. Knows that a browser must take none of it for a page.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::Api;
use super::answer::Refusal;
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
        None | Some("0" | "") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => Err(Refusal::wrong(format!("`decoded` is `0` or `1`, and not `{other}`"))),
    }
}
