//! A local service that makes and checks what passes through a tunnel.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt as _, StreamExt as _, stream};
use http::header::{CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::task::TaskTracker;

/// The bytes that `seed` stands for: the same at both ends, and no two pieces alike.
pub(crate) fn seeded(seed: u64, len: usize) -> Bytes {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        // Vigna's splitmix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes.truncate(len);
    bytes.into()
}

/// A digest as text.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

/// A target that runs until the test ends.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Each permit lets something that waits go on: an event be sent, or a held answer.
    pub(crate) go_on: Arc<Semaphore>,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let target = Self { address: listener.local_addr().expect("it listens"), go_on: Arc::new(Semaphore::new(0)) };
        let tasks = TaskTracker::new();
        let state = (target.clone(), tasks.clone());
        let router = Router::new().fallback(move |request| answer(state.clone(), request));
        tasks.spawn(async move { axum::serve(listener, router).await });
        target
    }
}

/// What comes after the prefix says what is wanted.
async fn answer((target, tasks): (Target, TaskTracker), request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    match parts[..] {
        ["digest"] => match request.into_body().collect().await {
            Ok(body) => digest(&body.to_bytes()).into_response(),
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        },
        ["bytes", seed, len] => match (seed.parse(), len.parse()) {
            (Ok(seed), Ok(len)) => seeded(seed, len).into_response(),
            _ => StatusCode::BAD_REQUEST.into_response(),
        },
        ["fields"] => fields(request.headers()).into_response(),
        ["held"] => match target.go_on.acquire_owned().await {
            Ok(_permit) => "let go".into_response(),
            Err(_) => StatusCode::GONE.into_response(),
        },
        ["events"] => events(target),
        ["socket"] => socket(request, &tasks),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The request's fields, a line each.
fn fields(headers: &HeaderMap) -> String {
    let line = |(name, value): (_, &HeaderValue)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    headers.iter().map(line).collect()
}

/// Events without end, each of which waits to be let go.
fn events(target: Target) -> Response {
    let events = stream::unfold((target, 0), |(target, count)| async move {
        target.go_on.acquire().await.ok()?.forget();
        Some((Ok::<_, std::io::Error>(format!("data: {count}\n\n")), (target, count + 1)))
    });
    let mut answer = Response::new(Body::from_stream(events));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    answer
}

/// A WebSocket that sends back what it gets.
fn socket(mut request: Request, tasks: &TaskTracker) -> Response {
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY).cloned() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let upgraded = hyper::upgrade::on(&mut request);
    tasks.spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).expect("base64 makes a header");
    let mut answer = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer
}
