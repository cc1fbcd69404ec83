//! Visitors who come while the link is lost: what the client tells of them, though they have waited at the server.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use trials::faults::{Plan, Proxy};

use super::api::Inspector;
use crate::peer::Peer;
use crate::target::Target;
use crate::tunnel::{Client, Server};

/// How long the visitors wait at least.
const WAIT: Duration = Duration::from_millis(600);

async fn visit(server: &Server, path: &str) -> Peer {
    let mut visitor = server.visit().await;
    visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")).await;
    visitor
}

async fn proxy(at: SocketAddr, server: &Server) -> Proxy {
    let listener = TcpListener::bind(at).await.expect("the port is free");
    Proxy::start(listener, server.addr, 1, Plan::default()).expect("it has an address")
}

/// The service's end of an exchange, once it has been asked.
async fn heard(target: &mut Target) -> Peer {
    let mut service = target.accept().await;
    service.head().await;
    service
}

async fn answer(service: &mut Peer) {
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nkept").await;
}

/// A link that is lost while an exchange is under way, and back after three visitors have come, of whom one has left.
async fn outage(args: &[&str]) -> (Server, Client, Proxy) {
    let (server, mut target) = (Server::start(&[]).await, Target::start());
    let between = proxy(SocketAddr::from(([127, 0, 0, 1], 0)), &server).await;
    let address = between.address();
    let mut client = Client::begin(&format!("http://{address}/app"), &target.url(), args);
    client.program.printed(|output| output.stderr.contains("Ready; Forwarding ")).await;
    // It waits for the first carriers, if these are not there yet.
    let mut there = visit(&server, "/app/there").await;
    answer(&mut heard(&mut target).await).await;
    there.until("kept").await;
    let mut under_way = visit(&server, "/app/before").await;
    let mut service = heard(&mut target).await;
    target.echo_paths();

    between.stop().await;
    client.program.printed(|output| output.stderr.contains("link lost: ")).await;
    let (mut first, mut second) = (visit(&server, "/app/first").await, visit(&server, "/app/second").await);
    let mut leaves = visit(&server, "/app/leaves").await;
    assert!(leaves.is_silent(WAIT).await && first.is_silent(WAIT).await, "they wait");
    leaves.cut();
    assert!(second.is_silent(WAIT).await, "it waits");
    let between = proxy(address, &server).await;
    first.until("/app/first").await;
    second.until("/app/second").await;
    answer(&mut service).await;
    under_way.until("kept").await;
    assert_eq!(server.get("/app/after", "").await.1, "/app/after");
    (server, client, between)
}

#[tokio::test]
async fn the_lines_and_the_api_tell_who_has_waited_at_the_server() {
    let (_server, mut client, _between) = outage(&["--inspect", "127.0.0.1:0"]).await;
    let said = client.program.printed(|output| output.stderr.contains("/app/after")).await.stderr;
    assert!(said.contains(" s, 3 held, 1 lost\n"), "{said}");
    for (path, held) in [("/app/before", false), ("/app/first", true), ("/app/second", true), ("/app/after", false)] {
        let line = said.lines().find(|line| line.contains(path)).unwrap_or_else(|| panic!("no {path} in {said}"));
        assert_eq!(line.contains(", held "), held, "{line}");
    }
    let inspector = Inspector::of(&mut client).await;
    let list = inspector.get("/api/requests").await.1;
    for exchange in list["exchanges"].as_array().expect("a list") {
        let (held, duration) = (exchange["held_ms"].as_f64(), exchange["duration_ms"].as_f64());
        let waited = exchange["path"] == "/app/first" || exchange["path"] == "/app/second";
        assert_eq!(held.is_some_and(|held| held >= WAIT.as_secs_f64() * 1e3), waited, "{exchange}");
        assert!(held <= duration, "{exchange}");
        assert_eq!(exchange["resumed"], json!(exchange["path"] == "/app/before"), "{exchange}");
    }
}

#[tokio::test]
async fn so_do_the_events() {
    let (_server, mut client, _between) = outage(&["--log-format", "json", "--inspect", "off"]).await;
    let said = client.program.printed(|output| output.stderr.contains("/app/after")).await.stderr;
    let events: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let back = events.iter().find(|event| event["state"] == "back").unwrap_or_else(|| panic!("{said}"));
    assert_eq!((&back["held"], &back["lost"]), (&json!(3), &json!(1)));
    let held = |path: &str| {
        let exchange = events.iter().find(|event| event["event"] == "exchange" && event["path"] == path);
        exchange.unwrap_or_else(|| panic!("no {path} in {said}"))["held_ms"].as_f64()
    };
    assert!(
        held("/app/first") >= Some(WAIT.as_secs_f64() * 1e3) && held("/app/second") >= Some(WAIT.as_secs_f64() * 1e3)
    );
    assert_eq!((held("/app/before"), held("/app/after")), (None, None));
}
