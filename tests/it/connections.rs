//! How many connections there may be: the idle make room, and where all are at work the next is told so. The system may
//! give fewer descriptors than that.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::peer::Peer;
use crate::process::Process;
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::program;

/// A request that keeps its connection at work: its body is never whole.
fn unfinished() -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n{{",
        crate::v2::OPEN
    )
}

#[tokio::test]
async fn the_idle_make_room_and_the_busy_do_not() {
    let server = Server::start(&["--max-connections", "4"]).await;
    let mut idle = Vec::new();
    for said in ["", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "GET /half", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut visitor = server.visit().await;
        visitor.send(said).await;
        if said.starts_with("GET / ") {
            visitor.head().await;
        }
        if said.starts_with("PRI") {
            // Until then it waits as one that may become anything, and begins to wait anew.
            visitor.read_block(&mut [0; 9]).await;
        }
        idle.push(visitor);
    }
    let mut busy = Vec::new();
    for _ in 0..4 {
        let mut visitor = server.visit().await;
        visitor.send(unfinished()).await;
        // Until its request is there it is as idle as the others.
        assert_eq!(visitor.head().await.status(), "100");
        busy.push(visitor);
    }
    for mut visitor in idle {
        // What is not over by now has made room; that of HTTP/2 may have said so before.
        let (said, _) = visitor.rest().await;
        assert!(!said.contains("HTTP/1.1"), "{said}");
    }
    for _ in 0..20 {
        let (head, body) = server.get("/", "").await;
        assert_eq!((head.status(), head.value("sendit-error")), ("503", Some("limit")));
        assert_eq!(body, "the server is busy; try again shortly\n");
    }
    drop(busy.pop());
    let mut visitor = server.visit().await;
    visitor.send(unfinished()).await;
    for mut visitor in busy {
        visitor.send(&[b' '; 99]).await;
        assert_eq!(visitor.head().await.status(), "400", "it was never disturbed");
    }
}

/// They are only listened to, and keep nobody out.
#[tokio::test]
async fn who_has_been_refused_makes_room() {
    let server = Server::start(&["--max-connections", "4"]).await;
    let upload = "POST /nobody HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100\r\n\r\n{";
    for (said, status) in [("GET  / HTTP/1.1\r\n\r\n", "400"), (upload, "404")] {
        let mut refused = Vec::new();
        for _ in 0..4 {
            let mut visitor = server.visit().await;
            visitor.send(said).await;
            assert_eq!(visitor.head().await.status(), status);
            refused.push(visitor);
        }
        for _ in 0..4 {
            assert_eq!(server.get("/", "").await.0.status(), "200", "{said:?}");
        }
    }
}

#[tokio::test]
async fn an_address_has_its_share() {
    let flags = ["--max-connections-per-address", "2", "--trusted-proxy", "none"];
    let server = Server::start(&flags).await;
    let visitors = [server.visit().await, server.visit().await];
    let (head, _) = server.get("/", "").await;
    assert_eq!((head.status(), head.value("sendit-error")), ("503", Some("limit")));
    for mut visitor in visitors {
        visitor.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
        assert_eq!(visitor.head().await.status(), "200");
        visitor.rest().await;
    }
    // By another address of the same machine.
    assert_eq!(server.get("/", "").await.0.status(), "200");
}

const DESCRIPTORS: u32 = 64;
/// How many exchanges there may be with so many: three quarters of what is left beside the server's own 24.
const PLACES: usize = 30;
const FLOOD: usize = 300;

/// How long the flood is watched, and the share of a core that the server may take of it: nothing is done but accepting,
/// and a loop that spins takes all of it.
const WATCHED: Duration = Duration::from_secs(3);
const SHARE: f64 = 0.25;

/// `setrlimit` for the one program.
async fn starved() -> Server {
    let mut command = program("sh");
    let binary = env!("CARGO_BIN_EXE_sendit");
    command.args(["-c", &format!("ulimit -n {DESCRIPTORS} && exec {binary} serve --addr 127.0.0.1:0")]);
    Server::of(command).await
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn sessions_outlive_a_flood_that_takes_all_descriptors() {
    let (mut target, server) = (Target::start(), starved().await);
    // Renewed often, so that carriers need connections in the flood as well.
    let mut client = Client::start(&server.url("/app"), &target.url(), &["--max-ttl", "300ms"]).await;
    let process = Process::of(server.program.id());
    let mut flood: Vec<Peer> = Vec::new();
    for number in 0..FLOOD {
        let mut visitor = server.visit().await;
        visitor.try_send(["", "GET /app", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"][number % 3]).await;
        flood.push(visitor);
    }
    let (begin, cpu) = (Instant::now(), process.cpu());
    sleep_until(begin + WATCHED).await;
    let share = process.cpu().saturating_sub(cpu).as_secs_f64() / begin.elapsed().as_secs_f64();
    println!("{:.1} % of a core with {FLOOD} connections and {DESCRIPTORS} descriptors", share * 100.0);
    assert!(share < SHARE, "{share}");
    // Exchanges that stay: what is beyond three quarters of the connections is told so.
    let (mut answered, mut held) = (0, Vec::new());
    for _ in 0..FLOOD {
        let mut visitor = server.visit().await;
        visitor.send(get("/app/held")).await;
        held.push(visitor);
    }
    let mut services = Vec::new();
    for _ in 0..PLACES {
        services.push(target.accept().await);
    }
    assert!(timeout(WATCHED, target.next()).await.is_err(), "there are more than may be");
    for service in &mut services {
        service.head().await;
        service.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    }
    for mut visitor in held {
        let (said, _) = visitor.rest().await;
        answered += usize::from(said.starts_with("HTTP/1.1 204"));
    }
    assert_eq!(answered, PLACES, "all that were taken in are answered");
    drop((flood, services));
    target.echo_paths();
    assert_eq!(server.get("/app/x", "").await.1, "/app/x");
    client.ready(1).await;
    let said = client.program.output().stderr;
    assert_eq!((said.matches("Ready; ").count(), said.contains("no tunnel")), (1, false), "{said}");
}

/// More than most systems let wait by themselves, and how soon each has to be taken where there is room: one that finds none
/// is tried again by its own system after a second.
const CROWD: usize = 1_500;
const AT_ONCE: Duration = Duration::from_millis(900);

#[tokio::test]
async fn a_crowd_finds_room_to_wait_in() {
    let server = Server::start(&[]).await;
    server.program.signal("-STOP").await;
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    let mut waiting = 0;
    // Who has left meanwhile still waits to be accepted, and costs no descriptor here.
    while waiting < CROWD && matches!(timeout(AT_ONCE, TcpStream::connect(server.addr)).await, Ok(Ok(_))) {
        waiting += 1;
    }
    server.program.signal("-CONT").await;
    assert!(waiting >= CROWD.min(most), "{waiting} of {CROWD}, of which the system allows {most}");
    assert_eq!(server.get("/", "").await.0.status(), "200");
}
