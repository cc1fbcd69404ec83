//! The demo's target: a page that shows what reached it, an echo, and a stream of events. Knows nothing of tunnels but
//! the prefix, because paths are forwarded whole.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::cmd::clock::unix_now;
use crate::wire::Prefix;

/// The page at `/prefix`, the echo at `/prefix/echo`, the events at `/prefix/clock`, which end on `shutdown`.
pub(super) fn router(prefix: &Prefix, shutdown: CancellationToken) -> Router {
    let events = move || {
        let shutdown = shutdown.clone();
        async { Sse::new(ticks().take_until(shutdown.cancelled_owned())) }
    };
    Router::new()
        .route(&format!("/{prefix}"), get(page))
        .route(&format!("/{prefix}/"), get(page))
        .route(&format!("/{prefix}/echo"), post(echo))
        .route(&format!("/{prefix}/clock"), get(events))
}

async fn page(request: Request) -> Response {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())));
    let rows = std::iter::once(("request", line.into())).chain(headers);
    let rows = rows.map(|(name, value)| format!("<tr><th>{}<td>{}", escaped(name), escaped(&value)));
    let html = include_str!("page.html").replace("{rows}", &rows.collect::<Vec<_>>().join("\n"));
    ([(CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Sends the body back as it comes, not when it has come.
async fn echo(request: Request) -> Body {
    request.into_body()
}

/// The time of day, each second.
fn ticks() -> impl Stream<Item = Result<Event, Infallible>> {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    stream::unfold(seconds, async |mut seconds| {
        seconds.tick().await;
        Some((Ok(Event::default().data(time_of_day(unix_now()))), seconds))
    })
}

fn time_of_day(unix: u64) -> String {
    let (minutes, second) = (unix / 60, unix % 60);
    format!("{:02}:{:02}:{second:02} UTC", minutes / 60 % 24, minutes % 60)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use http_body_util::BodyExt as _;
    use tower_service::Service as _;

    use super::*;

    async fn call(method: &str, path: &str, body: &'static str) -> Response {
        let request = Request::builder().method(method).uri(path).header("x-seen", "<a & b>").body(Body::from(body));
        router(&"demo".parse().unwrap(), CancellationToken::new()).call(request.unwrap()).await.unwrap()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_page_shows_the_request() {
        for path in ["/demo", "/demo/"] {
            let page = text(call("GET", path, "").await).await;
            assert!(page.contains(&format!("<tr><th>request<td>GET {path}\n")), "{page}");
            assert!(page.contains("<tr><th>x-seen<td>&lt;a &amp; b&gt;"), "{page}");
        }
    }

    #[tokio::test]
    async fn the_echo_returns_the_body() {
        assert_eq!(text(call("POST", "/demo/echo", "hello").await).await, "hello");
    }

    #[tokio::test]
    async fn other_paths_are_not_there() {
        assert_eq!(call("GET", "/", "").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(call("GET", "/other", "").await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn the_clock_ticks() {
        let mut body = call("GET", "/demo/clock", "").await.into_body();
        let event = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(event.starts_with(b"data: ") && event.ends_with(b" UTC\n\n"), "{event:?}");
    }

    #[test]
    fn times_of_day() {
        assert_eq!(time_of_day(0), "00:00:00 UTC");
        assert_eq!(time_of_day(1_800_000_000), "08:00:00 UTC");
        assert_eq!(time_of_day(86_399), "23:59:59 UTC");
    }
}
