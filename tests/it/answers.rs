//! Answers to what only asks, as visitors see them on a connection that goes on: by HTTP/1 and by HTTP/2, and beside them those
//! to what brings something.

use futures_util::future::join_all;
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::SendRequest;
use tokio::time::timeout;

use crate::grpc::{self, nothing};
use crate::peer::{End, Peer};
use crate::target::{Target, down};
use crate::tunnel::Tunnel;
use crate::world::{Output, PATIENCE};

/// What the target says, and stays.
async fn answer(target: &mut Target, said: &str) -> Peer {
    let mut service = target.accept().await;
    service.head().await;
    service.send(format!("HTTP/1.1 {said}")).await;
    service
}

/// Asks on a visitor's connection, with this method and these lines.
async fn ask(visitor: &mut Peer, target: &mut Target, method: &str, lines: &str, said: &str) -> Peer {
    let body = if method == "POST" { "Content-Length: 1\r\n\r\nx" } else { "\r\n" };
    visitor.send(format!("{method} /app/x HTTP/1.1\r\nHost: a.example\r\n{lines}{body}")).await;
    answer(target, said).await
}

/// That something follows on the same connection. It may do more than ask, so it never goes where the last has gone.
async fn goes_on(visitor: &mut Peer, target: &mut Target) {
    let _service = ask(visitor, target, "POST", "", "204 No Content\r\n\r\n").await;
    assert_eq!(visitor.head().await.status(), "204");
}

/// What a visitor of HTTP/2 sees: the head, the body, and the trailers. Nothing where that is cut.
async fn multiplexed(
    visitor: &mut SendRequest<grpc::Body>,
    target: &mut Target,
    method: &str,
    said: &str,
) -> Option<(HeaderMap, String, Option<HeaderMap>)> {
    let request = Request::builder().method(method).uri("http://a.example/app/x").body(nothing()).unwrap();
    let (answered, _service) = tokio::join!(visitor.send_request(request), answer(target, said));
    let (head, body) = answered.ok()?.into_parts();
    let body = timeout(PATIENCE, body.collect()).await.expect("it ends").ok()?;
    let trailers = body.trailers().cloned();
    Some((head.headers, String::from_utf8(body.to_bytes().into()).unwrap(), trailers))
}

const HELLO: &str = "5\r\nhello\r\n0\r\n\r\n";

#[tokio::test]
async fn where_an_answer_ends() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::with(&target.url(), &["--log-format", "json"], &[]).await;
    let mut one = tunnel.server.visit().await;
    let mut many = grpc::visitor(tunnel.server.addr).await;
    let mut exchanges = 0;
    for (methods, said, framing, body) in [
        (&["GET", "POST"][..], "200 OK\r\nContent-Length: 5\r\n\r\nhello", &["content-length: 5"][..], "hello"),
        (&["GET", "POST"], "200 OK\r\nContent-Length: 0\r\n\r\n", &["content-length: 0"], ""),
        (&["GET", "HEAD", "POST"], "204 No Content\r\n\r\n", &[], ""),
        (&["GET", "HEAD"], "304 Not Modified\r\n\r\n", &[], ""),
        (&["HEAD"], "200 OK\r\nContent-Length: 5\r\n\r\n", &["content-length: 5"], ""),
        // None is made up.
        (&["HEAD"], "200 OK\r\n\r\n", &[], ""),
        // A coding says more than a length, whatever that is.
        (
            &["GET", "POST"],
            &format!("200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{HELLO}"),
            &["transfer-encoding: chunked"],
            HELLO,
        ),
        (
            &["GET", "POST"],
            &format!("200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n{HELLO}"),
            &["transfer-encoding: chunked"],
            HELLO,
        ),
        (&["GET", "POST"], "200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", &["content-length: 5"], "hello"),
        (&["GET"], "200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", &["content-length: 0"], ""),
        // That nothing is done to a body is no coding. (To what brings something the library says that it is one.)
        (
            &["GET"],
            "200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
            &["content-length: 5"],
            "hello",
        ),
    ] {
        for method in methods {
            exchanges += 3;
            let service = ask(&mut one, &mut target, method, "", said).await;
            let head = one.head().await;
            let lines: Vec<_> = head.lines.iter().filter(|line| !line.starts_with("date")).collect();
            assert_eq!(lines, framing, "{method} {said}");
            one.expect(body).await;
            goes_on(&mut one, &mut target).await;
            // Else the next might go into it.
            drop(service);
            let (head, came, trailers) = multiplexed(&mut many, &mut target, method, said).await.expect("it is whole");
            let length = framing.iter().find_map(|line| line.strip_prefix("content-length: "));
            assert_eq!(head.get("content-length").map(|value| value.to_str().unwrap()), length, "{method} {said}");
            let body = if body.is_empty() { "" } else { "hello" };
            assert_eq!((&*came, trailers), (body, None), "{method} {said}");
        }
    }
    one.finish().await;
    assert_eq!(one.rest().await, (String::new(), End::Closed));
    let is_over = |output: &Output| output.stderr.matches("\"path\":\"/app/x\"").count() == exchanges;
    let said = tunnel.server.program.printed(is_over).await.stderr;
    assert!(!said.contains("\"cut\""), "all are whole: {said}");
}

