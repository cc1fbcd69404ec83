//! The page and the description of the API, as a browser gets them. Knows where they lie, and not what stands in them.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;

use super::Api;
use super::answer::{Refusal, nothing_here};
use crate::inspect::page;

/// What this API is, for machines.
const OPENAPI: &str = include_str!("openapi.json");

pub(super) async fn index(State(api): State<Api>) -> Response {
    text("text/html", page::index(api.0.config.token.as_str()))
}

pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Refusal> {
    match page::file(&name) {
        Some(file) => Ok(text(file.media_type, file.text)),
        None => Err(nothing_here().await),
    }
}

pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

fn text(media_type: &str, text: impl Into<axum::body::Body>) -> Response {
    ([(CONTENT_TYPE, format!("{media_type}; charset=utf-8"))], text.into()).into_response()
}
