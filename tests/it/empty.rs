//! Something on the way answers in the server's place, at once and as the wire has it, but with nothing in it. The client
//! must not ask again and again without a pause.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::tunnel::Client;
use crate::v2::record::{ack, attached, last};
use crate::v2::{OPEN, READ, WRITE};
use crate::world::PATIENCE;

/// How often it has to ask, and how long that takes at least: 5 ms, doubling to 0.5 s.
const ASKED: usize = 10;
const PAUSED: Duration = Duration::from_millis(5 + 10 + 20 + 40 + 80 + 160 + 320 + 500 + 500);

fn octets(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/octet-stream")], body).into_response()
}

/// Whatever is brought is taken, and not acknowledged.
async fn write() -> Response {
    octets([attached(0), ack(0), last(0)].concat())
}

/// Nothing is brought, and only in batches.
async fn read(State(asked): State<Arc<mpsc::Sender<Instant>>>, request: Request) -> Response {
    if request.headers().get("sendit-manner").is_none_or(|manner| manner != "batch") {
        return StatusCode::NOT_IMPLEMENTED.into_response();
    }
    // Nobody listens any more once it was asked often enough.
    let _ = asked.try_send(Instant::now());
    octets([attached(0), ack(0), last(0)].concat())
}

#[tokio::test]
async fn a_client_whose_answers_are_empty_pauses_ever_longer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/app", listener.local_addr().unwrap());
    let (asked, mut asks) = mpsc::channel(ASKED);
    let given = json!({
        "session": "a5".repeat(32), "secret": "A".repeat(43), "grace_ms": 60_000, "batch": 524_288, "hold_ms": 10_000, "granted": [],
    });
    let router = Router::new()
        .route(OPEN, post(async move || given.to_string()))
        .route(WRITE, post(write))
        .route(READ, post(read))
        .with_state(Arc::new(asked));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    let _client = Client::start(&url, "http://127.0.0.1:1", &["--wire", "v2"]).await;
    let mut times = Vec::new();
    while times.len() < ASKED {
        times.push(timeout(PATIENCE, asks.recv()).await.expect("it asks again").expect("the server lives"));
    }
    let paused = times[ASKED - 1].duration_since(times[0]);
    assert!(paused >= PAUSED, "{times:?}");
}
