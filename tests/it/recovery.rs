//! What wire v1 cannot keep fails loudly, and the tunnel is back soon.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use trials::faults::{Plan, Proxy};

use crate::peer::End;
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};

const GET: &str = "GET /app/x HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[tokio::test]
async fn a_killed_client_is_loud_and_replaceable() {
    let mut target = Target::start();
    let url = target.url();
    let Tunnel { server, mut client } = Tunnel::with(&url, &[], &["--wire", "v1"]).await;
    let (mut waiting, mut reading) = (server.visit().await, server.visit().await);
    waiting.send(GET).await;
    let mut first = target.accept().await;
    first.head().await;
    reading.send(GET).await;
    let mut second = target.accept().await;
    second.head().await;
    second.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
    reading.until("half").await;

    client.program.kill().await;
    let killed = Instant::now();
    let head = waiting.head().await;
    assert_eq!((head.status(), head.value("sendit-error")), ("502", Some("client-offline")));
    waiting.expect("the tunnel's client was lost before it answered\n").await;
    assert_eq!(reading.rest().await, (String::new(), End::Reset));

    target.echo_paths();
    let _next = Client::start(&server.url("/app"), &url, &[]).await;
    assert_eq!(server.get("/app/again", "").await.1, "/app/again");
    // Two seconds are promised; a machine that does much else gets more.
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
}

#[tokio::test]
async fn a_client_survives_its_server() {
    let mut target = Target::start();
    let Tunnel { mut server, mut client } = Tunnel::with(&target.url(), &[], &["--wire", "v1"]).await;
    let mut visitor = server.visit().await;
    visitor.send(GET).await;
    let mut service = target.accept().await;
    service.head().await;
    server.program.kill().await;
    // The exchange is cancelled at the target, which sees a cut.
    assert_eq!(service.rest().await, (String::new(), End::Reset));

    target.echo_paths();
    let server = Server::start_at(&server.addr.to_string(), &[]).await;
    let back = Instant::now();
    client.ready(2).await;
    // The client rests for 0.2 s at first, so it is back before it ever rests for long.
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());
    assert_eq!(server.get("/app/again", "").await.1, "/app/again");
    let said = client.program.printed(|output| output.stderr.contains("no tunnel: ")).await.stderr;
    assert!(said.contains("; trying again in 0."), "{said}");
}

/// While the way to the server is gone the client says so, once; what is under way goes on once it is back.
#[tokio::test]
async fn a_link_that_is_lost_and_comes_back_is_told_of() {
    let mut target = Target::start();
    let server = Server::start(&[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let between = Proxy::start(listener, server.addr, 1, Plan::default()).expect("it has an address");
    let address = between.address();
    let mut client = Client::start(&format!("http://{address}/app"), &target.url(), &[]).await;
    let mut visitor = server.visit().await;
    visitor.send(GET).await;
    let mut service = target.accept().await;
    service.head().await;

    between.stop().await;
    let lost = format!(
        "link lost: the server at `http://{address}` cannot be reached: connection refused; exchanges are held"
    );
    client.program.printed(|output| output.stderr.contains(&lost)).await;
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept").await;
    let listener = TcpListener::bind(address).await.expect("the port is free again");
    let _between = Proxy::start(listener, server.addr, 1, Plan::default()).expect("it has an address");
    visitor.until("kept").await;
    let said = client.program.printed(|output| output.stderr.contains(" s, 1 held, 0 lost\n")).await.stderr;
    assert!(said.contains("link back after "), "{said}");
    assert_eq!((said.matches("link lost").count(), said.matches("Ready; ").count()), (1, 1), "{said}");
}

/// Nobody is waited for in vain: the prefix is another client's as soon as the first one has gone.
#[tokio::test]
async fn a_prefix_has_one_holder() {
    let target = Target::start();
    let url = target.url();
    let Tunnel { server, mut client } = Tunnel::to(&url).await;
    target.echo_paths();
    let mut other = Client::begin(&server.url("/app"), &url, &[]);
    let sentence = "no tunnel: the prefix `app` is in use by another client; trying again in ";
    other.program.printed(|output| output.stderr.contains(sentence)).await;
    client.program.kill().await;
    other.ready(1).await;
    assert_eq!(server.get("/app/x", "").await.1, "/app/x");
}
