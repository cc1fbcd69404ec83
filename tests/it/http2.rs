//! HTTP/2 without TLS: visitors who speak it, and services that do, gRPC among them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::grpc::{Body, Service, answer, nothing, spoken, visitor};
use crate::left_out;
use crate::target::{Target, down};
use crate::tunnel::Tunnel;
use crate::world::PATIENCE;

fn post(path: &str, body: Body) -> Request<Body> {
    let request = Request::post(format!("http://a.example{path}")).header("te", "trailers");
    request.header("cookie", "a=b").header("cookie", "c=d").body(body).unwrap()
}

fn get(path: &str) -> Request<Body> {
    let mut request = post(path, nothing());
    *request.method_mut() = http::Method::GET;
    request
}

async fn next(body: &mut Incoming) -> Frame<Bytes> {
    timeout(PATIENCE, body.frame()).await.expect("it comes in time").expect("no end").expect("no cut")
}

#[tokio::test]
async fn grpc_streams_both_ways_over_one_connection() {
    let service = Service::start().await;
    let tunnel = Tunnel::with(&service.url, &[], &["--strip-prefix"]).await;
    let mut visitor = visitor(tunnel.server.addr).await;
    let mut calls = Vec::new();
    for _ in 0..20 {
        let (say, body) = spoken();
        let call = visitor.send_request(post("/app/echo.Echo/Chat", body));
        let answer = timeout(PATIENCE, call).await.expect("a head before the first message").unwrap();
        assert_eq!(
            answer.headers()["x-said"],
            "POST http://a.example/echo.Echo/Chat te=trailers cookie=a=b; c=d x-forwarded-for=127.0.0.1 host= expect="
        );
        calls.push((say, answer.into_body()));
    }
    for text in ["one", "two", "three"] {
        for (say, body) in &mut calls {
            say.send(text).await.unwrap();
            assert_eq!(next(body).await.into_data().unwrap(), text);
        }
    }
    for (say, mut body) in calls {
        drop(say);
        assert_eq!(next(&mut body).await.into_trailers().unwrap()["grpc-status"], "0");
        assert!(body.frame().await.is_none());
    }
    assert_eq!(service.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn visitors_of_http_1_reach_a_service_of_http_2() {
    let service = Service::start().await;
    let flags = ["--host-header", "b.example:81", "--basic-auth", "u:p"];
    let Tunnel { server, client: _client } = Tunnel::with(&service.url, &[], &flags).await;
    assert_eq!(server.get("/app", "").await.0.status(), "401");
    let mut visitor = server.visit().await;
    let head = "POST /app/x?y HTTP/1.1\r\nHost: a.example\r\nAuthorization: Basic dTpw\r\nConnection: Upgrade\r\nUpgrade: own\r\n";
    visitor.send(format!("{head}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")).await;
    assert_eq!(visitor.head().await.status(), "100");
    visitor.send("hello").await;
    let head = visitor.head().await;
    let said = "POST http://b.example:81/app/x?y te= cookie= x-forwarded-for=127.0.0.1 host= expect=";
    assert_eq!((head.status(), head.value("x-said")), ("200", Some(said)));
    visitor.expect("5\r\nhello\r\n0\r\n\r\n").await;
}

/// The service was restarted, or has closed what was idle.
#[tokio::test]
async fn a_connection_that_has_ended_is_made_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("h2c://{}", listener.local_addr().unwrap());
    let tunnel = Tunnel::to(&url).await;
    for graceful in [true, false, true] {
        let mut visitor = visitor(tunnel.server.addr).await;
        let mut accepted = None;
        let answered = async {
            let answer = visitor.send_request(get("/app")).await.expect("an answer");
            answer.into_body().collect().await.expect("it is whole").trailers().expect("trailers")["grpc-status"]
                .clone()
        };
        let serving = async {
            let stream = listener.accept().await.unwrap().0;
            let service = service_fn(answer);
            let io = TokioIo::new(stream);
            accepted = Some(Box::pin(http2::Builder::new(TokioExecutor::new()).serve_connection(io, service)));
            let _ = accepted.as_mut().unwrap().await;
        };
        tokio::select! {
            status = timeout(PATIENCE, answered) => assert_eq!(status.expect("in time"), "0"),
            () = serving => panic!("the service's connection ended"),
        }
        let mut connection = accepted.expect("it was asked");
        if graceful {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(PATIENCE, connection).await.expect("the hop lets go");
        }
    }
}

/// What becomes of a request at a service that is played.
#[derive(Clone, Copy)]
enum Fate {
    Answered,
    /// The service says that it has not looked at it.
    Refused,
    /// The service says that it failed.
    Reset,
    /// The connection ends.
    Broken,
}

async fn play(listener: TcpListener, fates: &[Fate]) {
    let mut fates = fates.iter();
    while !fates.as_slice().is_empty() {
        let stream = listener.accept().await.unwrap().0;
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            match fates.next().expect("no more requests") {
                Fate::Answered => drop(respond.send_response(Response::new(()), true).unwrap()),
                Fate::Refused => respond.send_reset(h2::Reason::REFUSED_STREAM),
                Fate::Reset => respond.send_reset(h2::Reason::INTERNAL_ERROR),
                Fate::Broken => break,
            }
        }
    }
}

