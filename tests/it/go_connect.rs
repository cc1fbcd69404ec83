//! Our client at the model Go server.

use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, timeout};

use crate::go::server::Server;
use crate::go::{Settings, token};
use crate::origin::Target;
use crate::visitor::Visitor;
use crate::world::{Output, PATIENCE, Program, sendit};

const SECRET: &str = "a secret of 32 bytes or even more";

/// A client that stands, and how it was started.
async fn connect(server: &Server, target: SocketAddr, max_ttl: &str) -> Program {
    let mut client = start(server, "model", &token::mint(SECRET, "auth", ""), target, max_ttl);
    client.printed(|output| output.stderr.contains("Ready; Forwarding ")).await;
    client
}

fn start(server: &Server, prefix: &str, token: &str, target: SocketAddr, max_ttl: &str) -> Program {
    let mut command = sendit();
    command.args(["connect", "--token", token, "--max-ttl", max_ttl]);
    command.args([format!("http://{}/{prefix}", server.address()), format!("http://{target}")]);
    Program::start(command)
}

async fn serve() -> Server {
    Server::start(SECRET, Settings::default()).await
}

#[tokio::test]
async fn exchanges() {
    let (server, target) = (serve().await, Target::start().await);
    let _client = connect(&server, target.address, "15s").await;
    let visitor = Visitor::new(server.address(), "model");
    visitor.tour(&target).await;
    let (_, fields) = visitor.get("fields").await.expect("an answer");
    let fields = String::from_utf8_lossy(&fields).into_owned();
    assert!(fields.contains("x-forwarded-for: 127.0.0.1\n"), "{fields}");
    assert!(fields.contains("accept-encoding: gzip\n"), "{fields}");
    assert_eq!(Visitor::new(server.address(), "other").get("").await.expect("an answer").0, StatusCode::NOT_FOUND);
    assert_eq!(server.opened(), 1);
}

#[tokio::test]
async fn renewals() {
    let (server, target) = (serve().await, Target::start().await);
    let _client = connect(&server, target.address, "200ms").await;
    let exchanges = Visitor::new(server.address(), "model").load(1, |_| server.renewals("model") >= 10).await;
    println!("{exchanges} exchanges over {} renewals, none failed", server.renewals("model"));
    assert_eq!((server.lost(), server.opened()), (Vec::new(), 1));
}

/// A Go server ends the session where a stream is not acknowledged in time, which must not wait for the answer.
#[tokio::test]
async fn a_slow_answer_does_not_end_the_session() {
    let open_deadline = Duration::from_millis(500);
    let server = Server::start(SECRET, Settings { open_deadline, ..Settings::default() }).await;
    let target = Target::start().await;
    let _client = connect(&server, target.address, "15s").await;
    let visitor = Visitor::new(server.address(), "model");
    let mut held = Box::pin(visitor.get("held"));
    assert!(timeout(open_deadline * 4, held.as_mut()).await.is_err(), "it is held");
    target.go_on.add_permits(1);
    assert_eq!(held.await, Ok((StatusCode::OK, "let go".into())));
    assert_eq!(server.opened(), 1);
}

#[tokio::test]
async fn a_target_that_is_down_is_answered_for() {
    let server = serve().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr();
    let _client = connect(&server, gone.expect("an address"), "15s").await;
    let (status, text) = Visitor::new(server.address(), "model").get("fields").await.expect("an answer");
    assert_eq!(
        (status, &text[..]),
        (StatusCode::BAD_GATEWAY, &b"the service behind this tunnel cannot be reached\n"[..])
    );
    assert_eq!(server.opened(), 1);
}

#[tokio::test]
async fn our_tokens_are_good_at_a_go_server() {
    let mut minting = sendit();
    minting.args(["token", "--secret", SECRET, "--ttl", "1h", "--prefix", "mod*", "--subject", "someone"]);
    let mut minting = Program::start(minting);
    let token = minting.printed(|output| output.stdout.ends_with('\n')).await.stdout;
    assert_eq!(token::subject(SECRET, "auth", token.trim()).as_deref(), Some("someone"));
    assert_eq!(token::subject(SECRET, "connect", token.trim()), None);
    assert_eq!(token::subject("another secret", "auth", token.trim()), None);
    let (server, target) = (serve().await, Target::start().await);
    let mut client = start(&server, "model", token.trim(), target.address, "15s");
    client.printed(|output| output.stderr.contains("Ready; Forwarding ")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn renewals_under_load() {
    // On a machine that does much else a Go end may need more than its 10 s to read what 100 exchanges sent before an
    // answer of ours, and would end its session for that. Here the renewals alone are to be what could end it.
    let settings = Settings { ping_deadline: PATIENCE, ..Settings::default() };
    let (server, target) = (Server::start(SECRET, settings).await, Target::start().await);
    let _client = connect(&server, target.address, "200ms").await;
    let begin = Instant::now();
    let enough = |_| server.renewals("model") >= 15 && begin.elapsed() > Duration::from_secs(3);
    let exchanges = Visitor::new(server.address(), "model").load(100, enough).await;
    println!("{exchanges} exchanges over {} renewals, none failed", server.renewals("model"));
    assert_eq!((server.lost(), server.opened()), (Vec::new(), 1));
}

#[tokio::test]
async fn refusals() {
    let server = serve().await;
    let target = Target::start().await.address;
    let said = |wanted: &'static str| move |output: &Output| output.stderr.contains(wanted);
    let foreign = token::mint("another secret", "auth", "");
    let mut client = start(&server, "model", &foreign, target, "15s");
    client.printed(said("does not accept the token")).await;
    assert_eq!(client.ended().await, Some(3));
    let _holder = connect(&server, target, "15s").await;
    let mut client = start(&server, "model", &token::mint(SECRET, "auth", ""), target, "15s");
    client.printed(said("the prefix `model` is in use by another client; trying again")).await;
}
