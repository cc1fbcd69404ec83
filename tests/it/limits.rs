//! How much there may be: what is beyond is told so, and nobody else notices.

use serde_json::json;
use tokio::time::timeout;

use crate::peer::Peer;
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};
use crate::v2::answer::{Answer, head};
use crate::v2::record::batch;
use crate::v2::{Carrier, OPEN, SECRET, Session, Stage, WRITE, ask, token};
use crate::world::PATIENCE;

const GET: &str = "GET /app/x HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[track_caller]
fn refused(answer: &Answer, status: &str, message: &str) {
    assert_eq!((answer.status(), &*answer.code()), (status, "limit"), "{answer:?}");
    assert_eq!(answer.json()["error"]["message"], message);
    let after: u64 = answer.head.value("retry-after").expect("it says when").parse().expect("a number");
    assert!((1..=60).contains(&after), "{after}");
}

/// As much memory as a server may have got from much that it refused, in KiB: what its allocator keeps for the next time.
const GROWTH: u64 = 16 * 1024;

#[tokio::test]
async fn ten_thousand_sessions_asked_for_by_one_token() {
    // None of them is used, and none is to make room before all have been asked for.
    let mut stage = Stage::set(&["--ready-within", "10m"]).await;
    let greedy = token("greedy");
    let before = stage.memory();
    let (mut given, mut peers) = (0, Vec::new());
    for _ in 0..8 {
        peers.push(stage.server.visit().await);
    }
    for number in 0..10_000 {
        let body = json!({ "prefix": format!("greedy-{number}") }).to_string();
        let head =
            head(OPEN, &format!("Authorization: Bearer {greedy}\r\n"), body.len()).replace("close", "keep-alive");
        let peer: &mut Peer = &mut peers[number % 8];
        peer.send(head + &body).await;
        let head = peer.head().await;
        let length = head.value("content-length").expect("a length").parse().expect("a number");
        peer.read_block(&mut vec![0; length]).await;
        given += usize::from(head.status() == "200");
        assert!(matches!(head.status(), "200" | "429"), "{head:?}");
    }
    assert_eq!(given, 16);
    let one_more = ask(stage.server.addr, &greedy, json!({ "prefix": "one-more" }).to_string()).await;
    refused(&one_more, "429", "the token has as many sessions as it may have");
    let session = Session::open(&stage.server, &token("modest"), "modest").await;
    assert!(session.lives().await, "others get theirs");
    if let (Some(before), Some(after)) = (before, stage.memory()) {
        assert!(after < before + GROWTH, "{before} KiB became {after}");
    }
    stage.unharmed(&[greedy, session.secret]).await;
}

#[tokio::test]
async fn carriers_that_are_refused_leave_nothing() {
    let mut stage = Stage::set(&[]).await;
    let session = Session::open(&stage.server, &token("me"), "mine").await;
    let filled = batch(0, &vec![7; 500_000]);
    let forged = Carrier { body: filled, ..session.carrier(WRITE, 1, 0, "batch", b"") };
    session.send(&forged).await;
    let before = stage.memory();
    for number in 0..300 {
        let unknown = Carrier { session: format!("{number:064x}"), ..forged.clone() };
        assert_eq!(session.send(&unknown).await.status(), "410");
        assert_eq!(session.send(&forged).await.code(), "bad-digest");
    }
    if let (Some(before), Some(after)) = (before, stage.memory()) {
        assert!(after < before + GROWTH, "{before} KiB became {after}");
    }
    assert!(session.lives().await);
    stage.unharmed(&[session.secret, forged.proof]).await;
}

#[tokio::test]
async fn the_server_is_full() {
    let server = Server::start(&["--secret", SECRET, "--max-sessions", "2"]).await;
    for prefix in ["one", "two"] {
        Session::open(&server, &token(prefix), prefix).await;
    }
    let answer = ask(server.addr, &token("three"), json!({ "prefix": "three" }).to_string()).await;
    refused(&answer, "503", "the server has as many sessions as it admits");
    let mut client = Client::begin(&server.url("/three"), "http://127.0.0.1:1", &["--token", &token("three")]);
    let sentence = format!(
        "no tunnel: the server at `http://{}` takes no session now: the server has as many sessions as it admits; trying again in ",
        server.addr
    );
    client.program.printed(|output| output.stderr.contains(&sentence)).await;
    // One's own place can be had again.
    Session::open(&server, &token("two"), "two").await;
}

