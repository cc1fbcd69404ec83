//! A client that is there no more without having said so: stopped, cut off, or killed. What its visitors are told and
//! when, and who gets its prefix.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use trials::faults::{Cut, Plan, Proxy, Shape, Then};

use crate::peer::{Head, Peer};
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::v2::answer::raw;
use crate::v2::{SECRET, ask, token};
use crate::world::{Output, PATIENCE};

const GET: &str = "GET /app/x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

/// The promise, for what is noticed and for each visitor.
const PROMISED: Duration = Duration::from_secs(15);

/// How much later than that may be the machine's doing, and the test's own, which looks twice a second.
const ALLOWANCE: Duration = Duration::from_secs(2);

const GRACE: Duration = Duration::from_secs(5);

/// A server with that grace.
async fn serve() -> Server {
    Server::start(&["--secret", SECRET, "--grace", "5s"]).await
}

/// A visitor's visit: when it came and when it was answered, both since the client was lost.
struct Visit {
    came: Duration,
    answered: Duration,
    head: Head,
}

impl Visit {
    fn told(&self) -> (&str, Option<&str>) {
        (self.head.status(), self.head.value("sendit-error"))
    }
}

async fn visit(server: SocketAddr, since: Instant) -> Visit {
    let came = since.elapsed();
    let stream = TcpStream::connect(server).await.unwrap();
    let mut visitor = Peer::new(stream);
    visitor.send(GET).await;
    let head = visitor.head().await;
    Visit { came, answered: since.elapsed(), head }
}

/// The status with which a token asks for the prefix, and what that means.
async fn asked(server: SocketAddr, subject: &str) -> (String, String) {
    let answer = ask(server, &token(subject), json!({ "prefix": "app" }).to_string()).await;
    (answer.status().to_owned(), if answer.status() == "200" { String::new() } else { answer.code() })
}

/// What comes of a client that says nothing from `since` on, while visitors come all the time, and another token asks for
/// its prefix.
async fn is_found_out(what: &str, server: &Server, since: Instant) {
    let (addr, mut visits, mut ticks) = (server.addr, JoinSet::new(), interval(Duration::from_millis(500)));
    let mut kept = Duration::ZERO;
    let freed = loop {
        ticks.tick().await;
        visits.spawn(visit(addr, since));
        let (status, code) = asked(addr, "another").await;
        if status == "200" {
            break since.elapsed();
        }
        assert_eq!((&*status, &*code), ("409", "prefix-in-use"));
        kept = since.elapsed();
        assert!(kept < PROMISED + GRACE + PATIENCE, "the prefix was never freed");
    };
    let visits = timeout(PATIENCE, visits.join_all()).await.expect("each is answered");
    for visit in &visits {
        let took = visit.answered.saturating_sub(visit.came);
        assert!(took <= PROMISED, "{took:?}: who came after {:?} was told {}", visit.came, visit.head.start);
        let told = visit.told();
        let offline = matches!(told, ("502" | "503", Some("client-offline")));
        assert!(offline || told == ("404", Some("unknown-prefix")) && visit.answered >= kept, "{told:?}");
    }
    // Whoever comes before that is passed on, and told that the client was lost; whoever comes later waits for it.
    let noticed = visits.iter().filter(|visit| visit.told().0 == "503").map(|visit| visit.came).min();
    let noticed = noticed.expect("somebody waited for the client and was told that it is gone");
    let longest = visits.iter().map(|visit| visit.answered.saturating_sub(visit.came)).max().unwrap_or_default();
    println!(
        "{what}: noticed after {noticed:.1?}, the prefix free after {freed:.1?}; {} visitors answered, each within {longest:.1?}",
        visits.len()
    );
    assert!(noticed <= PROMISED + ALLOWANCE, "noticed after {noticed:?}");
    assert!(freed >= GRACE + noticed.saturating_sub(ALLOWANCE), "free after {freed:?}");
}

