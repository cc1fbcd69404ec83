//! Who is answered and who is not, each rule by a request over a real socket.

use super::*;

/// What every answer says, in lower case.
const ALWAYS: [&str; 6] = [
    "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n",
    "x-content-type-options: nosniff\r\n",
    "referrer-policy: no-referrer\r\n",
    "cross-origin-resource-policy: same-origin\r\n",
    "cross-origin-opener-policy: same-origin\r\n",
    "cache-control: no-store\r\n",
];

#[track_caller]
fn check(answered: &Answered, status: u16, about: &str) {
    assert_eq!(answered.status, status, "{about}: {}", answered.head);
    for line in ALWAYS {
        assert!(answered.head.contains(line), "{about}: {line} {}", answered.head);
    }
    assert!(!answered.head.contains("access-control-"), "{about}: {}", answered.head);
}

#[tokio::test]
async fn only_this_place_by_its_address() {
    let place = Place::alone().await;
    let port = place.addr.port();
    for (host, status) in [
        (format!("Host: 127.0.0.1:{port}\r\n"), 200),
        (format!("Host: localhost:{port}\r\n"), 200),
        (format!("Host: [::1]:{port}\r\n"), 200),
        // A name of a stranger's that leads here.
        (format!("Host: rebound.example:{port}\r\n"), 403),
        (format!("Host: localhost.rebound.example:{port}\r\n"), 403),
        (format!("Host: 127.0.0.1:{port}.rebound.example\r\n"), 403),
        ("Host: 127.0.0.1\r\n".to_owned(), 403),
        ("Host: \r\n".to_owned(), 403),
        (String::new(), 403),
    ] {
        check(&place.send_to(&host, "GET /api/status", "", b"").await, status, &host);
    }
    let absolute = format!("GET http://rebound.example:{port}/api/status");
    check(&place.send(&absolute, "", b"").await, 403, &absolute);
}

#[tokio::test]
async fn no_page_of_another_origin() {
    let place = Place::alone().await;
    let own = format!("Origin: http://{}\r\n", place.addr);
    for (headers, status) in [
        (own.as_str(), 200),
        ("Origin: http://evil.example\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Origin: http://localhost:1\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        ("Sec-Fetch-Site: none\r\n", 200),
        ("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n", 403),
    ] {
        for path in ["/api/requests", "/api/events", "/api/openapi.json", "/page/main.js"] {
            if status == 200 && path == "/api/events" {
                continue;
            }
            check(&place.send(&format!("GET {path}"), headers, b"").await, status, headers);
        }
    }
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    check(&place.send("GET /", link, b"").await, 200, link);
    let frame = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n";
    check(&place.send("GET /", frame, b"").await, 403, frame);
}

#[tokio::test]
async fn no_preflight_and_no_other_protocol() {
    let place = Place::alone().await;
    let preflight = "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n\
                     Access-Control-Request-Headers: sendit-token\r\n";
    check(&place.send("OPTIONS /api/requests/1/replay", preflight, b"").await, 403, "a preflight");
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for origin in ["", "Origin: http://evil.example\r\n"] {
        let answered = place.send("GET /api/events", &format!("{origin}{upgrade}"), b"").await;
        check(&answered, 403, "a WebSocket");
    }
}

#[tokio::test]
async fn nothing_changes_without_the_token() {
    let place = Place::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    place.passed("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let right = format!("Sendit-Token: {}\r\n", place.token.as_str());
    for (first, body) in [
        ("POST /api/requests/1/replay", &b""[..]),
        ("POST /api/requests/http", br#"{"id":"1"}"#),
        ("DELETE /api/requests", b""),
        ("DELETE /api/requests/http", b""),
    ] {
        for wrong in ["", "Sendit-Token: \r\n", "Sendit-Token: 00000000000000000000000000000000\r\n"] {
            check(&place.send(first, wrong, body).await, 403, first);
        }
        let foreign = format!("{right}Origin: http://evil.example\r\n");
        check(&place.send(first, &foreign, body).await, 403, first);
        assert_eq!(place.inspector.store().totals().kept, 1, "{first}");
    }
    assert!(place.reached.lock().unwrap().is_empty());
    check(&place.send("DELETE /api/requests", &right, b"").await, 204, "the token");
    assert_eq!(place.inspector.store().totals().kept, 0);
}

#[tokio::test]
async fn other_methods_and_paths_mean_nothing() {
    let place = Place::alone().await;
    let token = format!("Sendit-Token: {}\r\n", place.token.as_str());
    for (first, allowed) in [
        ("PUT /api/requests", "allow: get,head,delete\r\n"),
        ("POST /api/status", "allow: get,head\r\n"),
        ("DELETE /api/requests/1/replay", "allow: post\r\n"),
        ("OPTIONS /", "allow: get,head\r\n"),
    ] {
        let answered = place.send(first, &token, b"").await;
        check(&answered, 405, first);
        assert!(answered.head.contains(allowed), "{first}: {}", answered.head);
        assert!(answered.error().starts_with("that method means nothing here"));
    }
    for path in ["/api", "/api/", "/page/", "/page/../mod.rs", "/page/%2e%2e%2fmod.rs", "/favicon.ico", "//"] {
        check(&place.get(path).await, 404, path);
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let place = Place::alone().await;
    let answered = place.send("GET /api/status", &format!("X: {}\r\n", "x".repeat(70_000)), b"").await;
    assert_eq!(answered.status, 431, "{}", answered.head);
}
