//! The end of a server and of a client, asked for while there is work.
#![cfg(unix)]

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::peer::{End, Peer};
use crate::target::Target;
use crate::tunnel::{Client, Tunnel};
use crate::upgrade::switched;
use crate::world::{PATIENCE, Program};

/// Exchanges of which the visitors have seen one half.
struct Halves(Vec<(Peer, Peer)>);

impl Halves {
    async fn begin(tunnel: &Tunnel, target: &mut Target) -> Self {
        let mut halves = Vec::new();
        // The last kind ends with its connection, so nothing but a reset tells a half of it from the whole.
        let length = "Content-Length: 8\r\n\r\nhalf";
        for (version, framing) in [("1.1", length), ("1.0", length), ("1.0", "\r\nhalf")].repeat(7) {
            let mut visitor = tunnel.server.visit().await;
            visitor.send(format!("GET /app HTTP/{version}\r\nHost: a.example\r\n\r\n")).await;
            let mut service = target.accept().await;
            service.head().await;
            service.send(format!("HTTP/1.1 200 OK\r\n{framing}")).await;
            visitor.until("half").await;
            halves.push((visitor, service));
        }
        Self(halves)
    }

    async fn end_well(self) {
        for (mut visitor, mut service) in self.0 {
            service.send("full").await;
            service.finish().await;
            visitor.expect("full").await;
        }
    }

    async fn are_cut(self) {
        for (mut visitor, _service) in self.0 {
            assert_eq!(visitor.rest().await, (String::new(), End::Reset));
        }
    }
}

const STOPPING: &str = "stopping; a second signal ends at once\n";
const WAITING: &str = "exchanges in flight have 30 s to end\n";

async fn ask(program: &mut Program) {
    program.terminate().await;
    program.printed(|output| output.stderr.contains(STOPPING)).await;
}

#[tokio::test]
async fn a_server_ends_after_its_exchanges() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::to(&target.url()).await;
    let halves = Halves::begin(&tunnel, &mut target).await;
    ask(&mut tunnel.server.program).await;
    let mut late = Client::begin(&tunnel.server.url("/late"), &target.url(), &[]);
    let sentence = format!(
        "no tunnel: the server at `{}` takes no session now: the server is about to stop; trying again in ",
        tunnel.server.url("")
    );
    late.program.printed(|output| output.stderr.contains(&sentence)).await;
    let (head, body) = tunnel.server.get("/app", "").await;
    assert_eq!((head.status(), head.value("sendit-error")), ("503", Some("limit")));
    assert_eq!(body, "the server is being restarted; try again shortly\n");
    halves.end_well().await;
    assert_eq!(tunnel.server.program.ended().await, Some(0));
}

#[tokio::test]
async fn a_server_does_not_wait_for_a_side_that_is_silent_after_the_other_has_ended() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::to(&target.url()).await;
    let (mut visitor, mut service) = switched(&tunnel, &mut target).await;
    visitor.finish().await;
    assert_eq!(service.rest().await, (String::new(), End::Closed));
    ask(&mut tunnel.server.program).await;
    assert_eq!(visitor.rest().await, (String::new(), End::Reset));
    assert_eq!(tunnel.server.program.ended().await, Some(0));
    let said = tunnel.server.program.all().await.stderr;
    assert!(!said.contains("exchanges in flight are cut off"), "all that time was waited: {said}");
}

#[tokio::test]
async fn a_client_ends_after_its_exchanges() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::to(&target.url()).await;
    let halves = Halves::begin(&tunnel, &mut target).await;
    ask(&mut tunnel.client.program).await;
    halves.end_well().await;
    assert_eq!(tunnel.client.program.ended().await, Some(0));
    let (head, _) = tunnel.server.get("/app", "").await;
    assert_eq!((head.status(), head.value("sendit-error")), ("404", Some("unknown-prefix")));
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::to(&target.url()).await;
    let halves = Halves::begin(&tunnel, &mut target).await;
    ask(&mut tunnel.client.program).await;
    tunnel.client.program.terminate().await;
    assert_eq!(tunnel.client.program.ended().await, Some(130));
    halves.are_cut().await;

    let mut tunnel = Tunnel::to(&target.url()).await;
    let halves = Halves::begin(&tunnel, &mut target).await;
    ask(&mut tunnel.server.program).await;
    tunnel.server.program.terminate().await;
    assert_eq!(tunnel.server.program.ended().await, Some(130));
    assert!(tunnel.server.program.all().await.stderr.ends_with("error: ended by a second signal\n"));
    halves.are_cut().await;
}

