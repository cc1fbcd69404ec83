//! Exchanges that fail at the target: who is told what, and that a cut never looks like an end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::peer::{End, Head, Peer};
use crate::target::{Target, down};
use crate::tunnel::{Client, Server, Tunnel};

const UNREACHABLE: &str = "the service behind this tunnel cannot be reached";
const NO_HTTP: &str = "the service behind this tunnel gave no valid HTTP answer";
const TLS: &str = "the service behind this tunnel speaks TLS where plain HTTP was expected; its tunnel should be given an \
                   `https://` destination";

#[track_caller]
fn check(seen: &(Head, String), status: &str, code: &str, sentence: &str) {
    let (head, body) = seen;
    assert_eq!((head.status(), head.value("sendit-error")), (status, Some(code)), "{body}");
    assert_eq!(*body, format!("{sentence}\n"));
    assert_eq!(head.value("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn unknown_prefixes() {
    let target = Target::start();
    let server = Tunnel::to(&target.url()).await.server;
    let sentence = "no tunnel is open at this address";
    for path in ["/nobody", "/ap", "/apps", "/App/x", "/app%2Fx", "//app", "/nobody/app"] {
        check(&server.get(path, "").await, "404", "unknown-prefix", sentence);
    }
    let json = format!("{{\"error\":{{\"code\":\"unknown-prefix\",\"message\":\"{sentence}\"}}}}\n");
    let html = format!("<!doctype html><title>404 Not Found</title><p>{sentence}\n");
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    for (accept, kind, expected) in [
        ("application/json", "application/json", &json),
        (browser, "text/html; charset=utf-8", &html),
        ("*/*", "text/plain; charset=utf-8", &format!("{sentence}\n")),
    ] {
        let (head, body) = server.get("/nobody", &format!("Accept: {accept}\r\n")).await;
        assert_eq!((head.value("content-type"), &body), (Some(kind), expected), "{accept}");
    }
}

/// None of them reaches the target, and the connection is not used for another.
#[tokio::test]
async fn ambiguous_requests() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let host = "Host: a.example\r\n";
    for (line, headers) in [
        ("GET /app HTTP/1.1", String::new()),
        ("GET /app HTTP/1.1", "Host: a b\r\n".to_owned()),
        ("GET /app HTTP/1.1", format!("{host}Host: b.example\r\n")),
        ("GET /app HTTP/1.1", format!("{host}X : a\r\n")),
        ("GET /app HTTP/1.1", format!("{host}X: a\r\n b\r\n")),
        ("GET /app HTTP/1.1", format!("{host}X: a\rb\r\n")),
        ("GET /app HTTP/1.1", format!("{host}X: a\0b\r\n")),
        ("CONNECT /app HTTP/1.1", host.to_owned()),
        ("POST /app HTTP/1.1", format!("{host}Content-Length: 1\r\nContent-Length: 2\r\n")),
        ("POST /app HTTP/1.1", format!("{host}Content-Length: +2\r\n")),
        ("POST /app HTTP/1.1", format!("{host}Content-Length: 2, 2\r\n")),
        ("POST /app HTTP/1.1", format!("{host}Transfer-Encoding: chunked, gzip\r\n")),
        ("POST /app HTTP/1.1", format!("{host}Transfer-Encoding: gzip, chunked\r\n")),
        ("POST /app HTTP/1.1", format!("{host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        ("POST /app HTTP/1.0", format!("{host}Transfer-Encoding: chunked\r\n")),
    ] {
        let mut visitor = tunnel.server.visit().await;
        visitor.send(format!("{line}\r\n{headers}\r\n")).await;
        let head = visitor.head().await;
        assert_eq!((head.status(), head.value("connection")), ("400", Some("close")), "{line} {headers}");
        // A reset, where something was sent that nobody has read.
        visitor.rest().await;
    }
    let mut visitor = tunnel.server.visit().await;
    visitor.send("GET /app/well HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert_eq!(target.accept().await.head().await.start, "GET /app/well HTTP/1.1", "the first that reaches the target");
}

#[tokio::test]
async fn a_target_that_is_down_is_waited_for() {
    let (port, url) = refusing();
    let tunnel = Tunnel::to(&url).await;
    let refused = tunnel.server.get("/app", "").await;
    check(&refused, "502", "target-refused", UNREACHABLE);
    assert!(!refused.1.contains("127.0.0.1"), "a visitor does not learn the target's address");
    let mut client = tunnel.client;
    let said = client.program.printed(|output| output.stderr.contains("not reached")).await.stderr;
    let sentence = format!(", not reached: nothing listens at `{url}`; is the service running?\n");
    let line = said.split_inclusive('\n').find(|line| line.ends_with(&sentence));
    assert!(line.is_some_and(|line| line.contains(" #1 GET /app - ")), "{said}");
    assert_eq!(said.matches("nothing listens").count(), 1, "it is told once: {said}");

    // It comes up while the next visitor waits.
    let mut visitor = tunnel.server.visit().await;
    visitor.send("GET /app/late HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert!(visitor.is_silent(std::time::Duration::from_millis(500)).await);
    Target::listen(port).echo_paths();
    assert_eq!(visitor.head().await.status(), "200");
    visitor.expect("/app/late").await;
}

/// A port that refuses, and its URL.
fn refusing() -> (tokio::net::TcpSocket, String) {
    let socket = down();
    let url = format!("http://{}", socket.local_addr().expect("it is bound"));
    (socket, url)
}

/// A target may close a connection just when the next request goes into it. What only asks is asked again; what may
/// have had an effect never goes where that could happen.
#[tokio::test]
async fn a_connection_that_the_target_has_closed() {
    let target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let seconds = target.echo_one_path_each();
    let mut visitor = tunnel.server.visit().await;
    for n in 0..50 {
        visitor.send(format!("GET /app/{n} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
        assert_eq!(visitor.head().await.status(), "200");
        visitor.expect(format!("/app/{n}")).await;
    }
    assert!(seconds.load(Ordering::Relaxed) > 0, "no connection was used again");
    let before = seconds.load(Ordering::Relaxed);
    for n in 0..50 {
        // Between them, for a connection to be kept that they could go into.
        for request in ["GET", "POST"] {
            visitor.send(format!("{request} /app/{n} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n")).await;
            assert_eq!(visitor.head().await.status(), "200", "{request} {n}");
            visitor.expect(format!("/app/{n}")).await;
        }
    }
    assert!(seconds.load(Ordering::Relaxed) <= before + 50, "only those that may be repeated were");
}

#[tokio::test]
async fn answers_that_are_no_http() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::to(&target.url()).await;
    // A fatal TLS alert, as TLS servers answer plain HTTP with.
    let alert = "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}";
    for (answer, sentence) in [
        ("", NO_HTTP),
        ("SSH-2.0-Any\r\n", NO_HTTP),
        ("garbage\r\n\r\n", NO_HTTP),
        ("HTTP/9.9 200 OK\r\n\r\n", NO_HTTP),
        ("HTTP/1.1 200 OK\r\nContent-Len", NO_HTTP),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", NO_HTTP),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", NO_HTTP),
        (alert, TLS),
    ] {
        let answered = async {
            let mut service = target.accept().await;
            service.head().await;
            service.send(answer).await;
            service.finish().await;
            service
        };
        let (seen, _service) = tokio::join!(tunnel.server.get("/app", ""), answered);
        check(&seen, "502", "target-bad-response", sentence);
    }
    let sentence = "a visitor did not reach the destination: the destination speaks TLS; give it as `https://`\n";
    tunnel.client.program.printed(|output| output.stderr.split_inclusive('\n').any(|line| line == sentence)).await;
}

#[tokio::test]
async fn a_cut_is_never_an_end() {
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    for version in ["1.1", "1.0"] {
        for (framing, ends_by_close) in [
            ("Content-Length: 9\r\n\r\nhalf", false),
            ("Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false),
            ("Transfer-Encoding: chunked\r\n\r\n9\r\nhalf", false),
            ("Connection: close\r\n\r\nhalf", true),
        ] {
            for cut in [true, false] {
                let mut visitor = tunnel.server.visit().await;
                visitor.send(format!("GET /app HTTP/{version}\r\nHost: a.example\r\n\r\n")).await;
                let mut service = target.accept().await;
                service.head().await;
                service.send(format!("HTTP/1.1 200 OK\r\n{framing}")).await;
                visitor.until("half").await;
                if cut {
                    service.cut();
                } else {
                    drop(service);
                }
                if ends_by_close && !cut && version == "1.1" {
                    visitor.expect("\r\n0\r\n\r\n").await;
                } else {
                    let (rest, end) = visitor.rest().await;
                    let expected = if ends_by_close && !cut { End::Closed } else { End::Reset };
                    assert_eq!(end, expected, "HTTP/{version}, {framing:?}, cut: {cut}");
                    assert!(!rest.contains("0\r\n"), "{rest:?}");
                }
            }
        }
    }
}

/// A target that speaks TLS with a certificate that nobody vouches for.
fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("they exist").with_no_client_auth();
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key).expect("they fit")))
}

#[tokio::test]
async fn targets_that_speak_tls() {
    let acceptor = acceptor();
    let mut target = Target::start();
    let url = target.url().replace("http:", "https:");
    let server = Server::start(&[]).await;

    let _insecure = Client::start(&server.url("/app"), &url, &["--target-insecure"]).await;
    let answered = async {
        let stream = target.accept().await.into_stream();
        let mut service = Peer::new(acceptor.accept(stream).await.expect("the client takes it"));
        assert_eq!(service.head().await.start, "GET /app/x HTTP/1.1");
        service.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret").await;
        service
    };
    let ((head, body), _service) = tokio::join!(server.get("/app/x", ""), answered);
    assert_eq!((head.status(), &*body), ("200", "secret"));

    let mut verifying = Client::start(&server.url("/strict"), &url, &[]).await;
    let refused = async { acceptor.accept(target.accept().await.into_stream()).await.is_err() };
    let (seen, refused) = tokio::join!(server.get("/strict", ""), refused);
    assert!(refused, "the client does not take a certificate that nobody vouches for");
    check(&seen, "502", "target-refused", UNREACHABLE);
    let sentence = format!("TLS with `{url}` failed: its certificate is not trusted (");
    let said = verifying.program.printed(|output| output.stderr.contains(&sentence)).await;
    assert!(said.stderr.contains("); `--target-insecure` takes any\n"), "{}", said.stderr);

    // Plain HTTP where TLS was said.
    let plain = Target::start();
    let url = plain.url().replace("http:", "https:");
    let mut client = Client::start(&server.url("/plain"), &url, &[]).await;
    plain.refuse_tls();
    check(&server.get("/plain", "").await, "502", "target-refused", UNREACHABLE);
    let sentence = format!("TLS with `{url}` failed: it does not speak TLS; give it as `http://`\n");
    client.program.printed(|output| output.stderr.contains(&sentence)).await;
}

/// Each is read for nothing, and there is no end of them.
#[tokio::test]
async fn answers_before_the_one_that_counts() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    for (hints, status) in [(100, "200"), (101, "502")] {
        let answering = async {
            let mut peer = target.accept().await;
            peer.head().await;
            peer.send(hint.repeat(hints)).await;
            if status == "200" {
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
            }
            peer
        };
        let (seen, _peer) = tokio::join!(tunnel.server.get("/app", ""), answering);
        assert_eq!(seen.0.status(), status);
        if status == "502" {
            check(&seen, "502", "target-bad-response", NO_HTTP);
        }
    }
}