#[tokio::test]
async fn trailers_reach_who_takes_them() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let mut one = tunnel.server.visit().await;
    let mut many = grpc::visitor(tunnel.server.addr).await;
    let chunked = "200 OK\r\nTransfer-Encoding: chunked\r\n";
    let with = |lines: &str, trailers: &str| format!("{chunked}{lines}\r\n5\r\nhello\r\n0\r\n{trailers}\r\n");
    let announced = with("Trailer: Sum\r\n", "Sum: 1\r\n");
    for (lines, said, trailers) in [
        ("TE: trailers\r\n", &announced, "sum: 1\r\n"),
        ("", &announced, ""),
        ("TE: trailers\r\n", &with("", "Sum: 1\r\n"), ""),
    ] {
        let service = ask(&mut one, &mut target, "GET", lines, said).await;
        one.head().await;
        one.expect(format!("5\r\nhello\r\n0\r\n{trailers}\r\n")).await;
        goes_on(&mut one, &mut target).await;
        drop(service);
        let (_, body, trailers) = multiplexed(&mut many, &mut target, "GET", said).await.expect("it is whole");
        assert_eq!((&*body, trailers.unwrap()["sum"].to_str().unwrap()), ("hello", "1"));
    }
    // None is given out before all are there.
    for trailers in
        [&"a: b\r\n".repeat(101), &format!("a: {}\r\n", "b".repeat(16 * 1024)), "A: b\r\nC d\r\n", "A: b\r\n c\r\n"]
    {
        let said = with("Trailer: A\r\n", trailers);
        let mut visitor = tunnel.server.visit().await;
        let _service = ask(&mut visitor, &mut target, "GET", "TE: trailers\r\n", &said).await;
        let (rest, end) = visitor.rest().await;
        assert!(!rest.contains("0\r\n") && end == End::Reset, "{end:?} {rest}");
        assert_eq!(multiplexed(&mut many, &mut target, "GET", &said).await, None);
    }
    let mut visitor = tunnel.server.visit().await;
    let said = &announced[..announced.len() - 4];
    drop(ask(&mut visitor, &mut target, "GET", "TE: trailers\r\n", said).await);
    let (rest, end) = visitor.rest().await;
    assert!(!rest.contains("0\r\n") && end == End::Reset, "{end:?} {rest}");
}

/// One that is kept, once nobody has needed it for long enough.
#[tokio::test]
async fn a_connection_to_the_target_ends_in_order() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let mut visitor = tunnel.server.visit().await;
    for said in ["200 OK\r\nContent-Length: 0\r\n\r\n", "204 No Content\r\nConnection: close\r\n\r\n"] {
        let mut service = ask(&mut visitor, &mut target, "GET", "", said).await;
        visitor.head().await;
        assert_eq!(service.rest().await, (String::new(), End::Closed), "{said}");
    }
}

/// What a visitor may leave out of an address, and what is none.
#[tokio::test]
async fn addresses_without_a_path() {
    let mut target = Target::start();
    let tunnel = Tunnel::with(&target.url(), &["--domain", "t.example"], &[]).await;
    for (sent, passed_on) in [
        ("GET http://app.t.example?x", "GET /?x"),
        ("GET http://app.t.example", "GET /"),
        ("OPTIONS *", "OPTIONS *"),
        ("GET /?", "GET /?"),
    ] {
        let mut visitor = tunnel.server.visit().await;
        visitor.send(format!("{sent} HTTP/1.1\r\nHost: app.t.example\r\n\r\n")).await;
        let mut service = target.accept().await;
        assert_eq!(service.head().await.start, format!("{passed_on} HTTP/1.1"), "{sent}");
    }
}

/// Whichever way a request goes, and whichever way that is told.
#[tokio::test]
async fn a_target_that_is_down_is_told_to_all() {
    let port = down();
    let url = format!("http://{}", port.local_addr().unwrap());
    let (first, second) =
        tokio::join!(Tunnel::with(&url, &[], &["--wire", "v1"]), Tunnel::with(&url, &[], &["--wire", "v2"]));
    let requests = ["GET /app HTTP/1.1", "HEAD /app HTTP/1.1", "POST /app HTTP/1.1\r\nContent-Length: 0"];
    // Together, for each is waited with until the target might be up.
    let told = [&first, &second].into_iter().flat_map(|tunnel| {
        requests.map(|request| async move {
            let mut visitor = tunnel.server.visit().await;
            visitor.send(format!("{request}\r\nHost: a.example\r\n\r\n")).await;
            let head = visitor.head().await;
            assert_eq!((head.status(), head.value("sendit-error")), ("502", Some("target-refused")), "{request}");
        })
    });
    join_all(told).await;
}
