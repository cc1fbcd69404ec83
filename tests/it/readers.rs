//! What the inspector says of webhooks and exchanges, beside the programs of others: the senders' own packages, and a
//! reader of archives.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sendit::inspect::export::har;
use sendit::inspect::webhook::{self, Provider, Secrets, Signature};
use sendit::inspect::{Body, Exchange, Kind, Message, Replay, Request, Said, Side, State, Timing};
use serde::Deserialize;
use tempfile::TempDir;

use crate::apps::{python, script, told, visit};

/// The one that `webhooks.py` signs with.
const SECRET: &str = "whsec_dGhpcnR5LXR3byBieXRlcyBhcmUgYSBnb29kIGtleSE=";

/// A webhook as `webhooks.py sign` prints it.
#[derive(Deserialize)]
struct Line {
    now: u64,
    provider: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

fn message(head: &str, body: &[u8]) -> Message {
    let head = head.replace('\n', "\r\n").into_bytes();
    Message { head, body: Body { kept: body.to_vec(), size: body.len() as u64 }, ..Message::default() }
}

/// An exchange of which only the request is there.
fn asked(request: Message) -> Exchange {
    Exchange {
        id: 1,
        started: Duration::new(1_764_104_258, 938_000_000),
        request,
        response: None,
        said: Vec::new(),
        unkept: 0,
        state: State::Asked,
        timing: Timing::default(),
        resumed: false,
        replay_of: None,
        tunnel: None,
    }
}

fn secrets(text: &str) -> Secrets {
    let mut secrets = Secrets::default();
    for provider in Provider::ALL {
        secrets.add(provider, text).unwrap();
    }
    secrets
}

#[tokio::test]
async fn signatures_by_the_senders_own_packages() {
    let Some(python) = python("signatures of webhooks by their senders' packages") else { return };
    let (good, bad) = (secrets(SECRET), secrets("whsec_AAAA"));
    let (mut count, mut again) = (0, String::new());
    for line in visit(script(&python, "webhooks.py", &["sign"])).await.lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        let provider = Provider::ALL.into_iter().find(|provider| provider.name() == line.provider).unwrap();
        let headers =
            line.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<Vec<_>>().concat();
        let head = format!(
            "POST {} HTTP/1.1\nHost: localhost\nX-Forwarded-Proto: https\nX-Forwarded-Host: a.example\n{headers}\n",
            line.path
        );
        let exchange = asked(message(&head, &STANDARD.decode(line.body).unwrap()));
        let now = Duration::from_secs(line.now);
        let verdict = |secrets| webhook::check(provider, &exchange, secrets, None, now);
        assert_eq!(verdict(&good).signature, Signature::Valid, "{head}: {:?}", verdict(&good));
        assert_eq!(verdict(&bad).signature, Signature::Invalid, "{head}");
        // Changed and signed anew it is good again, by what its sender gives to those who verify.
        let mut replay = Replay::of(&exchange);
        replay.body.extend_from_slice(if replay.body.is_empty() { b"z=1" } else { b"&z=1" });
        let request = Request::of_replay(&replay);
        let signed = webhook::sign(provider, &request, &good, None, now + Duration::from_secs(5)).unwrap();
        signed.put_into(&mut replay);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers: Vec<_> = replay.headers.iter().map(|(name, value)| (text(name), text(value))).collect();
        let line = serde_json::json!({
            "provider": line.provider, "path": text(&replay.path), "headers": headers, "body": STANDARD.encode(&replay.body),
        });
        again += &line.to_string();
        again.push('\n');
        count += 1;
    }
    assert!(count > 60, "{count}");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lines");
    fs::write(&path, again).unwrap();
    let said = told(script(&python, "webhooks.py", &["verify"]), File::open(&path).unwrap()).await;
    assert_eq!(said, format!("{count} webhooks, 0 wrong\n"));
}

/// `it was inflated`, as gzip packs it.
const PACKED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x2c\x51\x28\x4f\x2c\x56\xc8\xcc\x4b\xcb\x49\x2c\x49\x4d\x01\x00\x11\x2b\x50\xe9\x0f\x00\x00\x00";

/// Exchanges of every kind.
fn exchanges() -> Vec<Exchange> {
    let form = "POST /app/a?b=c%20d&e HTTP/1.1\nHost: in\nX-Forwarded-Proto: https\nX-Forwarded-Host: a.example\n\
                Cookie: s=1; t=2\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 7\n\n";
    let mut whole = asked(message(form, b"x=1&y=2"));
    let answer =
        "HTTP/1.1 201 Not Quite Created\nContent-Type: text/plain\nSet-Cookie: u=3; Path=/; HttpOnly\nLocation: /b\n\n";
    whole.response = Some(message(answer, "gr\u{fc}n".as_bytes()));
    whole.state = State::Done;
    let millis = |millis| Some(Duration::from_millis(millis));
    whole.timing =
        Timing { held: Duration::from_millis(100), asked: millis(120), answered: millis(130), ended: millis(150) };
    whole.resumed = true;

    let mut cut = asked(message("PUT /b HTTP/1.1\nHost: a.example\n\n", b"\xff\0"));
    cut.request.body.size = 5_000_000;
    cut.response = Some(message("HTTP/1.1 200 OK\nContent-Type: image/png\n\n", b"\x89PNG\r\n\x1a\n"));
    cut.state = State::Cut;
    cut.replay_of = Some(1);
    // The answer was there before all was asked.
    cut.timing = Timing { asked: millis(40), answered: millis(10), ended: millis(60), ..Timing::default() };

    let mut socket = asked(message("GET /ws HTTP/1.1\nHost: a.example\nUpgrade: websocket\n\n", b""));
    socket.response = Some(message("HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n", b""));
    socket.request.body.size = 77;
    socket.state = State::Answering;
    let says = |by, kind, kept: &[u8]| Said {
        at: Duration::from_secs(1),
        by,
        kind,
        body: Body { kept: kept.to_vec(), size: 5 },
        deflated: false,
    };
    socket.said =
        vec![says(Side::Visitor, Kind::Text, b"hello"), says(Side::Target, Kind::Binary, b"\xff\0\xff\0\xff")];
    socket.said.push(Said { deflated: true, ..says(Side::Target, Kind::Text, b"\xcaH\xcd\xc9\xc9") });
    socket.unkept = 3;

    let mut refused = asked(message("GET /c HTTP/1.1\n\n", b""));
    refused.state = State::Unreachable("connection refused".to_owned());
    let mut opaque = asked(message("", b""));
    opaque.state = State::Opaque("no HTTP");
    let mut packed = asked(message("GET /d HTTP/1.1\nHost: a.example\n\n", b""));
    packed.response = Some(message("HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Encoding: gzip\n\n", PACKED));
    packed.state = State::Done;
    vec![whole, cut, socket, refused, opaque, packed]
}

