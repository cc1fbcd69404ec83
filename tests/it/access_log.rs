//! The line in the log that each exchange has, whatever becomes of it, and what never stands in one.

use serde_json::{Value, json};

use crate::peer::Head;
use crate::target::{Target, down};
use crate::tunnel::{Client, Server, Tunnel};

const JSON: [&str; 2] = ["--log-format", "json"];

/// The line of the exchange at `path`, once it is there, without what differs from run to run.
async fn line(server: &mut Server, path: &str) -> Value {
    lines(server, 1, |line| line["path"] == path).await.remove(0)
}

/// So many lines of exchanges that `wanted` picks.
async fn lines(server: &mut Server, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let found = |log: &str| {
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: `{line}`")));
        lines.filter(|line: &Value| line["message"] == "exchange" && wanted(line)).collect::<Vec<_>>()
    };
    let log = server.program.printed(|output| found(&output.stderr).len() >= count).await.stderr;
    let mut lines = found(&log);
    assert_eq!(lines.len(), count, "{log}");
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        assert!(line.remove("timestamp").is_some_and(|time| time.as_str().is_some_and(|time| time.ends_with('Z'))));
        assert_eq!(line.remove("level").unwrap(), "INFO");
        assert_eq!(line.remove("target").unwrap(), "sendit::access");
        assert_eq!(line.remove("message").unwrap(), "exchange");
        assert!(line.remove("ms").is_none_or(|ms| ms.as_f64().is_some_and(|ms| ms >= 0.0)));
        if let Some(session) = line.remove("session") {
            let is_id = |line: &str| line.contains("session opened") && line.contains(session.as_str().unwrap());
            assert!(log.lines().any(is_id), "{session} is no session of {log}");
        }
    }
    lines
}

/// The whole of it: bodies both ways, and the time until the last byte.
#[tokio::test]
async fn an_exchange_has_one_line_when_it_is_over() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::with(&target.url(), &JSON, &[]).await;
    let mut visitor = tunnel.server.visit().await;
    visitor.send("POST /app/x?token=hunter2 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    visitor.send("5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n").await;
    let mut service = target.accept().await;
    service.until("0\r\n\r\n").await;
    service.send("HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\nhello").await;
    visitor.until("hello").await;
    assert!(!tunnel.server.program.output().stderr.contains("sendit::access"), "it is not over");
    service.send(" there").await;
    visitor.until(" there").await;
    let seen = line(&mut tunnel.server, "/app/x").await;
    assert_eq!(
        seen,
        json!({ "from": "127.0.0.1", "method": "POST", "path": "/app/x", "status": 201, "up": 8, "down": 11, "prefix": "app" })
    );
    assert!(!tunnel.server.program.output().stderr.contains("hunter2"));
}

#[tokio::test]
async fn an_upgrade_has_its_line_when_it_is_over() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::with(&target.url(), &JSON, &[]).await;
    for (path, cut) in [("/app/whole", false), ("/app/cut", true)] {
        let mut visitor = tunnel.server.visit().await;
        let upgrade = "Connection: Upgrade\r\nUpgrade: own\r\n\r\n";
        visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n{upgrade}")).await;
        let mut service = target.accept().await;
        service.head().await;
        service.send(format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}hello")).await;
        visitor.head().await;
        visitor.expect("hello").await;
        visitor.send("up").await;
        service.expect("up").await;
        assert!(!tunnel.server.program.output().stderr.contains(path), "it is not over");
        if cut {
            service.cut();
            visitor.rest().await;
        } else {
            visitor.finish().await;
            service.rest().await;
            drop(service);
            visitor.rest().await;
        }
        let mut expected = json!({ "from": "127.0.0.1", "method": "GET", "path": path, "status": 101, "up": 2, "down": 5, "prefix": "app" });
        if cut {
            expected["cut"] = true.into();
        }
        assert_eq!(line(&mut tunnel.server, path).await, expected);
    }
}

