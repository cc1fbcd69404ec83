//! Whose fault it is that an exchange failed, and how a visitor is told.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{HeaderName, StatusCode};

use crate::wire::ERROR_HEADER;

/// Why an exchange failed before there was an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No session holds the prefix.
    UnknownPrefix,
    /// Whether one does, on one of several servers, is not known now.
    Undecided,
    /// The session that holds it has no client now.
    ClientOffline,
    /// The client was lost while it had the request, which may or may not have reached the target.
    ClientLost,
    /// The client could not reach its target.
    TargetRefused,
    /// The target's answer is no HTTP, or ended before its head was complete.
    TargetBadResponse,
    /// The same, where what came looks like TLS.
    TargetSpeaksTls,
    /// The target gave no answer in the time that it was given.
    TargetTimeout,
    /// The server has as much to do as it admits.
    Limit,
    /// Others wait for the place of a visitor who has said all, and was not answered so far.
    Displaced,
    /// The server is about to stop.
    Stopping,
    /// The request cannot be passed on as it is.
    BadRequest,
    /// Its target is longer than any head may be.
    UriTooLong,
    /// Its head is longer than any may be, or has too many lines.
    HeadTooLarge,
    /// The tunnel asks for a password, and the visitor gave none or a wrong one.
    Unauthorized,
    /// The tunnel does not let in who comes from there.
    Forbidden,
}

impl Fault {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::UnknownPrefix => StatusCode::NOT_FOUND,
            Self::Undecided | Self::ClientOffline | Self::Limit | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::ClientLost | Self::TargetRefused | Self::TargetBadResponse | Self::TargetSpeaksTls => {
                StatusCode::BAD_GATEWAY
            }
            // Not 503: the target may be at work on it, so nobody is asked to send it again.
            Self::TargetTimeout | Self::Displaced => StatusCode::GATEWAY_TIMEOUT,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
        }
    }

    /// The value of `Sendit-Error`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownPrefix => "unknown-prefix",
            Self::Undecided => "undecided",
            Self::ClientOffline | Self::ClientLost => "client-offline",
            Self::TargetRefused => "target-refused",
            Self::TargetBadResponse | Self::TargetSpeaksTls => "target-bad-response",
            Self::TargetTimeout => "target-timeout",
            Self::Limit | Self::Displaced | Self::Stopping => "limit",
            Self::BadRequest | Self::UriTooLong | Self::HeadTooLarge => "bad-request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
        }
    }

    /// The line that a visitor reads. It never names the target's address.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::UnknownPrefix => "no tunnel is open at this address",
            Self::Undecided => "whether a tunnel is open at this address cannot be found out now; try again shortly",
            Self::ClientOffline => "the tunnel's client is not connected; try again shortly",
            Self::ClientLost => "the tunnel's client was lost before it answered",
            Self::TargetRefused => "the service behind this tunnel cannot be reached",
            Self::TargetBadResponse => "the service behind this tunnel gave no valid HTTP answer",
            Self::TargetSpeaksTls => {
                "the service behind this tunnel speaks TLS where plain HTTP was expected; its tunnel should be given an `https://` destination"
            }
            Self::Limit => "the server is busy; try again shortly",
            Self::Displaced => {
                "the server is busy, and the service behind this tunnel has not answered so far; it may have got the request"
            }
            Self::Stopping => "the server is being restarted; try again shortly",
            Self::TargetTimeout => "the service behind this tunnel did not answer in time",
            Self::BadRequest => "this request cannot be passed on",
            Self::UriTooLong => "the address of this request is too long",
            Self::HeadTooLarge => "the head of this request is too large",
            Self::Unauthorized => "this tunnel asks for a user and a password",
            Self::Forbidden => "this tunnel cannot be reached from your address",
        }
    }

    /// The fault that a client of ours names on an answer that it gives itself.
    #[must_use]
    pub fn named(code: &HeaderValue) -> Option<Self> {
        [Self::TargetRefused].into_iter().find(|fault| code == fault.code())
    }

    /// The answer, in the form that the visitor's `Accept` prefers: JSON, HTML, or else plain text.
    #[must_use]
    pub fn answer(self, request: &HeaderMap) -> Response {
        let (kind, body) = match Form::of(request) {
            Form::Json => (
                "application/json",
                format!("{{\"error\":{{\"code\":\"{}\",\"message\":\"{}\"}}}}\n", self.code(), self.sentence()),
            ),
            Form::Html => (
                "text/html; charset=utf-8",
                format!("<!doctype html><title>{}</title><p>{}\n", self.status(), self.sentence()),
            ),
            Form::Text => ("text/plain; charset=utf-8", format!("{}\n", self.sentence())),
        };
        let mut response = (self.status(), body).into_response().map(Body::new);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(HeaderName::from_static(ERROR_HEADER), HeaderValue::from_static(self.code()));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if self.code() == Self::BadRequest.code() {
            // What follows on the connection may be a part of what was not understood.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

enum Form {
    Json,
    Html,
    Text,
}

impl Form {
    /// The first of the types that the visitor names, which is how browsers and API clients order theirs.
    fn of(request: &HeaderMap) -> Self {
        let accept = request.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut types = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
        types
            .find_map(|kind| match kind {
                "application/json" => Some(Self::Json),
                "text/html" => Some(Self::Html),
                "text/plain" => Some(Self::Text),
                _ => None,
            })
            .unwrap_or(Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn check(fault: Fault, accept: &str, status: u16, code: &str, kind: &str, body: &str) {
        let request = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        let response = fault.answer(&request);
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()[ERROR_HEADER], code);
        assert_eq!(response.headers()[CONTENT_TYPE], kind);
        assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
    }

    #[tokio::test]
    async fn answers() {
        check(
            Fault::UnknownPrefix,
            "*/*",
            404,
            "unknown-prefix",
            "text/plain; charset=utf-8",
            "no tunnel is open at this address\n",
        )
        .await;
        check(
            Fault::ClientOffline,
            "application/json, text/html",
            503,
            "client-offline",
            "application/json",
            "{\"error\":{\"code\":\"client-offline\",\"message\":\"the tunnel's client is not connected; try again shortly\"}}\n",
        )
        .await;
        check(
            Fault::TargetRefused,
            "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
            502,
            "target-refused",
            "text/html; charset=utf-8",
            "<!doctype html><title>502 Bad Gateway</title><p>the service behind this tunnel cannot be reached\n",
        )
        .await;
    }
}