#[tokio::test]
async fn a_client_over_its_tokens_share_says_so_and_tries_again() {
    let server = Server::start(&["--secret", SECRET, "--max-sessions-per-token", "1"]).await;
    let session = Session::open(&server, &token("me"), "one").await;
    for wire in ["v1", "v2"] {
        let args = ["--wire", wire, "--token", &token("me")];
        let mut client = Client::begin(&server.url("/two"), "http://127.0.0.1:1", &args);
        let sentence = "takes no session now: the token has as many sessions as it may have; trying again in ";
        client.program.printed(|output| output.stderr.contains(sentence)).await;
    }
    let log = server.program.output().stderr;
    let refused = log.lines().filter(|line| line.contains("a session was refused")).collect::<Vec<_>>();
    let told = "prefix=two subject=\"me\" cause=the token has as many sessions as it may have";
    assert!(refused.len() >= 2 && refused.iter().all(|line| line.ends_with(told)), "{log}");
    assert!(session.lives().await);
}

#[tokio::test]
async fn wrong_tokens_are_told_to_wait_and_good_ones_get_in() {
    let server = Server::start(&["--secret", SECRET, "--max-failed-opens", "3", "--log", "debug"]).await;
    let body = json!({ "prefix": "my-app" }).to_string();
    for _ in 0..3 {
        assert_eq!(ask(server.addr, "x.y.z", &body).await.code(), "bad-token");
    }
    for _ in 0..20 {
        let answer = ask(server.addr, "x.y.z", &body).await;
        let seconds = answer.head.value("retry-after").expect("it says when").to_owned();
        let message =
            format!("too many tokens that are not accepted have come from this address; try again in {seconds} s");
        refused(&answer, "429", &message);
    }
    Session::open(&server, &token("me"), "my-app").await;
    let log = server.program.output().stderr;
    assert_eq!(log.matches("a token was refused").count(), 3, "{log}");
    let mut client = Client::begin(&server.url("/other"), "http://127.0.0.1:1", &["--token", "x"]);
    let sentence =
        "takes no session now: too many tokens that are not accepted have come from this address; try again in ";
    let said = client.program.printed(|output| output.stderr.contains(sentence)).await.stderr;
    let (_, since) = said.split_once(sentence).unwrap();
    let mut numbers = since.split([' ', ';']).filter_map(|word| word.parse::<f64>().ok());
    let (asked, rests) = (numbers.next().unwrap(), numbers.next().unwrap());
    assert!(asked > 1.0 && (asked..=asked + 10.0).contains(&rests), "it comes when it may: {said}");
}

/// Visitors who would be one too many are told, and those before them are served.
#[tokio::test]
async fn a_session_has_its_share_of_exchanges() {
    let mut target = Target::start();
    let serve = ["--max-exchanges-per-session", "2", "--max-held-per-session", "1"];
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &serve, &[]).await;
    let mut visitors = Vec::new();
    let mut services = Vec::new();
    for _ in 0..2 {
        let mut visitor = server.visit().await;
        visitor.send(GET).await;
        let mut service = target.accept().await;
        service.head().await;
        visitors.push(visitor);
        services.push(service);
    }
    let mut held = server.visit().await;
    held.send(GET).await;
    // Whichever of the next comes first to the one place that is left waits for another to end.
    let mut told = 0;
    for _ in 0..3 {
        let mut visitor = server.visit().await;
        visitor.send(GET).await;
        if let Ok(head) = timeout(PATIENCE / 20, visitor.head()).await {
            assert_eq!((head.status(), head.value("sendit-error")), ("503", Some("limit")));
            assert!(head.value("retry-after").is_some());
            told += 1;
        }
        visitors.push(visitor);
    }
    assert!(told >= 2, "{told}");
    for service in &mut services {
        service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await;
    }
    assert_eq!(visitors[0].head().await.status(), "200");
    assert_eq!(visitors[1].head().await.status(), "200");
}

