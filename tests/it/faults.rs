//! Who failed: what a visitor is told of each failure, in each form, and what the server's log says of it.

use tokio::net::TcpStream;

use crate::peer::{Head, Peer};
use crate::target::{Target, down};
use crate::tunnel::{Client, Server, Tunnel};

struct Told {
    status: &'static str,
    reason: &'static str,
    code: &'static str,
    sentence: &'static str,
}

const FORMS: [(&str, &str); 3] = [
    ("*/*", "text/plain; charset=utf-8"),
    ("text/html,*/*;q=0.8", "text/html; charset=utf-8"),
    ("application/json", "application/json"),
];

impl Told {
    const fn new(status: &'static str, reason: &'static str, code: &'static str, sentence: &'static str) -> Self {
        Self { status, reason, code, sentence }
    }

    /// Sends `request`, to which the line with what is accepted is added, in each form at once; each answer has to be
    /// this, and the log has a line for each.
    async fn check(&self, server: &mut Server, request: &str) {
        let Self { status, reason, code, sentence } = self;
        let bodies = [
            format!("{sentence}\n"),
            format!("<!doctype html><title>{status} {reason}</title><p>{sentence}\n"),
            format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"{sentence}\"}}}}\n"),
        ];
        let addr = server.addr;
        let [a, b, c] = FORMS.map(|(accept, _)| async move {
            let mut visitor = Peer::new(TcpStream::connect(addr).await.unwrap());
            visitor.send(request.replacen("\r\n", &format!("\r\nAccept: {accept}\r\n"), 1)).await;
            answer(&mut visitor).await
        });
        let answers: [(Head, String); 3] = tokio::join!(a, b, c).into();
        for (((accept, kind), body), (head, came)) in FORMS.iter().zip(&bodies).zip(&answers) {
            assert_eq!(head.start, format!("HTTP/1.1 {status} {reason}"), "{code}, {accept}");
            let value = |name| head.value(name);
            assert_eq!(
                (value("sendit-error"), value("content-type"), came),
                (Some(*code), Some(*kind), body),
                "{accept}"
            );
            assert_eq!((value("cache-control"), value("retry-after").is_some()), (Some("no-store"), *status == "503"));
            assert_eq!(value("connection") == Some("close"), *code == "bad-request", "{code}");
        }
        let line = format!("status={status} error={code}");
        server.program.printed(|output| output.stderr.matches(&line).count() >= FORMS.len()).await;
    }
}

async fn answer(visitor: &mut Peer) -> (Head, String) {
    let head = visitor.head().await;
    let mut body = vec![0; head.value("content-length").expect("a length").parse().expect("a number")];
    visitor.read_block(&mut body).await;
    (head, String::from_utf8(body).expect("text"))
}

const GET: &str = "GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n";

async fn tunnel(target: &str, args: &[&str]) -> Tunnel {
    let serve = [&["--log", "debug"], args].concat();
    Tunnel::with(target, &serve, &[]).await
}