/// An answer that was cut, by the target or by a visitor who leaves, and no answer at all.
#[tokio::test]
async fn what_did_not_come_to_its_end_says_so() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::with(&target.url(), &JSON, &[]).await;
    for path in ["/app/cut", "/app/left", "/app/unanswered"] {
        let mut visitor = tunnel.server.visit().await;
        visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
        let mut service = target.accept().await;
        service.head().await;
        let mut expected = json!({ "from": "127.0.0.1", "method": "GET", "path": path, "up": 0, "down": 0, "prefix": "app", "cut": true });
        if path != "/app/unanswered" {
            service.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
            visitor.until("half").await;
            expected["status"] = 200.into();
            expected["down"] = 4.into();
        }
        if path == "/app/cut" {
            service.cut();
            visitor.rest().await;
        } else {
            visitor.cut();
            service.rest().await;
        }
        assert_eq!(line(&mut tunnel.server, path).await, expected);
    }
}

/// A row of the table of failures: what the visitor is told, and what the operator is.
#[track_caller]
fn told(
    server: &mut Server,
    path: &str,
    (head, body): (Head, String),
    status: u16,
    code: &str,
    sentence: &str,
) -> impl Future<Output = ()> {
    assert_eq!((head.status(), head.value("sendit-error")), (&*status.to_string(), Some(code)), "{body}");
    assert_eq!(body, format!("{sentence}\n"));
    assert_eq!(head.value("retry-after").is_some(), status == 503);
    let from = if path == "/app/unknown" { "192.0.2.7" } else { "127.0.0.1" };
    let mut expected = json!({ "from": from, "status": status, "error": code });
    if code != "bad-request" {
        expected["method"] = "GET".into();
        expected["path"] = path.into();
        expected["up"] = 0.into();
        expected["down"] = body.len().into();
    }
    if !matches!(code, "bad-request" | "unknown-prefix") {
        expected["prefix"] = "app".into();
    }
    let wanted = expected.clone();
    let caller = std::panic::Location::caller();
    async move {
        let seen = lines(server, 1, |line| line["path"] == wanted["path"] && line["status"] == status).await;
        assert_eq!(seen, [expected], "{caller}");
    }
}

#[tokio::test]
async fn every_failure_has_its_line() {
    let mut target = Target::start();
    let flags = [&JSON[..], &["--target-timeout", "500ms", "--max-exchanges", "1", "--grace", "1m"]].concat();
    let Tunnel { mut server, mut client } = Tunnel::with(&target.url(), &flags, &["--hold", "1s"]).await;

    let answer = server.get("/nobody", "").await;
    told(&mut server, "/nobody", answer, 404, "unknown-prefix", "no tunnel is open at this address").await;

    let (answer, mut service) = tokio::join!(server.get("/app/late", ""), target.accept());
    let sentence = "the service behind this tunnel did not answer in time";
    told(&mut server, "/app/late", answer, 504, "target-timeout", sentence).await;
    service.rest().await;

    for (path, garbage, sentence) in [
        ("/app/garbage", "SSH-2.0-Any\r\n", "the service behind this tunnel gave no valid HTTP answer"),
        (
            "/app/tls",
            "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}",
            "the service behind this tunnel speaks TLS where plain HTTP was expected; its tunnel should be given an `https://` destination",
        ),
    ] {
        let answering = async {
            let mut service = target.accept().await;
            service.head().await;
            service.send(garbage).await;
            service.finish().await;
            service
        };
        let (answer, _service) = tokio::join!(server.get(path, ""), answering);
        told(&mut server, path, answer, 502, "target-bad-response", sentence).await;
    }

    for (head, status, sentence) in [
        ("GET /app HTTP/1.1\r\nX : a\r\n\r\n".to_owned(), 400, "this request cannot be passed on"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)), 414, "the address of this request is too long"),
        (format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(70_000)), 431, "the head of this request is too large"),
    ] {
        let mut visitor = server.visit().await;
        visitor.try_send(head).await;
        let answer = (visitor.head().await, visitor.rest().await.0);
        told(&mut server, "", answer, status, "bad-request", sentence).await;
    }

    let mut visitor = server.visit().await;
    visitor.send("GET /app/one HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let mut service = target.accept().await;
    service.head().await;
    let answer = server.get("/app/one-too-many", "").await;
    told(&mut server, "/app/one-too-many", answer, 503, "limit", "the server is busy; try again shortly").await;
    drop((visitor, service));
    line(&mut server, "/app/one").await;

    client.program.kill().await;
    let answer = server.get("/app/away", "").await;
    let sentence = "the tunnel's client is not connected; try again shortly";
    told(&mut server, "/app/away", answer, 503, "client-offline", sentence).await;
}

