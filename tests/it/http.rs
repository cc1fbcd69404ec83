//! One exchange at a time: which bytes reach the target, and which come back.

use std::time::Duration;

use crate::bench::{Bench, Exchange, OK, OK_BACK};
use crate::target::Target;
use crate::tunnel::Tunnel;

#[tokio::test]
async fn paths_and_methods_are_untouched() {
    let mut bench = Bench::new().await;
    for path in [
        "/app",
        "/app/",
        "/app//a///b",
        "/app/a/../b/./c/%2e%2e/",
        "/app/a%2Fb%2fc%00%0d%0a%C3%A9",
        "/app/a+b;c=d,e:@!$&'()*~",
        "/app/?a=1&a=2&&b=%20+%2B",
        "/app?x=?y?z=/../",
        "/app/?",
        "/app/{a}|\"b\"",
    ] {
        bench.unchanged(&format!("GET {path} HTTP/1.1")).await;
    }
    for method in ["OPTIONS", "DELETE", "PROPFIND", "TRACE"] {
        bench.unchanged(&format!("{method} /app/x HTTP/1.1")).await;
    }
    bench
        .check(Exchange {
            // Which goes before the header.
            request: "GET http://a.example/app/absolute?x HTTP/1.1\nHost: b.example",
            passed_on: "GET /app/absolute?x HTTP/1.1\nhost: a.example",
            answer: OK,
            brought_back: OK_BACK,
        })
        .await;
}

#[tokio::test]
async fn bodies_keep_their_framing() {
    let mut bench = Bench::new().await;
    let no_body = "GET /app/x HTTP/1.1\nHost: a.example";
    let no_body_on = "GET /app/x HTTP/1.1\nhost: a.example";
    for [answer, brought_back] in [
        [
            "HTTP/1.1 200 Fine\nContent-Length: 5\nDate: then\n\nhello",
            "HTTP/1.1 200 Fine\ncontent-length: 5\ndate: then\n\nhello",
        ],
        [
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n",
        ],
        ["HTTP/1.1 200 OK\n\nhello", "HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n"],
        ["HTTP/1.0 200 OK\n\nhello", "HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n"],
        ["HTTP/1.1 204 No Content", "HTTP/1.1 204 No Content"],
        ["HTTP/1.1 304 Not Modified\nETag: \"x\"", "HTTP/1.1 304 Not Modified\netag: \"x\""],
        [
            "HTTP/1.1 503 Service Unavailable\nContent-Length: 4\n\nmine",
            "HTTP/1.1 503 Service Unavailable\ncontent-length: 4\n\nmine",
        ],
        [
            "HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 4\n\nnone",
            "HTTP/1.1 200 OK\ncontent-encoding: gzip\ncontent-length: 4\n\nnone",
        ],
    ] {
        bench.check(Exchange { request: no_body, passed_on: no_body_on, answer, brought_back }).await;
    }
    for [answer, brought_back] in [
        ["HTTP/1.1 200 OK\nContent-Length: 5", "HTTP/1.1 200 OK\ncontent-length: 5"],
        ["HTTP/1.1 200 OK\nContent-Length: 0", "HTTP/1.1 200 OK\ncontent-length: 0"],
        // How long the answer to a GET would be is not known, and that is not 0.
        ["HTTP/1.1 200 OK", "HTTP/1.1 200 OK"],
    ] {
        let request = "HEAD /app/x HTTP/1.1\nHost: a.example";
        let passed_on = "HEAD /app/x HTTP/1.1\nhost: a.example";
        bench.check(Exchange { request, passed_on, answer, brought_back }).await;
    }
    for [request, passed_on] in [
        [
            "POST /app HTTP/1.1\nHost: a.example\nContent-Length: 5\n\nhello",
            "POST /app HTTP/1.1\nhost: a.example\ncontent-length: 5\n\nhello",
        ],
        [
            "POST /app HTTP/1.1\nHost: a.example\nContent-Length: 0",
            "POST /app HTTP/1.1\nhost: a.example\ncontent-length: 0",
        ],
        [
            "PUT /app HTTP/1.1\nHost: a.example\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n",
            "PUT /app HTTP/1.1\nhost: a.example\ntransfer-encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n",
        ],
        [
            "DELETE /app HTTP/1.1\nHost: a.example\nContent-Length: 2\nContent-Encoding: gzip\n\nno",
            "DELETE /app HTTP/1.1\nhost: a.example\ncontent-length: 2\ncontent-encoding: gzip\n\nno",
        ],
        [
            "GET /app HTTP/1.1\nHost: a.example\nContent-Length: 2\n\nok",
            "GET /app HTTP/1.1\nhost: a.example\ncontent-length: 2\n\nok",
        ],
    ] {
        bench.check(Exchange { request, passed_on, answer: OK, brought_back: OK_BACK }).await;
    }
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let chunked = "Transfer-Encoding: chunked\nTrailer: Sum";
    let body = "5\r\nhello\r\n0\r\nsum: 1\r\n\r\n";
    let lower = "transfer-encoding: chunked\ntrailer: Sum";
    Bench::new()
        .await
        .check(Exchange {
            request: &format!("POST /app HTTP/1.1\nHost: a.example\nTE: trailers\n{chunked}\n\n{body}"),
            passed_on: &format!("POST /app HTTP/1.1\nhost: a.example\nte: trailers\n{lower}\n\n{body}"),
            answer: &format!("HTTP/1.1 200 OK\n{chunked}\n\n{body}"),
            brought_back: &format!("HTTP/1.1 200 OK\n{lower}\n\n{body}"),
        })
        .await;
}

