//! What every answer looks like: JSON, errors as one sentence, and the headers that keep a browser from making more of it
//! than it is. Knows nothing of what is asked.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// What the page may do: run and load what comes from here, and nothing else. Of images it may make its own out of bodies.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What every answer says to a browser.
const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Who has opened the page in a window of its own has no hold of that window.
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    // What passed through the tunnel shall not lie in a browser's cache.
    (CACHE_CONTROL, "no-store"),
];

/// Adds what every answer says.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// An answer in JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    // All that is answered is plain data with text for its keys.
    let text = serde_json::to_vec(value).unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

/// Why something is not done, in one sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) sentence: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    /// What was asked cannot be meant.
    pub(super) fn wrong(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }

    /// The exchange was never there, or is kept no more.
    pub(super) fn unknown() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such request here, or it is kept no more")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Error {
            error: String,
        }
        (self.status, json(&Error { error: self.sentence })).into_response()
    }
}

/// The answer to a path that means nothing.
pub(super) async fn nothing_here() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is nothing here; `/api/openapi.json` says what there is")
}

/// The answer to a method that means nothing at its path; the router adds which do.
pub(super) async fn not_so() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "that method means nothing here; `/api/openapi.json` says which do")
}

/// An answer without a body.
pub(super) fn done() -> Response {
    (StatusCode::NO_CONTENT, Body::empty()).into_response()
}