/// A client whose directions both stream, and an exchange that it has had when it is lost.
struct Scene {
    client: Client,
    waiting: Peer,
    service: Peer,
}

impl Scene {
    async fn set(server: &Server, url: &str) -> Self {
        let mut target = Target::start();
        let args = ["--token", &token("mine"), "--hold", "3s"];
        let mut client = Client::start(url, &target.url(), &args).await;
        let mut waiting = server.visit().await;
        waiting.send(GET).await;
        let mut service = target.accept().await;
        service.head().await;
        client.streams().await;
        assert!(waiting.is_silent(Duration::from_secs(1)).await, "both directions have gone over to streams");
        Self { client, waiting, service }
    }

    /// What the client has had may be answered for as long as its session may go on, and no longer.
    async fn is_over(&mut self) {
        let head = self.waiting.head().await;
        assert_eq!((head.status(), head.value("sendit-error")), ("502", Some("client-offline")));
        self.waiting.expect("the tunnel's client was lost before it answered\n").await;
    }
}

#[tokio::test]
async fn a_stopped_client_is_found_out() {
    let server = serve().await;
    let mut scene = Scene::set(&server, &server.url("/app")).await;
    scene.client.program.signal("-STOP").await;
    is_found_out("stopped", &server, Instant::now()).await;
    scene.is_over().await;

    scene.client.program.signal("-CONT").await;
    let lost = "no tunnel: the server does not know the session any more; trying again in ";
    scene.client.program.printed(|output| output.stderr.contains(lost)).await;
    scene.client.program.printed(|output| output.stderr.contains("in use by another client")).await;
    assert_eq!(scene.service.rest().await.0, "", "what nobody waits for is cut off");
}

#[tokio::test]
async fn a_client_that_is_cut_off_is_found_out() {
    let server = serve().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let between = Proxy::start(listener, server.addr, 1, Plan::default()).unwrap();
    let mut scene = Scene::set(&server, &format!("http://{}/app", between.address())).await;
    let nothing = Shape { after: Some((0, Then::BlackHole)), ..Shape::default() };
    between.change(Plan { up: nothing.clone(), down: nothing, ..Plan::default() });
    assert!(between.cut(Cut::Hole) > 0, "there were connections");
    is_found_out("cut off", &server, Instant::now()).await;
    scene.is_over().await;
    scene.client.program.printed(|output| output.stderr.contains("link lost: ")).await;
}

/// Its own token has the prefix back without a wait, and with it the visitors who wait; another token has it once the
/// grace is over.
#[tokio::test]
async fn a_killed_client_is_replaced_by_its_own_token_at_once() {
    let server = serve().await;
    let (first, second, third) = (Target::start(), Target::start(), Target::start());
    let urls = [&first, &second, &third].map(Target::url);
    let begin = |target: &str, subject: &str| Client::begin(&server.url("/app"), target, &["--token", &token(subject)]);
    let mut client = begin(&urls[0], "mine");
    client.ready(1).await;
    client.program.kill().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut visitor = server.visit().await;
        visitor.send(GET).await;
        assert!(visitor.is_silent(Duration::from_millis(200)).await, "it waits");
        held.push(visitor);
    }
    assert_eq!(asked(server.addr, "another").await.1, "prefix-in-use");

    second.echo_paths();
    let again = Instant::now();
    let mut client = begin(&urls[1], "mine");
    client.ready(1).await;
    let back = again.elapsed();
    for mut visitor in held {
        assert_eq!(visitor.head().await.status(), "200");
        visitor.expect("/app/x").await;
    }
    let said = client.program.output().stderr;
    assert!(!said.contains("no tunnel"), "the prefix was not to be had at first: {said}");

    client.program.kill().await;
    let killed = Instant::now();
    third.echo_paths();
    let mut client = begin(&urls[2], "another");
    client.program.printed(|output| output.stderr.contains("the prefix `app` is in use by another client")).await;
    client.ready(1).await;
    let taken = killed.elapsed();
    println!("its own token was ready {back:.1?} after its start, another one {taken:.1?} after the kill");
    assert!(taken >= GRACE, "{taken:?}");
    assert_eq!(server.get("/app/x", "").await.1, "/app/x");
}