#[tokio::test]
async fn headers_end_or_go_on_at_the_hop() {
    let mut bench = Bench::new().await;
    let get = |headers: &str| format!("GET /app HTTP/1.1\nHost: a.example\n{headers}");
    for [sent, passed_on] in [
        ["A: 1\nB: 2\nA: 3\nA:\nCookie: a=b\nCookie: c=d", "A: 1\nA: 3\nA:\nB: 2\nCookie: a=b\nCookie: c=d"],
        ["User-Agent:", "User-Agent:"],
        ["Accept-Encoding: br, gzip;q=0", "Accept-Encoding: br, gzip;q=0"],
        ["Authorization: Basic eDp5", "Authorization: Basic eDp5"],
        ["Connection: X-One, x-two\nConnection: X-Three\nX-One: 1\nX-Two: 2\nX-Three: 3\nX-Four: 4", "X-Four: 4"],
        ["Keep-Alive: 5\nProxy-Connection: x\nProxy-Authorization: x\nUpgrade: h2c\nTE: gzip", "Z: z"],
        ["Connection: host", "Z: z"],
        ["Sendit-Fault-Key: x\nSendit-Error: x", "Sendit-Fault-Key: x\nSendit-Error: x"],
        ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.1, 127.0.0.1\nX-Real-Ip: 192.0.2.1"],
        [
            "X-Forwarded-For: x\nX-Forwarded-For: 192.0.2.1",
            "X-Forwarded-For: x, 192.0.2.1, 127.0.0.1\nX-Real-Ip: 192.0.2.1",
        ],
        ["X-Forwarded-Proto: https", "X-Forwarded-Proto: https\nX-Forwarded-Port: 443"],
        ["X-Forwarded-Host: b.example", "X-Forwarded-Host: b.example"],
        ["X-Forwarded-Port: 81\nX-Real-Ip: 192.0.2.1", "X-Forwarded-Port: 81\nX-Real-Ip: 192.0.2.1"],
        ["Forwarded: for=192.0.2.1", "Forwarded: for=192.0.2.1, for=127.0.0.1"],
        ["X-Forwarded-Prefix: /x\nX-Forwarded-Other: y", "X-Forwarded-Prefix: /x\nX-Forwarded-Other: y"],
        ["Proxy: http://evil.example\nX_Forwarded_For: 9.9.9.9\nX_Real-Ip: 9.9.9.9", "Z: z"],
    ] {
        let (sent, passed_on) = (format!("{sent}\nZ: z"), format!("{passed_on}\nZ: z").replace("Z: z\nZ: z", "Z: z"));
        let exchange =
            Exchange { request: &get(&sent), passed_on: &get(&passed_on), answer: OK, brought_back: OK_BACK };
        bench.check(exchange).await;
    }
    for [sent, back] in [
        ["Set-Cookie: a=b\nX: 1\nSet-Cookie: c=d", "set-cookie: a=b\nset-cookie: c=d\nx: 1"],
        ["Connection: X-One\nConnection: keep-alive, x-two\nX-One: 1\nX-Two: 2\nKeep-Alive: 9\nX: 1", "x: 1"],
        ["Proxy-Authenticate: Basic\nUpgrade: h2c\nConnection: upgrade\nX: 1", "x: 1"],
        ["Sendit-Error: unknown-prefix\nSendit-Fault-Key: x\nX: 1", "x: 1"],
        ["X-Forwarded-For: 1\nServer: s\nVia: v\nLocation: http://b.example/..//", ""],
    ] {
        let back = if back.is_empty() { sent } else { back };
        let answer = format!("HTTP/1.1 200 OK\n{sent}\nContent-Length: 2\n\nok");
        let brought_back = format!("HTTP/1.1 200 OK\n{back}\ncontent-length: 2\n\nok");
        let exchange = Exchange {
            request: "GET /app HTTP/1.1\nHost: a.example",
            passed_on: "GET /app HTTP/1.1\nhost: a.example",
            answer: &answer,
            brought_back: &brought_back,
        };
        bench.check(exchange).await;
    }
}