/// Only what the service has not looked at, or what only asks, goes there twice.
#[tokio::test]
async fn a_request_is_sent_again_where_that_is_safe() {
    use Fate::{Answered, Broken, Refused, Reset};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tunnel = Tunnel::to(&format!("h2c://{}", listener.local_addr().unwrap())).await;
    let calls = [
        ("GET", "200", &[Answered][..]),
        ("POST", "200", &[Refused, Refused, Answered]),
        ("GET", "502", &[Reset]),
        ("GET", "200", &[Broken, Answered]),
        ("POST", "502", &[Broken]),
        ("GET", "502", &[Broken]),
        ("POST", "200", &[Answered]),
    ];
    let fates: Vec<Fate> = calls.iter().flat_map(|(_, _, fates)| *fates).copied().collect();
    let visits = async {
        for (method, status, fates) in calls {
            let mut visitor = tunnel.server.visit().await;
            visitor.send(format!("{method} /app HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n")).await;
            assert_eq!(visitor.head().await.status(), status, "{method}, {} times", fates.len());
        }
    };
    tokio::select! {
        () = visits => {}
        () = play(listener, &fates) => panic!("more was asked for than there is"),
    }
}

#[tokio::test]
async fn a_service_that_fails_is_told_apart() {
    let socket = down();
    let url = format!("h2c://{}", socket.local_addr().unwrap());
    let tunnel = Tunnel::with(&url, &[], &["--hold=200ms"]).await;
    let (head, _) = tunnel.server.get("/app", "").await;
    assert_eq!((head.status(), head.value("sendit-error")), ("502", Some("target-refused")));
    drop(tunnel);
    for said in ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "\x15\x03\x01\x00\x02\x02\x0a"] {
        let mut target = Target::start();
        let tunnel = Tunnel::to(&target.url().replace("http", "h2c")).await;
        let failing = async {
            let mut peer = target.accept().await;
            peer.until("\r\n\r\nSM\r\n\r\n").await;
            peer.send(said).await;
            peer.finish().await;
        };
        let ((head, body), ()) = tokio::join!(tunnel.server.get("/app", ""), failing);
        assert_eq!((head.status(), head.value("sendit-error")), ("502", Some("target-bad-response")));
        assert_eq!(body.contains("speaks TLS"), said.starts_with('\x15'), "{body}");
    }
}

/// A stream is reset by itself: the others of its connection go on.
#[tokio::test]
async fn an_answer_that_is_cut_takes_no_other_along() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let mut visitor = visitor(tunnel.server.addr).await;
    let (mut other, half) = (visitor.clone(), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    let whole = other.send_request(post("/app/whole", nothing()));
    let mut whole_target = None;
    let (whole, ()) = tokio::join!(whole, async {
        let mut peer = target.accept().await;
        let head = peer.head().await;
        assert_eq!((&*head.start, head.value("cookie")), ("POST /app/whole HTTP/1.1", Some("a=b; c=d")));
        peer.send(half).await;
        whole_target = Some(peer);
    });
    let (cut, ()) = tokio::join!(visitor.send_request(post("/app/cut", nothing())), async {
        let mut peer = target.accept().await;
        peer.head().await;
        peer.send(half).await;
        peer.finish().await;
    });
    let cut = timeout(PATIENCE, cut.unwrap().into_body().collect()).await.expect("it ends");
    assert!(cut.is_err(), "it is no whole answer");
    let mut peer = whole_target.unwrap();
    peer.send(" more").await;
    let body = timeout(PATIENCE, whole.unwrap().into_body().collect()).await.expect("it ends").expect("it is whole");
    assert_eq!(body.to_bytes(), "half more");
}

#[tokio::test]
async fn what_only_begins_like_http_2_is_http_1() {
    let target = Target::start();
    let Tunnel { server, client: _client } = Tunnel::to(&target.url()).await;
    target.echo_paths();
    let mut visitor = server.visit().await;
    visitor.send("PR").await;
    assert!(visitor.is_silent(Duration::from_millis(50)).await);
    visitor.send("OPFIND /app/x HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert_eq!(visitor.head().await.status(), "200");
    visitor.expect("/app/x").await;
}

#[cfg(unix)]
#[tokio::test]
async fn curl_speaks_http_2() {
    use crate::programs::curl;
    if !left_out::is_here("curl", "curl as a visitor of HTTP/2") {
        return;
    }
    let target = Target::start();
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &[], &["--basic-auth=u:p"]).await;
    target.echo_paths();
    let (url, root) = (server.url("/app/x?y"), server.url("/"));
    let args = |auth: &'static str, url| {
        ["-s", "--http2-prior-knowledge", "-w", " %{http_version} %{http_code}", "-u", auth, url]
    };
    assert_eq!(curl(&args("u:p", &url)).await, "/app/x?y 2 200");
    assert_eq!(curl(&args("u:q", &url)).await, "this tunnel asks for a user and a password\n 2 401");
    assert_eq!(curl(&args("u:p", &root)).await, " 2 200");
}