/// A proxy that keeps the first request, whose client sees it cut, and passes everything after it. Gives what it has kept.
async fn keep_the_first(listener: TcpListener, server: SocketAddr, kept: oneshot::Sender<Vec<u8>>) {
    let (mut first, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"}") {
        assert_ne!(first.read_buf(&mut bytes).await.unwrap(), 0, "the request is whole");
    }
    drop(first);
    kept.send(bytes).unwrap();
    let mut passing = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let mut server = TcpStream::connect(server).await.unwrap();
        passing.spawn(async move { copy_bidirectional(&mut client, &mut server).await });
    }
}

#[tokio::test]
async fn an_open_that_was_held_back_takes_nothing_from_the_one_after_it() {
    let server = serve().await;
    let target = Target::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/app", listener.local_addr().unwrap());
    let (kept, first) = oneshot::channel();
    let mut proxies = JoinSet::new();
    proxies.spawn(keep_the_first(listener, server.addr, kept));
    let target_url = target.url();
    target.echo_paths();
    let client = Client::start(&url, &target_url, &["--token", &token("mine")]).await;
    let first = String::from_utf8(first.await.unwrap()).unwrap();
    // Once it has come, and whenever it comes again.
    for _ in 0..2 {
        let answer = raw(server.addr, first.replacen("\r\n", "\r\nConnection: close\r\n", 1)).await;
        assert_eq!((answer.status(), &*answer.code()), ("409", "prefix-in-use"));
        assert_eq!(server.get("/app/x", "").await.1, "/app/x");
    }
    let said = client.program.output().stderr;
    assert_eq!(said.matches("Ready; Forwarding").count(), 1, "{said}");
}

/// It is of a process that has been killed since, and the one after it may have any number.
#[tokio::test]
async fn an_open_of_a_killed_client_that_comes_late_takes_nothing_from_the_next_client() {
    let mut server = Server::start(&["--secret", SECRET, "--ready-within", "3s"]).await;
    let target = Target::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/app", listener.local_addr().unwrap());
    let (kept, first) = oneshot::channel();
    let mut proxies = JoinSet::new();
    proxies.spawn(keep_the_first(listener, server.addr, kept));
    let (target_url, token) = (target.url(), token("mine"));
    target.echo_paths();
    let mut killed = Client::begin(&url, &target_url, &["--token", &token]);
    let first = String::from_utf8(first.await.unwrap()).unwrap();
    killed.program.kill().await;
    let mut client = Client::start(&server.url("/app"), &target_url, &["--token", &token]).await;
    let opened = |output: &Output| output.stderr.matches("session opened").count();
    let before = opened(&server.program.output());
    let answer = raw(server.addr, first.replacen("\r\n", "\r\nConnection: close\r\n", 1)).await;
    assert_eq!(answer.status(), "200", "nobody can know that its client is dead");
    assert_eq!(server.get("/app/x", "").await.1, "/app/x");
    let log = server.program.printed(|output| opened(output) > before && output.stderr.contains("session lost")).await;
    assert!(log.stderr.contains("the client has been gone for too long"), "{}", log.stderr);
    assert_eq!(server.get("/app/y", "").await.1, "/app/y");
    let said = client.program.output().stderr;
    assert_eq!(said.matches("Ready; Forwarding").count(), 1, "{said}");

    // One that is there takes the prefix over, and the other is told.
    let mut next = Client::start(&server.url("/app"), &target_url, &["--token", &token]).await;
    assert_eq!(client.program.ended().await, Some(4));
    assert_eq!(server.get("/app/z", "").await.1, "/app/z");
    next.ready(1).await;
}
