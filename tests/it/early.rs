//! Visitors who are answered while they still send, and look for an answer once all is sent, as proxies do: it always
//! arrives.

use crate::peer::{End, Head};
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};

/// More than all buffers on the way to a target hold.
const LENGTH: usize = 40 * 1024 * 1024;

/// How an upload is answered, and how the connection ends.
async fn upload(server: &Server, path: &str, chunked: bool) -> (Head, End) {
    let mut visitor = server.visit().await;
    let framing = if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {LENGTH}") };
    visitor.send(format!("POST {path} HTTP/1.1\r\nHost: a.example\r\n{framing}\r\n\r\n")).await;
    if chunked {
        visitor.send(format!("{LENGTH:x}\r\n")).await;
    }
    visitor.send(vec![b'x'; LENGTH]).await;
    if chunked {
        visitor.try_send("\r\n0\r\n\r\n").await;
    }
    (visitor.head().await, visitor.rest().await.1)
}

#[track_caller]
fn check(answered: &(Head, End), status: &str, code: &str) {
    let (head, end) = answered;
    let said = (head.status(), head.value("sendit-error"), head.value("connection"), *end);
    assert_eq!(said, (status, Some(code), Some("close"), End::Closed));
}

#[tokio::test]
async fn refusals() {
    let server = Server::start(&[]).await;
    let target = Target::start();
    let _locked = Client::start(&server.url("/locked"), &target.url(), &["--basic-auth", "u:p"]).await;
    let _closed = Client::start(&server.url("/closed"), &target.url(), &["--allow-ip", "192.0.2.1"]).await;
    for chunked in [false, true] {
        check(&upload(&server, "/locked", chunked).await, "401", "unauthorized");
        check(&upload(&server, "/closed", chunked).await, "403", "forbidden");
        check(&upload(&server, "/nobody", chunked).await, "404", "unknown-prefix");
    }
    // What has come whole is no reason to end a connection.
    let mut visitor = server.visit().await;
    for _ in 0..2 {
        visitor.send("POST /nobody HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello").await;
        let head = visitor.head().await;
        assert_eq!((head.status(), head.value("connection")), ("404", None));
        visitor.expect("no tunnel is open at this address\n").await;
    }
}

/// The target has seen enough of it, and hears no more.
#[tokio::test]
async fn answers_of_targets() {
    for answer in [
        "413 Content Too Large\r\nContent-Length: 0",
        "200 OK\r\nContent-Length: 0\r\nConnection: close",
        "403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0",
    ] {
        let mut target = Target::start();
        let tunnel = Tunnel::to(&target.url()).await;
        let answering = async {
            let mut peer = target.accept().await;
            peer.head().await;
            peer.send(format!("HTTP/1.1 {answer}\r\n\r\n")).await;
            peer
        };
        let ((head, end), _peer) = tokio::join!(upload(&tunnel.server, "/app", false), answering);
        assert_eq!((head.status(), end), (&answer[..3], End::Closed), "{answer}");
    }
}