#[tokio::test]
async fn visitors_may_speak_http_1_0() {
    let mut bench = Bench::new().await;
    let host = "HTTP/1.1\nHost: a.example";
    for (answer, brought_back) in [
        (OK, "HTTP/1.0 200 OK\ncontent-length: 2\n\nok"),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.0 200 OK\n\nok"),
        ("HTTP/1.1 200 OK\n\nok", "HTTP/1.0 200 OK\n\nok"),
    ] {
        let request = "GET /app HTTP/1.0\nHost: a.example";
        bench.check(Exchange { request, passed_on: &format!("GET /app {host}"), answer, brought_back }).await;
        let (request, passed_on) = (
            "POST /app HTTP/1.0\nContent-Length: 2\n\nhi",
            "POST /app HTTP/1.1\nhost: localhost\nx-forwarded-host: localhost\ncontent-length: 2\n\nhi",
        );
        bench.check(Exchange { request, passed_on, answer, brought_back }).await;
    }
}

/// A visitor that asks first sends its body only once the target wants it, and a target that does not is heard. One
/// that says nothing gets the body all the same.
#[tokio::test]
async fn a_body_waits_for_100_continue() {
    let mut bench = Bench::new().await;
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno";
    for (said, heard) in [(go_on, "100"), (refusal, "417"), ("", "100")] {
        let mut visitor = bench.tunnel.server.visit().await;
        let head = "POST /app HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
        visitor.send(head).await;
        let mut target = bench.target.accept().await;
        assert_eq!(target.head().await.value("expect"), Some("100-continue"));
        assert!(visitor.is_silent(Duration::from_millis(300)).await, "the target has not spoken yet");
        target.send(said).await;
        assert_eq!(visitor.head().await.status(), heard);
        if heard == "100" {
            visitor.send("hello").await;
            target.expect("hello").await;
            target.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            assert_eq!(visitor.head().await.status(), "200");
            target.finish().await;
            assert_eq!(target.rest().await.0, "");
        } else {
            visitor.expect("no").await;
            drop(visitor);
            assert_eq!(target.rest().await.0, "", "no byte of a body that nobody sent");
        }
    }
}

#[tokio::test]
async fn connections_serve_one_exchange_after_another() {
    let target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    target.echo_paths();
    let mut visitor = tunnel.server.visit().await;
    // Pipelined: all are sent before the first answer.
    let requests: Vec<String> = (0..50).map(|n| format!("GET /app/{n} HTTP/1.1\r\nHost: a.example\r\n\r\n")).collect();
    visitor.send(requests.concat()).await;
    for n in 0..50 {
        assert_eq!(visitor.head().await.status(), "200");
        visitor.expect(format!("/app/{n}")).await;
    }
}