/// Who stops does not come back, so nobody is told of trying.
#[tokio::test]
async fn a_client_that_stops_promises_nothing_where_its_link_is_lost() {
    let mut target = Target::start();
    let mut tunnel = Tunnel::to(&target.url()).await;
    let halves = Halves::begin(&tunnel, &mut target).await;
    ask(&mut tunnel.client.program).await;
    tunnel.server.program.kill().await;
    sleep(Duration::from_secs(3)).await;
    tunnel.client.program.kill().await;
    let said = tunnel.client.program.all().await.stderr;
    let (_, since) = said.split_once(STOPPING).unwrap();
    assert!(!since.contains("link lost") && !since.contains("no tunnel"), "{said}");
    drop(halves);
}

#[tokio::test]
async fn who_has_nothing_to_do_ends_at_once() {
    let target = Target::start();
    let mut tunnel = Tunnel::to(&target.url()).await;
    target.echo_paths();
    assert_eq!(tunnel.server.get("/app/x", "").await.1, "/app/x");
    ask(&mut tunnel.client.program).await;
    assert_eq!(tunnel.client.program.ended().await, Some(0));
    ask(&mut tunnel.server.program).await;
    assert_eq!(tunnel.server.program.ended().await, Some(0));
    for program in [&mut tunnel.client.program, &mut tunnel.server.program] {
        let said = program.all().await.stderr;
        assert!(!said.contains(WAITING), "nobody waits for what is not there: {said}");
    }
}

/// Visits one after another until the tunnel is no more. Each is answered whole, by the target or with a clear refusal.
/// How many the target answered.
async fn visit_to_the_end(addr: SocketAddr) -> usize {
    let mut answered = 0;
    loop {
        // After its last exchange a server takes no more connections, and those that wait to be taken are lost.
        let Ok(mut stream) = TcpStream::connect(addr).await else { return answered };
        let request = "GET /app/x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        let exchange = async {
            stream.write_all(request.as_bytes()).await?;
            stream.read_to_string(&mut answer).await
        };
        let exchanged = timeout(PATIENCE, exchange).await.expect("every exchange ends");
        match (exchanged, answer.as_str()) {
            (_, "") => return answered,
            (Ok(_), answer) if answer.ends_with("\r\n\r\n/app/x") => answered += 1,
            (Ok(_), answer) if answer.contains("\r\nsendit-error: unknown-prefix\r\n") => return answered,
            (Ok(_), answer) if answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: ") => {}
            (ended, answer) => panic!("`{answer}` is no whole answer: {ended:?}"),
        }
    }
}

#[tokio::test]
async fn who_comes_meanwhile_is_answered_whole() {
    for stop_server in [false, true] {
        let target = Target::start();
        let mut tunnel = Tunnel::to(&target.url()).await;
        target.echo_paths();
        let visitors = TaskTracker::new();
        let visits: Vec<_> = (0..8).map(|_| visitors.spawn(visit_to_the_end(tunnel.server.addr))).collect();
        for _ in 0..20 {
            assert_eq!(tunnel.server.get("/app/x", "").await.1, "/app/x");
        }
        let program = if stop_server { &mut tunnel.server.program } else { &mut tunnel.client.program };
        ask(program).await;
        assert_eq!(program.ended().await, Some(0), "server: {stop_server}");
        for visits in visits {
            assert!(visits.await.expect("none was cut") > 0, "server: {stop_server}");
        }
    }
}
