//! What is answered about what passed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;

const POSTED: &str = "POST /orders?a=1 HTTP/1.1\r\nHost: app.example\r\nContent-Type: application/json\r\n\
                      X-Forwarded-For: 192.0.2.7, 10.0.0.1\r\nContent-Length: 11\r\n\r\n{\"name\": 1}";
const CREATED: &str =
    "HTTP/1.1 201 Created\r\nContent-Type: text/html\r\nContent-Length: 25\r\n\r\n<script>alert(1)</script>";
const ASKED: &str = "GET /static/App.js HTTP/1.1\r\nHost: app.example\r\n\r\n";
const MISSING: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

async fn place() -> Place {
    let place = Place::alone().await;
    place.passed(POSTED, CREATED);
    place.passed(ASKED, MISSING);
    place
}

/// The numbers that a query lists.
async fn listed(place: &Place, query: &str) -> Vec<u64> {
    let list = place.get(&format!("/api/requests{query}")).await.json();
    list["exchanges"].as_array().unwrap().iter().map(|exchange| exchange["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn lists() {
    let place = place().await;
    let list = place.get("/api/requests").await.json();
    assert_eq!((&list["total"], &list["kept"], &list["evicted"]), (&json!(2), &json!(2), &json!(0)));
    let summary = &list["exchanges"][1];
    let duration = summary["duration_ms"].clone();
    assert!(duration.as_f64().is_some_and(|ms| ms >= 0.0), "{duration}");
    let expected = json!({
        "id": 1, "started": 1_800_000_000_000_u64, "method": "POST", "path": "/orders?a=1", "host": "app.example",
        "status": 201, "state": "done", "cause": null, "kind": "http", "duration_ms": duration, "request_bytes": 11,
        "response_bytes": 25, "held_ms": null, "resumed": false, "replay_of": null, "webhook": null,
    });
    assert_eq!(*summary, expected);
}

#[tokio::test]
async fn filters() {
    let place = place().await;
    for (query, expected) in [
        ("", &[2, 1][..]),
        ("?limit=1", &[2]),
        ("?limit=1&before=2", &[1]),
        ("?before=1", &[]),
        ("?method=post", &[1]),
        ("?status=404", &[2]),
        ("?status=2xx", &[1]),
        ("?status=5xx", &[]),
        ("?path=ORDERS", &[1]),
        ("?path=/static/*.js", &[2]),
        ("?text=ALERT(1)", &[1]),
        ("?text=not%20found", &[2]),
        ("?text=app.example", &[2, 1]),
        ("?text=app.example&method=GET", &[2]),
        ("?text=nowhere", &[]),
    ] {
        assert_eq!(listed(&place, query).await, expected, "{query}");
    }
    for query in ["?limit=0", "?limit=1001", "?before=x", "?status=ok"] {
        let answered = place.get(&format!("/api/requests{query}")).await;
        assert_eq!(answered.status, 400, "{query}");
        assert!(answered.error().contains("and not"), "{query}");
    }
}

#[tokio::test]
async fn a_text_is_found_in_what_is_compressed() {
    let place = Place::alone().await;
    let words = "H4sIAAAAAAACA6tWykjNyclXslIqzy/KSVHSgfAVEtMTM/OAohAeWE4BorIWAGAuLRUzAAAA";
    let body = STANDARD.decode(words).unwrap();
    assert!(!body.windows(5).any(|five| five == b"again"));
    let tap = place.inspector.connection(Duration::ZERO);
    tap.down(ASKED.as_bytes());
    tap.up(format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
    tap.up(&body);
    assert_eq!(listed(&place, "?text=AGAIN").await, [1]);
    assert!(listed(&place, "?text=nowhere").await.is_empty());
}

#[tokio::test]
async fn details() {
    let place = place().await;
    let detail = place.get("/api/requests/1").await.json();
    assert_eq!(detail["id"], 1);
    assert_eq!(detail["request"]["start_line"], "POST /orders?a=1 HTTP/1.1");
    assert_eq!(detail["request"]["headers"][1], json!(["Content-Type", "application/json"]));
    let body = json!({
        "size": 11, "kept": 11, "cut": false, "encoding": null, "decoded": false, "problem": null,
        "media_type": "application/json", "kind": "json", "text": "{\"name\": 1}",
    });
    assert_eq!(detail["request"]["body"], body);
    assert_eq!(detail["response"]["body"]["text"], "<script>alert(1)</script>");
    assert_eq!(detail["response"]["trailers"], json!([]));
    assert_eq!((&detail["said"], &detail["unkept"]), (&json!([]), &json!(0)));
    for part in ["asked_ms", "answered_ms", "ended_ms"] {
        assert!(detail["timing"][part].is_number(), "{part}");
    }
    for path in ["/api/requests/3", "/api/requests/0", "/api/requests/x", "/api/requests/18446744073709551616"] {
        let answered = place.get(path).await;
        assert_eq!(
            (answered.status, answered.error().as_str()),
            (404, "there is no such request here, or it is kept no more")
        );
    }
}

#[tokio::test]
async fn bodies_are_downloads() {
    let place = place().await;
    let answered = place.get("/api/requests/1/response/body").await;
    assert_eq!((answered.status, answered.text()), (200, "<script>alert(1)</script>"));
    assert!(answered.head.contains("content-type: application/octet-stream\r\n"), "{}", answered.head);
    assert!(
        answered.head.contains("content-disposition: attachment; filename=\"1-response\"\r\n"),
        "{}",
        answered.head
    );
    assert_eq!(place.get("/api/requests/1/request/body?decoded=1").await.text(), "{\"name\": 1}");
    assert_eq!(place.get("/api/requests/1/request/body?decoded=2").await.status, 400);
    assert_eq!(place.get("/api/requests/1/other/body").await.status, 404);
    assert_eq!(place.get("/api/requests/9/request/body").await.status, 404);
    place.inspector.connection(Duration::ZERO).down(ASKED.as_bytes());
    assert_eq!(place.get("/api/requests/3/response/body").await.error(), "that request has no answer");
}

#[tokio::test]
async fn the_status() {
    let place = place().await;
    let status = place.get("/api/status").await.json();
    let used = status["store"]["used"].clone();
    let body = |message: &str| message.split_once("\r\n\r\n").unwrap().1.len();
    let totals = json!({
        "seen": 2, "kept": 2, "evicted": 0, "request_bytes": body(POSTED) + body(ASKED),
        "response_bytes": body(CREATED) + body(MISSING),
    });
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"), "url": "https://example.com/app", "target": "http://localhost:3000",
        "state": "ready", "link": "by streams", "inspect": format!("http://{}", place.addr),
        "started": 1_800_000_000_500_u64, "token": place.token.as_str(), "totals": totals,
        "store": { "room": 64 * 1024 * 1024, "used": used, "evicted": 0 },
    });
    assert_eq!(status, expected);
    place.link.send_replace(Link { standing: Standing::Lost, text: None });
    let status = place.get("/api/status").await.json();
    assert_eq!((&status["state"], &status["link"]), (&json!("lost"), &Value::Null));
}

#[tokio::test]
async fn the_page_and_its_files() {
    let place = Place::alone().await;
    let page = place.get("/").await;
    assert!(page.head.contains("content-type: text/html; charset=utf-8\r\n"), "{}", page.head);
    assert!(page.text().contains(&format!("content=\"{}\"", place.token.as_str())));
    for (name, media_type) in [("main.js", "text/javascript"), ("base.css", "text/css"), ("icon.svg", "image/svg+xml")]
    {
        let file = place.get(&format!("/page/{name}")).await;
        assert!(file.head.contains(&format!("content-type: {media_type}; charset=utf-8\r\n")), "{}", file.head);
        assert!(!file.body.is_empty());
    }
    assert_eq!(place.get("/page/other.js").await.status, 404);
}

#[tokio::test]
async fn the_description_names_each_path_and_no_other() {
    let place = Place::alone().await;
    let described = place.get("/api/openapi.json").await.json();
    let source = include_str!("../mod.rs");
    let routed = source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut routed: Vec<&str> = routed.filter(|path| path.starts_with("/api/")).collect();
    routed.sort_unstable();
    let mut named: Vec<&String> = described["paths"].as_object().unwrap().keys().collect();
    named.sort_unstable();
    assert_eq!(named, routed);
}

#[tokio::test]
async fn ngroks_shapes() {
    let place = place().await;
    let tunnels = place.get("/api/tunnels").await.json();
    assert_eq!(tunnels["uri"], "/api/tunnels");
    let tunnel = &tunnels["tunnels"][0];
    assert_eq!((&tunnel["public_url"], &tunnel["proto"]), (&json!("https://example.com/app"), &json!("https")));
    assert_eq!(tunnel["config"], json!({ "addr": "http://localhost:3000", "inspect": true }));
    assert_eq!(tunnel["metrics"]["http"]["count"], 2);
    assert_eq!(place.get("/api/tunnels/command_line").await.json(), *tunnel);
    assert_eq!(place.get("/api/tunnels/other").await.status, 404);
    let listed = place.get("/api/requests/http?limit=1").await.json();
    assert_eq!((&listed["uri"], listed["requests"].as_array().unwrap().len()), (&json!("/api/requests/http"), 1));
    assert_eq!(place.get("/api/requests/http?tunnel_name=other").await.json()["requests"], json!([]));
    let one = place.get("/api/requests/http/1").await.json();
    let expected = json!({
        "uri": "/api/requests/http/1", "id": "1", "tunnel_name": "command_line", "remote_addr": "192.0.2.7",
        "start": "2027-01-15T08:00:00.000000Z", "duration": one["duration"],
        "request": {
            "method": "POST", "proto": "HTTP/1.1", "uri": "/orders?a=1", "raw": STANDARD.encode(POSTED),
            "headers": {
                "Host": ["app.example"], "Content-Type": ["application/json"], "Content-Length": ["11"],
                "X-Forwarded-For": ["192.0.2.7, 10.0.0.1"],
            },
        },
        "response": {
            "status": "201 Created", "status_code": 201, "proto": "HTTP/1.1", "raw": STANDARD.encode(CREATED),
            "headers": { "Content-Type": ["text/html"], "Content-Length": ["25"] },
        },
    });
    assert_eq!(one, expected);
}

#[tokio::test]
async fn exports() {
    let place = place().await;
    let curl = place.get("/api/requests/2/curl").await;
    assert!(curl.head.contains("content-type: text/plain; charset=utf-8\r\n"), "{}", curl.head);
    assert!(curl.text().starts_with("curl ") && curl.text().contains("http://localhost:3000"), "{}", curl.text());
    let (one, other) = (place.get("/api/requests/1/har").await.json(), place.get("/api/requests/2/har").await.json());
    let all = place.get("/api/har").await.json();
    let entries = [&one, &other].map(|har| har["log"]["entries"][0].clone());
    assert_eq!(entries[0]["response"]["status"], 201);
    assert_eq!(all["log"]["entries"], json!(entries));
    assert_eq!((&all["log"]["version"], &all["log"]["creator"]), (&json!("1.2"), &one["log"]["creator"]));
    place.inspector.store().clear();
    assert_eq!(place.get("/api/har").await.json()["log"]["entries"], json!([]));
    for path in ["/api/requests/2/curl", "/api/requests/2/har"] {
        assert_eq!(place.get(path).await.status, 404);
    }
}

#[tokio::test]
async fn webhooks() {
    let place = Place::alone().await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: 1-2\r\nContent-Length: 2\r\n";
    // The HMAC of `{}` under `secret`, by another implementation.
    let signature = "sha256=77325902caca812dc259733aacd046b73817372c777b8d95b402647474516e13";
    place.passed(&format!("{head}X-Hub-Signature-256: {signature}\r\n\r\n{{}}"), MISSING);
    place.passed(&format!("{head}X-Hub-Signature-256: {signature}\r\n\r\n[]"), MISSING);
    let list = place.get("/api/requests").await.json();
    let renews = ["X-Hub-Signature-256"];
    let webhook = json!({
        "provider": "github", "event": "push", "delivery": "1-2", "signature": "valid", "reason": null, "renews": renews,
    });
    assert_eq!(list["exchanges"][1]["webhook"], webhook);
    assert_eq!(place.get("/api/requests/1").await.json()["webhook"], webhook);
    let forged = &list["exchanges"][0]["webhook"];
    assert_eq!(forged["signature"], "invalid");
    assert_eq!(forged["renews"], json!([]), "a replay lets a forgery be one");
    assert!(forged["reason"].is_string(), "{forged}");
}

/// The examples of RFC 7692, section 7.2.3.2: the second message says the same by the first.
#[tokio::test]
async fn messages_that_are_compressed_are_inflated() {
    let place = Place::alone().await;
    let tap = place.inspector.connection(Duration::ZERO);
    tap.down(b"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    tap.up(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    tap.up(&[0xc1, 7, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xc1, 5, 0xf2, 0x00, 0x11, 0x00, 0x00, 0xc1, 1, 0x06]);
    let said = place.get("/api/requests/1").await.json()["said"].clone();
    let told = |at: usize| (&said[at]["text"], &said[at]["size"], &said[at]["base64"], &said[at]["deflated"]);
    let (hello, null) = (json!("Hello"), json!(null));
    assert_eq!(told(0), (&hello, &json!(7), &null, &json!(false)));
    assert_eq!(told(1), (&hello, &json!(5), &null, &json!(false)));
    assert_eq!(told(2), (&null, &json!(1), &json!("Bg=="), &json!(true)), "it is none");
}

#[tokio::test]
async fn a_head_that_is_no_text_is_told_whole() {
    let place = Place::alone().await;
    let tap = place.inspector.connection(Duration::ZERO);
    tap.down(b"GET / HTTP/1.1\r\nX: \xe9\r\n\r\n");
    tap.up(b"HTTP/1.1 204 No Content\r\n\r\n");
    let detail = place.get("/api/requests/1").await.json();
    assert_eq!(detail["request"]["head_base64"], "R0VUIC8gSFRUUC8xLjENClg6IOkNCg0K");
    assert_eq!(detail["response"]["head_base64"], json!(null));
}