#[tokio::test]
async fn requests_that_cannot_be_passed_on() {
    let mut server = Server::start(&["--log", "debug"]).await;
    let told = Told::new("404", "Not Found", "unknown-prefix", "no tunnel is open at this address");
    told.check(&mut server, GET).await;
    let bad = Told::new("400", "Bad Request", "bad-request", "this request cannot be passed on");
    bad.check(&mut server, "GET /app HTTP/1.1\r\nHost : a.example\r\n\r\n").await;
    let told = Told::new("414", "URI Too Long", "bad-request", "the address of this request is too long");
    // Its line never ends, and what follows the limit is not read.
    let mut visitor = server.visit().await;
    visitor.send(format!("GET /{}", "a".repeat(64 * 1024))).await;
    let (head, body) = answer(&mut visitor).await;
    assert_eq!((head.status(), body), (told.status, format!("{}\n", told.sentence)));
    let told =
        Told::new("431", "Request Header Fields Too Large", "bad-request", "the head of this request is too large");
    told.check(&mut server, &format!("GET /app HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100))).await;
}

/// Its head was well, so it is on its way already; it is the visitor's doing all the same, whatever the target says.
#[tokio::test]
async fn bodies_that_break_off() {
    let target = Target::start();
    let mut tunnel = tunnel(&target.url(), &[]).await;
    let told = Told::new("400", "Bad Request", "bad-request", "this request cannot be passed on");
    let chunked = "POST /app HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n";
    told.check(&mut tunnel.server, &format!("{chunked}5\r\nhello!\r\n0\r\n\r\n")).await;
    told.check(&mut tunnel.server, &format!("{chunked}5\r\nhello\r\nwhat\r\n\r\n")).await;
}

#[tokio::test]
async fn a_client_that_is_away() {
    let target = Target::start();
    let mut tunnel = tunnel(&target.url(), &[]).await;
    tunnel.client.program.kill().await;
    let told = Told::new(
        "503",
        "Service Unavailable",
        "client-offline",
        "the tunnel's client is not connected; try again shortly",
    );
    told.check(&mut tunnel.server, GET).await;
}

#[tokio::test]
async fn targets_that_do_not_answer() {
    let socket = down();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let mut tunnel = tunnel(&url, &["--target-timeout", "500ms"]).await;
    let refused = Told::new("502", "Bad Gateway", "target-refused", "the service behind this tunnel cannot be reached");
    let late =
        Told::new("504", "Gateway Timeout", "target-timeout", "the service behind this tunnel did not answer in time");
    // The limit goes before the client's patience with a target that is down.
    late.check(&mut tunnel.server, GET).await;

    let mut without = self::tunnel(&url, &[]).await;
    refused.check(&mut without.server, GET).await;

    let target = Target::start();
    let _other = Client::start(&tunnel.server.url("/silent"), &target.url(), &[]).await;
    late.check(&mut tunnel.server, &GET.replace("app", "silent")).await;
}

/// The time of a target begins with the last byte of the request, and ends with the first of the answer.
#[tokio::test]
async fn who_is_slow_is_no_target_that_is_late() {
    let mut target = Target::start();
    let tunnel = tunnel(&target.url(), &["--target-timeout", "1s"]).await;
    let mut visitor = tunnel.server.visit().await;
    visitor.send("POST /app HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\n").await;
    let mut service = target.accept().await;
    service.head().await;
    let second = std::time::Duration::from_millis(1_500);
    assert!(visitor.is_silent(second).await, "the visitor takes its time");
    visitor.send("hi").await;
    service.expect("hi").await;
    service.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n").await;
    assert_eq!(visitor.head().await.status(), "200");
    assert!(visitor.is_silent(second).await, "the answer takes its time");
    service.send("ok").await;
    visitor.expect("ok").await;

    let mut visitor = tunnel.server.visit().await;
    visitor.send(GET).await;
    let mut service = target.accept().await;
    service.head().await;
    assert_eq!(visitor.head().await.status(), "504");
    service.rest().await;
}

#[tokio::test]
async fn targets_that_speak_something_else() {
    for (answer, sentence) in [
        ("SSH-2.0-Any\r\n", "the service behind this tunnel gave no valid HTTP answer"),
        (
            "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}",
            "the service behind this tunnel speaks TLS where plain HTTP was expected; its tunnel should be given an \
             `https://` destination",
        ),
    ] {
        let target = Target::start();
        let mut tunnel = tunnel(&target.url(), &[]).await;
        target.say(answer);
        Told::new("502", "Bad Gateway", "target-bad-response", sentence).check(&mut tunnel.server, GET).await;
    }
}

/// As many exchanges as a session may have, none of which ends; the next one is told so after a while.
#[tokio::test]
async fn a_session_that_is_busy() {
    let target = Target::start();
    let mut tunnel = tunnel(&target.url(), &[]).await;
    let mut visitors = Vec::new();
    for _ in 0..256 {
        let mut visitor = tunnel.server.visit().await;
        visitor.send(GET).await;
        visitors.push(visitor);
    }
    let told = Told::new("503", "Service Unavailable", "limit", "the server is busy; try again shortly");
    told.check(&mut tunnel.server, GET).await;
}