/// Visitors of one address have half of a session's places at most, so that one who is slow with all of them is in nobody's
/// way. Where a trusted proxy says nothing of who called it everybody may be behind it.
#[tokio::test]
async fn an_address_has_its_share_of_a_session() {
    let mut target = Target::start();
    let serve = ["--max-exchanges-per-session", "4", "--max-held-per-session", "1"];
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &serve, &[]).await;
    let by = |address: &str| GET.replace("\r\n\r\n", &format!("\r\nX-Forwarded-For: {address}\r\n\r\n"));
    let mut exchanges = Vec::new();
    for _ in 0..2 {
        let mut visitor = server.visit().await;
        visitor.send(by("203.0.113.9")).await;
        let mut service = target.accept().await;
        service.head().await;
        exchanges.push((visitor, service));
    }
    let (mut one, mut other) = (server.visit().await, server.visit().await);
    one.send(by("203.0.113.9")).await;
    other.send(by("::ffff:203.0.113.9")).await;
    let (told, mut waits) = tokio::select! {
        head = one.head() => (head, other),
        head = other.head() => (head, one),
    };
    assert_eq!((told.status(), told.value("sendit-error")), ("503", Some("limit")));
    for request in [by("203.0.113.10"), GET.to_owned()] {
        let mut visitor = server.visit().await;
        visitor.send(request).await;
        let mut service = target.accept().await;
        let head = service.head().await;
        assert!(!head.lines.iter().any(|line| line.ends_with("203.0.113.9")), "{head:?}");
        exchanges.push((visitor, service));
    }
    let (mut visitor, mut service) = exchanges.swap_remove(0);
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await;
    assert_eq!(visitor.head().await.status(), "200");
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await;
    assert_eq!(waits.head().await.status(), "200", "who waited has the place that came free");
}

#[tokio::test]
async fn all_sessions_together_have_a_bound_of_exchanges() {
    let mut target = Target::start();
    let Tunnel { server, client: _client } = Tunnel::with(&target.url(), &["--max-exchanges", "1"], &[]).await;
    let mut visitor = server.visit().await;
    visitor.send(GET).await;
    let mut service = target.accept().await;
    service.head().await;
    let (head, body) = server.get("/app/y", "").await;
    assert_eq!((head.status(), head.value("sendit-error")), ("503", Some("limit")));
    assert_eq!(body, "the server is busy; try again shortly\n");
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    assert_eq!(visitor.head().await.status(), "200");
}

/// A session whose client is away holds so many visitors, who cost others nothing.
#[tokio::test]
async fn a_session_holds_so_many_visitors() {
    let server = Server::start(&["--secret", SECRET, "--max-held-per-session", "2"]).await;
    Session::open(&server, &token("away"), "app").await;
    let mut visitors = Vec::new();
    let mut told = 0;
    for _ in 0..5 {
        let mut visitor = server.visit().await;
        visitor.send(GET).await;
        visitors.push(visitor);
    }
    for visitor in &mut visitors {
        let head = visitor.head().await;
        assert_eq!(head.status(), "503");
        told += usize::from(head.value("sendit-error") == Some("limit"));
    }
    assert_eq!(told, 3, "the others were held until they were told that nobody came");
}

/// Of those who have said all, and may be gone, few are held where others come.
#[tokio::test]
async fn who_has_said_all_is_not_held_in_the_place_of_others() {
    let server = Server::start(&["--secret", SECRET, "--max-held-per-session", "8"]).await;
    Session::open(&server, &token("away"), "app").await;
    let mut told = Vec::new();
    let mut visitors = Vec::new();
    for at in 0..14 {
        let mut visitor = server.visit().await;
        visitor.send(GET).await;
        if at < 8 {
            visitor.finish().await;
        }
        visitors.push(visitor);
    }
    for visitor in &mut visitors {
        let head = visitor.head().await;
        assert_eq!(head.status(), "503");
        told.push(head.value("sendit-error") == Some("limit"));
    }
    let expected: Vec<bool> = (0..14).map(|at| at < 6).collect();
    assert_eq!(told, expected, "the others were held until they were told that nobody came");
}

/// A session that nobody comes to makes room for another soon.
#[tokio::test]
async fn a_session_that_nobody_carries_is_given_up() {
    let server = Server::start(&["--secret", SECRET, "--ready-within", "1s"]).await;
    let session = Session::open(&server, &token("me"), "one").await;
    let gone = async {
        // A trial is no sign that its client is there.
        while session.lives().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("it ends");
}