/// One of two who only listened for an answer had to leave its place.
#[tokio::test]
async fn who_makes_room_has_its_line() {
    let mut target = Target::start();
    let flags = [&JSON[..], &["--max-exchanges-per-session", "2"]].concat();
    let Tunnel { mut server, client: _client } = Tunnel::with(&target.url(), &flags, &[]).await;
    let mut listeners = Vec::new();
    for _ in 0..2 {
        let mut visitor = server.visit().await;
        visitor.send("GET /app/listens HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
        visitor.finish().await;
        let mut service = target.accept().await;
        service.head().await;
        listeners.push((visitor, service));
    }
    let mut newcomer = server.visit().await;
    newcomer.send("GET /app/comes HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    let _comes = target.accept().await;
    let [(one, _one), (other, _other)] = &mut listeners[..] else { unreachable!("there are two") };
    let answer = tokio::select! {
        head = one.head() => (head, one.rest().await.0),
        head = other.head() => (head, other.rest().await.0),
    };
    let sentence =
        "the server is busy, and the service behind this tunnel has not answered so far; it may have got the request";
    told(&mut server, "/app/listens", answer, 504, "limit", sentence).await;
}

#[tokio::test]
async fn a_target_that_refuses_a_client_that_is_lost_and_visitors_who_are_not_let_in() {
    let socket = down();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let mut server = Server::start(&JSON).await;
    let client = Client::start(&server.url("/app"), &url, &["--hold", "100ms"]).await;
    let answer = server.get("/app/refused", "").await;
    let sentence = "the service behind this tunnel cannot be reached";
    told(&mut server, "/app/refused", answer, 502, "target-refused", sentence).await;
    drop(client);

    let mut target = Target::start();
    let Tunnel { mut server, mut client } = Tunnel::with(&target.url(), &JSON, &["--wire", "v1"]).await;
    let lost = async {
        let mut service = target.accept().await;
        service.head().await;
        client.program.kill().await;
        service
    };
    let (answer, _service) = tokio::join!(server.get("/app/lost", ""), lost);
    let sentence = "the tunnel's client was lost before it answered";
    told(&mut server, "/app/lost", answer, 502, "client-offline", sentence).await;

    let flags = ["--basic-auth", "u:hidden", "--allow-ip", "192.0.2.0/24"];
    let Tunnel { mut server, client: _client } = Tunnel::with(&target.url(), &JSON, &flags).await;
    let answer = server.get("/app/elsewhere", "").await;
    let sentence = "this tunnel cannot be reached from your address";
    told(&mut server, "/app/elsewhere", answer, 403, "forbidden", sentence).await;
    let wrong = "X-Forwarded-For: 192.0.2.7\r\nAuthorization: Basic dTp3cm9uZw==\r\nCookie: c=crumbs\r\n";
    let answer = server.get("/app/unknown", wrong).await;
    let sentence = "this tunnel asks for a user and a password";
    told(&mut server, "/app/unknown", answer, 401, "unauthorized", sentence).await;
    let log = server.program.output().stderr;
    assert!(["hidden", "dTp3cm9uZw", "wrong", "crumbs"].iter().all(|secret| !log.contains(secret)), "{log}");
}

/// It is the one that `Trusted` makes known, whose own tests have the rows.
#[tokio::test]
async fn a_line_says_from_where() {
    let said = |from: &str| format!("X-Forwarded-For: 198.51.100.1, {from}\r\n");
    for (proxies, said, from) in [
        ("127.0.0.0/8", said("203.0.113.9"), Some("203.0.113.9")),
        ("127.0.0.0/8", said("2001:db8::1"), Some("2001:db8::1")),
        ("127.0.0.0/8", said("::ffff:203.0.113.9"), Some("203.0.113.9")),
        ("127.0.0.0/8", said("unknown"), None),
        ("none", said("203.0.113.9"), Some("127.0.0.1")),
    ] {
        let flags = [&JSON[..], &["--trusted-proxy", proxies]].concat();
        let mut server = Server::start(&flags).await;
        server.get("/nobody", &said).await;
        let seen = line(&mut server, "/nobody").await;
        assert_eq!(seen.get("from").map(|from| from.as_str().unwrap()), from, "{proxies} {said}");
    }
    let mut server = Server::start(&["--log-format", "text"]).await;
    server.get("/nobody", &said("203.0.113.9")).await;
    server.program.printed(|output| output.stderr.contains(" exchange from=203.0.113.9 method=GET ")).await;
}

/// Nothing was read of who has no place, and there is a line all the same.
#[tokio::test]
async fn a_connection_that_is_refused_has_its_line() {
    let flags = [&JSON[..], &["--max-connections-per-address", "1", "--trusted-proxy", "none"]].concat();
    let mut server = Server::start(&flags).await;
    let _only = server.visit().await;
    let mut visitor = server.visit().await;
    assert_eq!(visitor.head().await.status(), "503");
    let seen = lines(&mut server, 1, |_| true).await;
    assert_eq!(seen, [json!({ "from": "127.0.0.1", "status": 503, "error": "limit" })]);
}

/// What strangers choose cannot break a line, reach a terminal, or fill a disk.
#[tokio::test]
async fn strangers_words_are_harmless() {
    for format in ["text", "json"] {
        let mut server = Server::start(&["--log-format", format]).await;
        let long = format!("/{}", "y".repeat(60_000));
        for path in ["/%1b%0a%0d\"status=200", "/a\\b", "/\u{e9}\u{202e}\u{85}", &long] {
            server.get(path, "").await;
        }
        let mut visitor = server.visit().await;
        visitor.send(format!("{} /method HTTP/1.1\r\nHost: a.example\r\n\r\n", "M".repeat(500))).await;
        visitor.head().await;
        let said = server.program.printed(|output| output.stderr.contains("/method")).await.stderr;
        assert!(said.bytes().all(|byte| byte == b'\n' || byte == b' ' || byte.is_ascii_graphic()), "{said}");
        assert!(said.contains(&format!("/{}...", "y".repeat(255))) && !said.contains(&"y".repeat(256)), "{said}");
        assert!(said.contains(&"M".repeat(32)) && !said.contains(&"M".repeat(33)), "{said}");
        assert!(said.contains("/%1b%0a%0d"), "a path stands as it was sent: {said}");
    }
}

#[tokio::test]
async fn queries_are_logged_where_that_is_asked_for_and_nothing_is_where_that_is() {
    for (how, logged) in [("path", Some("/app/x")), ("query", Some("/app/x?y=/z")), ("off", None)] {
        let target = Target::start();
        let flags = [&JSON[..], &["--access-log", how]].concat();
        let Tunnel { mut server, client } = Tunnel::with(&target.url(), &flags, &[]).await;
        target.echo_paths();
        server.get("/app/x?y=/z", "").await;
        if let Some(logged) = logged {
            line(&mut server, logged).await;
        } else {
            drop(client);
            server.get("/nobody", "").await;
            server.get("/a b", "").await;
            server.program.terminate().await;
            server.program.ended().await;
            assert!(!server.program.all().await.stderr.contains("sendit::access"));
        }
    }
}

/// Failures cost a visitor nothing; so they do not cost the log more than so many lines a second.
#[tokio::test]
async fn a_flood_of_failures_does_not_fill_the_log() {
    let mut server = Server::start(&JSON).await;
    let mut visitor = server.visit().await;
    for _ in 0..20 {
        visitor.send("GET /nobody HTTP/1.1\r\nHost: a.example\r\n\r\n".repeat(100)).await;
        for _ in 0..100 {
            let head = visitor.head().await;
            assert_eq!(head.status(), "404");
            visitor.expect("no tunnel is open at this address\n").await;
        }
    }
    server.program.terminate().await;
    assert_eq!(server.program.ended().await, Some(0));
    let log = server.program.all().await.stderr;
    let (mut lines, mut left_out) = (0, 0);
    for line in log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        lines += u64::from(line["message"] == "exchange");
        left_out += line["exchanges"].as_u64().unwrap_or_default();
    }
    println!("{lines} lines, {left_out} exchanges without");
    assert_eq!(lines + left_out, 2_000);
    assert!(left_out > 0, "2 000 of them in no more than 20 s");
}