#[tokio::test]
async fn an_archive_opens_elsewhere() {
    let Some(python) = python("archives of exchanges, read by another program") else { return };
    let archive = serde_json::to_string_pretty(&har(&exchanges(), None)).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("all.har");
    fs::write(&path, &archive).unwrap();
    let said = visit(script(&python, "har.py", &[path.to_str().unwrap()])).await;
    let expected = "2025-11-25T20:57:38.938000+00:00 POST https://a.example/app/a?b=c%20d&e 201 text/plain 150.0ms\n\
                    2025-11-25T20:57:38.938000+00:00 PUT http://a.example/b 200 image/png 60.0ms\n\
                    2025-11-25T20:57:38.938000+00:00 GET http://a.example/ws 101  0.0ms\n\
                    2025-11-25T20:57:38.938000+00:00 GET http://unknown.invalid/c 0  0.0ms\n\
                    2025-11-25T20:57:38.938000+00:00  http://unknown.invalid 0  0.0ms\n\
                    2025-11-25T20:57:38.938000+00:00 GET http://a.example/d 200 text/plain 0.0ms\n\
                    1 of them POST, 48 bytes\n";
    assert_eq!(said, expected);
}

#[test]
fn what_an_archive_says() {
    let archive = serde_json::to_value(har(&exchanges(), None)).unwrap();
    let entry = |number: usize| &archive["log"]["entries"][number];
    assert_eq!(archive["log"]["version"], "1.2");
    assert_eq!(archive["log"]["creator"]["name"], "sendit");
    let [whole, cut, socket, refused, opaque, packed] = [0, 1, 2, 3, 4, 5].map(entry);
    let timings = |entry: &serde_json::Value| {
        serde_json::Value::from_iter(["blocked", "send", "wait", "receive"].map(|name| entry["timings"][name].clone()))
    };
    assert_eq!(timings(whole), serde_json::json!([100.0, 20.0, 10.0, 20.0]));
    assert_eq!(timings(cut), serde_json::json!([0.0, 10.0, 0.0, 50.0]));
    assert_eq!(whole["comment"], "the link was lost and came back meanwhile");
    assert_eq!(
        whole["request"]["queryString"],
        serde_json::json!([{"name": "b", "value": "c d"}, {"name": "e", "value": ""}])
    );
    let fields = serde_json::json!([{"name": "x", "value": "1"}, {"name": "y", "value": "2"}]);
    assert_eq!(whole["request"]["postData"]["params"], fields);
    assert_eq!(whole["request"]["cookies"][1]["value"], "2");
    assert_eq!(whole["response"]["cookies"][0]["httpOnly"], true);
    assert_eq!(whole["response"]["redirectURL"], "/b");
    assert_eq!(whole["response"]["statusText"], "Not Quite Created");
    assert_eq!(whole["response"]["content"]["text"], "gr\u{fc}n");
    assert_eq!(cut["request"]["postData"]["text"], "/wA=");
    assert_eq!(cut["request"]["postData"]["_encoding"], "base64");
    assert_eq!(cut["request"]["postData"]["comment"], "only 2 of 5000000 bytes were kept");
    assert_eq!(cut["response"]["content"]["text"], "iVBORw0KGgo=");
    assert_eq!(cut["response"]["content"]["encoding"], "base64");
    assert_eq!(cut["comment"], "it was cut; it repeats exchange 1");
    let said = serde_json::json!([
        {"type": "send", "time": 1_764_104_259.938, "opcode": 1, "data": "hello"},
        {"type": "receive", "time": 1_764_104_259.938, "opcode": 2, "data": "/wD/AP8="},
        {"type": "receive", "time": 1_764_104_259.938, "opcode": 1, "data": "ykjNyck=", "comment": "compressed, and in base64"},
    ]);
    assert_eq!(socket["_webSocketMessages"], said);
    assert_eq!(socket["_resourceType"], "websocket");
    assert_eq!(socket["request"]["bodySize"], 0);
    assert_eq!(socket["comment"], "it was still under way; 3 more messages were not kept");
    let content =
        serde_json::json!({"size": 15, "compression": 15 - 35, "mimeType": "text/plain", "text": "it was inflated"});
    assert_eq!(packed["response"]["content"], content);
    assert_eq!(packed["response"]["bodySize"], 35);
    assert_eq!(refused["comment"], "the target could not be reached: connection refused");
    assert_eq!(opaque["comment"], "it is not understood: no HTTP");
}
