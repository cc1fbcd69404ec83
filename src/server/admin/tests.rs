//! Who is told what, and how long anybody may take.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, HOST};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tower_service::Service as _;

use super::accept::{HEAD_DEADLINE, MAX_CONNECTIONS};
use super::guard::Reached;
use super::*;
use crate::server::open::Terms;
use crate::server::{Config, Life};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const HERE: &str = "127.0.0.1:5051";

fn server() -> Server {
    Server::new(Config::new(None, || 1_764_130_000))
}

async fn ask(server: &Server, token: Option<&str>, request: &str) -> (StatusCode, String) {
    let mut words = request.split('|');
    let (method, path) = words.next().unwrap().split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path).header(HOST, HERE);
    request = request.extension(Reached(HERE.parse().unwrap()));
    for shown in words {
        request = request.header(AUTHORIZATION, shown);
    }
    let token = token.map(|token| token.parse().unwrap());
    let answer = router(server.clone(), token).call(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, body) = (answer.status(), answer.into_body().collect().await.unwrap().to_bytes());
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn check(token: Option<&str>, request: &str, status: u16, begin: &str) {
    let (seen, said) = ask(&server(), token, request).await;
    assert!(seen == status && said.starts_with(begin), "{request}: {seen} {said}");
}

#[tokio::test]
async fn health_is_told_to_everybody_and_the_rest_to_who_shows_the_token() {
    for token in [None, Some(TOKEN)] {
        check(token, "GET /healthz", 200, "the server lives\n").await;
        check(token, "GET /readyz", 200, "the server takes visitors\n").await;
        check(token, "GET /", 404, "there is nothing here but").await;
    }
    check(None, "GET /metrics", 200, "# HELP sendit_build_info ").await;
    check(None, "GET /sessions", 404, "this server tells nobody").await;
    check(None, "DELETE /sessions/x", 404, "this server tells nobody").await;
    let shown = format!("Bearer {TOKEN}");
    for (request, status, begin) in [
        ("GET /metrics", 200, "# HELP"),
        ("GET /sessions", 200, "{\"sessions\":[]}\n"),
        ("DELETE /sessions/x", 404, "there is no session with this id\n"),
        ("POST /sessions", 405, ""),
    ] {
        check(Some(TOKEN), &format!("{request}|{shown}"), status, begin).await;
        if status == 405 {
            continue;
        }
        let (twice, more, less) = (format!("{shown}|{shown}"), format!("{shown}0"), &shown[..shown.len() - 1]);
        for wrong in [&*twice, &more, less, &shown.to_lowercase(), TOKEN, "Bearer ", ""] {
            check(Some(TOKEN), &format!("{request}|{wrong}"), 401, "this takes `Authorization: Bearer`").await;
        }
        check(Some(TOKEN), request, 401, "this takes `Authorization: Bearer`").await;
    }
}

#[test]
fn tokens() {
    for (text, fits) in [(TOKEN, true), (&TOKEN[1..], false), ("", false), (&format!("{TOKEN} "), false)] {
        assert_eq!(text.parse::<Token>().is_ok(), fits, "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_listed_and_ended() {
    let server = server();
    let terms = Terms { from: "192.0.2.7".parse().ok(), ..Terms::plain("my-app", &server) };
    let (session, _attendance) = server.grant(terms).ok().unwrap();
    let show = |request: String| format!("{request}|Bearer {TOKEN}");
    let (_, said) = ask(&server, Some(TOKEN), &show("GET /sessions".to_owned())).await;
    let id = session.id();
    let listed: Sessions = serde_json::from_str(&said).unwrap();
    let expected = serde_json::json!({
        "since": "2025-11-26T04:06:40Z", "prefix": "my-app", "id": id.as_str(), "subject": null, "from": "192.0.2.7",
        "wire": "v2", "down": "batches", "up": "batches", "client": "away", "thread": 1, "exchanges": 0, "bytes_up": 0, "bytes_down": 0
    });
    assert_eq!(serde_json::to_value(&listed.sessions).unwrap(), serde_json::json!([expected]));
    assert_eq!(ask(&server, Some(TOKEN), &show(format!("DELETE /sessions/{id}"))).await.0, 204);
    session.ended().cancelled().await;
    assert_eq!(ask(&server, Some(TOKEN), &show(format!("DELETE /sessions/{id}"))).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn who_drains_is_not_ready_but_lives() {
    let server = server();
    server.shutdown().await;
    assert_eq!(
        ask(&server, None, "GET /readyz").await,
        (StatusCode::SERVICE_UNAVAILABLE, "the server is about to stop\n".to_owned())
    );
    assert_eq!(ask(&server, None, "GET /healthz").await.0, 200);
}

#[tokio::test]
async fn who_has_no_certificate_yet_is_not_ready() {
    let server = server();
    let check = async |status: u16, sentence: &str| {
        let (seen, said) = ask(&server, None, "GET /readyz").await;
        assert_eq!((seen.as_u16(), &*said), (status, sentence));
    };
    server.await_certificate();
    check(503, "the server has no certificate yet\n").await;
    server.note_certificate(Life { from: 0, until: 1 });
    check(200, "the server takes visitors\n").await;
}

/// Connects `number` times without a word, and has `then` go on while the server answers and time stands still.
async fn beside_silence<F: Future<Output = ()>>(number: usize, then: impl FnOnce(SocketAddr, Vec<TcpStream>) -> F) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asking = async {
        let mut silent = Vec::new();
        for _ in 0..number {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        tokio::time::pause();
        then(address, silent).await;
    };
    tokio::select! {
        () = serve(listener, server(), None) => {}
        () = asking => {}
    }
}

/// Those who say nothing have 2 s.
#[tokio::test]
async fn the_silent_hold_nobody_up_for_long() {
    beside_silence(MAX_CONNECTIONS, async |_, mut silent| {
        let (begin, mut rest) = (Instant::now(), Vec::new());
        for stream in &mut silent {
            let _ = stream.read_to_end(&mut rest).await;
        }
        assert!((HEAD_DEADLINE..=HEAD_DEADLINE * 2).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    })
    .await;
}

/// The oldest make room, and so whoever says something has an answer before the time of any of them is over.
#[tokio::test]
async fn the_silent_make_room() {
    beside_silence(200, async |address, mut silent| {
        let begin = Instant::now();
        let mut asking = TcpStream::connect(address).await.unwrap();
        asking.write_all(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        asking.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(begin.elapsed() < HEAD_DEADLINE, "{:?}", begin.elapsed());
        let oldest = silent.len() + 1 - MAX_CONNECTIONS;
        for (at, stream) in silent.iter_mut().enumerate() {
            let ended = timeout(Duration::ZERO, stream.read_u8()).await.is_ok();
            assert_eq!(ended, at < oldest, "{at}");
        }
    })
    .await;
}
