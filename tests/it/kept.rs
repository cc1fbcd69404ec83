//! Visitors' connections that bring one exchange after another, of whatever kinds: what is passed on without the HTTP library,
//! and what is not, look alike.

use sendit::wire::v2::READ;

use crate::peer::{End, Peer};
use crate::target::Target;
use crate::tunnel::{Server, Tunnel};
use crate::v2::{SECRET, Session, token};

/// A kind of exchange: the request's method and path, what is sent behind that, and the answer's status line and body.
type Kind = (&'static str, &'static str, &'static str, &'static str);

const KINDS: [Kind; 9] = [
    ("GET /app/plain", "\r\n", "HTTP/1.1 299 Fine", "plain"),
    ("DELETE /app/empty", "Connection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK", ""),
    ("GET /app/undated", "\r\n", "HTTP/1.1 200 OK", "undated"),
    ("GET /app/chunked", "\r\n", "HTTP/1.1 200 OK", "7\r\nchunked\r\n0\r\n\r\n"),
    ("GET /app/nothing", "\r\n", "HTTP/1.1 204 No Content", ""),
    ("HEAD /app/plain", "\r\n", "HTTP/1.1 299 Fine", ""),
    ("POST /app/plain", "Content-Length: 2\r\n\r\nhi", "HTTP/1.1 299 Fine", "plain"),
    (
        "PUT /app/chunked",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK",
        "7\r\nchunked\r\n0\r\n\r\n",
    ),
    ("GET /app/upgrade", "Connection: upgrade\r\nUpgrade: own\r\n\r\n", "HTTP/1.1 299 Fine", "plain"),
];

/// What the target says.
fn said(path: &str) -> String {
    let said = match path {
        "/app/empty" => "200 OK\r\nDate: then\r\nContent-Length: 0\r\n\r\n",
        "/app/undated" => "200 OK\r\nContent-Length: 7\r\n\r\nundated",
        "/app/chunked" => "200 OK\r\nDate: then\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nchunked\r\n0\r\n\r\n",
        "/app/nothing" => "204 No Content\r\nDate: then\r\n\r\n",
        _ => "299 Fine\r\nDate: then\r\nContent-Length: 5\r\n\r\nplain",
    };
    format!("HTTP/1.1 {said}")
}

fn request((line, rest, ..): Kind) -> String {
    format!("{line} HTTP/1.1\r\nHost: a.example\r\n{rest}")
}

async fn answered(visitor: &mut Peer, (_, _, line, body): Kind) {
    let head = visitor.head().await;
    assert_eq!((&*head.start, head.value("connection")), (line, None));
    assert!(head.value("date").is_some(), "{head:?}");
    visitor.expect(body).await;
}

/// Each kind behind each, once it is answered and before.
#[tokio::test]
async fn whatever_comes_after_whatever() {
    let target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    target.answer(said);
    for (first, second) in KINDS.iter().flat_map(|first| KINDS.map(|second| (*first, second))) {
        let mut visitor = tunnel.server.visit().await;
        for kind in [KINDS[0], first, second, KINDS[0]] {
            visitor.send(request(kind)).await;
            answered(&mut visitor, kind).await;
        }
        let mut visitor = tunnel.server.visit().await;
        visitor
            .send(["\r\n", &request(KINDS[0]), &request(first), "\r\n", &request(second), &request(KINDS[0])].concat())
            .await;
        for kind in [KINDS[0], first, second, KINDS[0]] {
            answered(&mut visitor, kind).await;
        }
        visitor.finish().await;
        assert_eq!(visitor.rest().await, (String::new(), End::Closed));
    }
}

/// A head that comes by bytes is the same, and what is refused behind it too.
#[tokio::test]
async fn heads_in_pieces_and_what_is_refused() {
    let target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    target.answer(said);
    let mut visitor = tunnel.server.visit().await;
    for byte in request(KINDS[0]).repeat(2).bytes() {
        visitor.send([byte]).await;
    }
    answered(&mut visitor, KINDS[0]).await;
    answered(&mut visitor, KINDS[0]).await;
    visitor
        .send([&request(KINDS[0]), "GET /app/plain HTTP/1.1\r\nHost : a.example\r\n\r\n", &request(KINDS[0])].concat())
        .await;
    answered(&mut visitor, KINDS[0]).await;
    assert_eq!(visitor.head().await.status(), "400");
    let (body, end) = visitor.rest().await;
    assert!(!body.contains("299") && end == End::Closed, "{body:?}");
}

/// Whoever says that this is the last request has the last answer.
#[tokio::test]
async fn the_last_one_is_told_so() {
    let target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    target.answer(said);
    for (lines, version) in
        [("Connection: close\r\n", "1.1"), ("Connection: keep-alive\r\nConnection: Close\r\n", "1.1"), ("", "1.0")]
    {
        let mut visitor = tunnel.server.visit().await;
        visitor.send(request(KINDS[0])).await;
        answered(&mut visitor, KINDS[0]).await;
        visitor.send(format!("GET /app/plain HTTP/{version}\r\nHost: a.example\r\n{lines}\r\n")).await;
        let head = visitor.head().await;
        assert!(head.status() == "299" && (head.value("connection") == Some("close") || version == "1.0"), "{head:?}");
        assert_eq!(visitor.rest().await, ("plain".to_owned(), End::Closed), "{lines:?} {version}");
    }
}

/// Nothing is owed to a client whose connection has ended, whatever it waits for: that is how it is noticed.
#[tokio::test]
async fn a_client_that_has_said_all_is_not_answered() {
    let server = Server::start(&["--secret", SECRET]).await;
    let session = Session::open(&server, &token("me"), "app").await;
    // What there is at first, behind which the next one waits.
    assert_eq!(session.send(&session.carrier(READ, 1, 0, "batch", b"")).await.status(), "200");
    let carrier = session.carrier(READ, 2, 12, "batch", b"");
    let mut client = server.visit().await;
    let head = format!("POST {READ} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n{}\r\n", carrier.headers());
    client.send(head).await;
    client.finish().await;
    assert_eq!(client.rest().await, (String::new(), End::Closed));
}

/// A server that is to end does so behind the answers that are under way.
#[cfg(unix)]
#[tokio::test]
async fn a_server_that_stops_ends_them() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let (mut idle, mut busy) = (tunnel.server.visit().await, tunnel.server.visit().await);
    let mut services = Vec::new();
    for visitor in [&mut idle, &mut busy] {
        visitor.send(request(KINDS[0])).await;
        let mut service = target.accept().await;
        service.head().await;
        services.push(service);
    }
    services[0].send(said("/app/plain")).await;
    answered(&mut idle, KINDS[0]).await;
    tunnel.server.program.terminate().await;
    // Which is asked for by nobody, so that it has heard.
    while tunnel.server.get("/app/plain", "").await.0.status() != "503" {}
    services[1].send(said("/app/plain")).await;
    let head = busy.head().await;
    assert_eq!((head.status(), head.value("connection")), ("299", Some("close")));
    assert_eq!(busy.rest().await, ("plain".to_owned(), End::Closed));
    assert_eq!(idle.rest().await, (String::new(), End::Closed));
}
