//! The client in Python of `tests/apps`, which was written from `docs/protocol.md` alone: what the document says is enough to
//! get through whatever a path does, and this server keeps to it. Each step looks at what visitors get, at what the server
//! says, and at whether what it is about has happened.
#![cfg(unix)]

mod mistakes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::process::Command;
use trials::faults::{Act, Copy, Cut, Kills, Kind, Loss, Plan, Proxy, Shape, Tally, Then};
use trials::intermediaries;
use trials::soak::no_streams;

use crate::apps::{self, script};
use crate::left_out;
use crate::origin;
use crate::target::Target;
use crate::tunnel::Server;
use crate::v2::{SECRET, token};
use crate::visitor::Visitor;
use crate::world::Program;

/// How often that has to happen which a step is about.
const ENOUGH: u64 = 5;

const BATCHES: &[&str] = &["--down", "batch", "--up", "batch"];

/// The document promises that a client needs no more.
#[test]
fn it_is_short() {
    let program = [include_str!("../apps/wire_v2.py"), include_str!("../apps/yamux.py")];
    let lines: Vec<&str> = program.iter().flat_map(|text| text.lines()).collect();
    assert!(lines.len() < 300, "{}", lines.len());
    assert!(lines.iter().all(|line| line.len() <= 110));
    assert!(include_str!("../../docs/protocol.md").contains("in less than 300 lines"));
}

/// The Python that the client runs in; if there is none, that is noted.
fn python() -> Option<PathBuf> {
    apps::python("the client in Python")
}

/// The client, under the prefix `app`.
fn client(python: &Path, server: &str, target: &str, args: &[&str]) -> Program {
    started(script(python, "wire_v2.py", &[server, &token("python"), "app", target]), args)
}

fn started(mut client: Command, args: &[&str]) -> Program {
    client.args(args).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
    Program::start(client)
}

async fn serve() -> Server {
    Server::start(&["--secret", SECRET]).await
}

/// So many sessions have been opened.
async fn opened(server: &mut Server, times: usize) {
    server.program.printed(|output| output.stderr.matches(" session opened ").count() >= times).await;
}

/// Small and large exchanges both ways, one and many at a time. Says how many there were.
async fn exchanges(visitor: &Visitor) -> usize {
    assert_eq!((visitor.up(1, 10).await, visitor.down(2, 10).await), (Ok(()), Ok(())));
    let both = tokio::join!(visitor.up(3, 2_000_000), visitor.down(4, 2_000_000));
    assert_eq!(both, (Ok(()), Ok(())));
    4 + visitor.load(20, |done| done >= 60).await
}

/// The client has left in order, and the server has seen nothing but that and so many exchanges that went well. Returns what
/// the client said.
async fn all_is_well(mut client: Program, server: &mut Server, exchanges: usize) -> String {
    client.terminate().await;
    assert_eq!(client.ended().await, Some(0), "{:?}", client.output());
    let said = client.all().await.stdout;
    // A path that repeats or cuts may take the CLOSE with it; then the session is unknown.
    let last = said.lines().next_back().unwrap_or_default();
    assert!(last == "ended close 1 the server ends the session" || last.starts_with("ended 410 "), "{said}");
    let log = server.program.printed(|output| output.stderr.contains(" session closed ")).await.stderr;
    let count = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!((count(" session opened "), count(" session closed "), count(" WARN ")), (1, 1, 0), "{log}");
    assert_eq!((count(" exchange "), count(" status=200 ")), (exchanges, exchanges), "{log}");
    said
}

/// Does all that on a path with this plan. `happened` counts what the step is about, by what the path and the client say.
async fn check(args: &[&str], plan: Plan, happened: impl Fn(&Tally, &str) -> u64) {
    let Some(python) = python() else { return };
    let (mut server, target) = (serve().await, origin::Target::start().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = Proxy::start(listener, server.addr, 1, plan).unwrap();
    let client = client(&python, &format!("http://{}", path.address()), &target.address.to_string(), args);
    opened(&mut server, 1).await;
    let exchanges = exchanges(&Visitor::new(server.addr, "app")).await;
    let said = all_is_well(client, &mut server, exchanges).await;
    let tally = path.tally();
    assert!(happened(&tally, &said) >= ENOUGH, "{tally}\n{said}");
}

fn lines(said: &str, beginning: &str) -> u64 {
    said.lines().filter(|line| line.starts_with(beginning)).count() as u64
}

fn cut_after(bytes: u64, cut: Cut) -> Shape {
    Shape { after: Some((bytes, Then::Cut(cut))), ..Shape::default() }
}

fn cuts(tally: &Tally) -> u64 {
    tally.of(Act::CutAtByte(Cut::Fin)) + tally.of(Act::CutAtByte(Cut::Rst))
}

#[tokio::test]
async fn streams_and_batches() {
    for args in [&["--down", "batch"][..], &["--up", "batch"], BATCHES] {
        check(args, Plan::default(), |_, said| lines(said, "read batch").max(lines(said, "write batch"))).await;
    }
}

/// Events as they come, a WebSocket, and a hundred exchanges at a time.
#[tokio::test]
async fn everything_that_an_exchange_may_be() {
    let Some(python) = python() else { return };
    let (mut server, target) = (serve().await, origin::Target::start().await);
    let _client = client(&python, &server.url(""), &target.address.to_string(), &[]);
    opened(&mut server, 1).await;
    Visitor::new(server.addr, "app").tour(&target).await;
}

#[tokio::test]
async fn streams_are_renewed_and_nothing_is_lost() {
    let renewed = |_: &Tally, said: &str| {
        let before = said.split_once("drain ").expect("it left").0;
        assert_eq!((lines(before, "read stream"), lines(before, "lost ")), (1, 0), "{said}");
        lines(before, "read renewal").min(lines(before, "write stream")) / 2
    };
    check(&["--renew", "65536"], Plan::default(), renewed).await;
}

#[tokio::test]
async fn a_stream_down_is_cut_in_the_middle() {
    let plan = Plan { only: vec![Kind::Read], down: cut_after(100_000, Cut::Fin), ..Plan::default() };
    check(&[], plan, |tally, said| cuts(tally).min(lines(said, "lost "))).await;
}

#[tokio::test]
async fn a_stream_up_is_cut_in_the_middle() {
    let plan = Plan { only: vec![Kind::Write], up: cut_after(100_000, Cut::Rst), ..Plan::default() };
    check(&[], plan, |tally, said| cuts(tally).min(lines(said, "lost "))).await;
}

#[tokio::test]
async fn a_batch_down_is_cut_in_the_middle() {
    let plan = Plan { only: vec![Kind::Read], down: cut_after(50_000, Cut::Fin), ..Plan::default() };
    check(BATCHES, plan, |tally, said| cuts(tally).min(lines(said, "lost "))).await;
}

#[tokio::test]
async fn batches_are_cut_wherever_they_are() {
    let every = Duration::from_millis(50)..=Duration::from_millis(100);
    let kills = Kills { what: vec![Loss::Both], how: vec![Cut::Fin, Cut::Rst], every };
    let killed = |tally: &Tally, said: &str| {
        let kills = [Cut::Fin, Cut::Rst].map(|cut| tally.of(Act::Kill(Loss::Both, cut)));
        kills.iter().sum::<u64>().min(lines(said, "lost "))
    };
    check(BATCHES, Plan { kills: Some(kills), ..Plan::default() }, killed).await;
}

/// Whether what it was for has arrived, nobody told.
#[tokio::test]
async fn a_head_or_an_answer_is_cut_where_it_begins() {
    let only = vec![Kind::Read, Kind::Write];
    let plan = Plan { handshake_cuts: 0.1, only, ..Plan::default() };
    check(BATCHES, plan, |_, said| lines(said, "lost ")).await;
}

#[tokio::test]
async fn a_batch_is_sent_twice() {
    for copy in [Copy::AnswerFirst, Copy::AnswerSecond] {
        let only = vec![Kind::Read, Kind::Write];
        check(BATCHES, Plan { duplicate: Some(copy), only, ..Plan::default() }, |tally, _| tally.of(Act::Duplicate))
            .await;
    }
}

#[tokio::test]
async fn a_path_that_passes_nothing_on_but_whole() {
    let held = |tally: &Tally, _: &str| tally.of(Act::BufferedRequest).min(tally.of(Act::BufferedResponse));
    check(BATCHES, no_streams(Plan::default()), held).await;
}

#[tokio::test]
async fn through_an_nginx_as_it_comes() {
    let nginx =
        intermediaries::ALL.iter().find(|intermediary| intermediary.name == "nginx").expect("it is in the table");
    let is_here = nginx.find().is_some() || left_out::is_here(nginx.program, "the client in Python through nginx");
    let Some(python) = python().filter(|_| is_here) else { return };
    let (mut server, target) = (serve().await, origin::Target::start().await);
    let running = nginx.start(server.addr).await.unwrap();
    let client = client(&python, &format!("http://{}", running.address), &target.address.to_string(), BATCHES);
    opened(&mut server, 1).await;
    let exchanges = exchanges(&Visitor::new(server.addr, "app")).await;
    all_is_well(client, &mut server, exchanges).await;
}

/// An answer that is under way when an end leaves is brought to its end first, whichever end that is.
#[tokio::test]
async fn either_end_leaves_in_order() {
    for ours in [true, false] {
        let Some(python) = python() else { return };
        let (mut server, mut target) = (serve().await, Target::start());
        let mut client = client(&python, &server.url(""), target.url().trim_start_matches("http://"), &[]);
        opened(&mut server, 1).await;
        let mut visitor = server.visit().await;
        visitor.send("GET /app/x HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
        let mut service = target.accept().await;
        service.head().await;
        service.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
        visitor.until("half").await;
        if ours {
            server.program.terminate().await;
            server.program.printed(|output| output.stderr.contains("stopping; ")).await;
        } else {
            client.terminate().await;
            client.printed(|output| output.stdout.contains("drain ")).await;
        }
        service.send(" whole").await;
        visitor.until(" whole").await;
        assert_eq!(client.ended().await, Some(0), "{:?}", client.output());
        let said = client.all().await.stdout;
        assert!(said.ends_with("ended close 1 the server ends the session\n"), "{said}");
        let log = server.program.printed(|output| output.stderr.contains(" session closed ")).await.stderr;
        assert_eq!((log.contains(" status=200 "), log.contains(" WARN ")), (true, false), "{log}");
        if ours {
            assert_eq!(server.program.ended().await, Some(0));
        }
    }
}

/// The client makes a mistake that ends its session, and opens another, as the document asks of it; that one works.
async fn check_anew(mistake: &str, args: &[&str], server_says: &str, client_says: &str) {
    let Some(python) = python() else { return };
    let (mut server, target) = (serve().await, origin::Target::start().await);
    let (token, address) = (token("python"), target.address.to_string());
    let mistaken = script(python, "mistaken.py", &[mistake, &server.url(""), &token, "app", &address]);
    let mut client = started(mistaken, args);
    opened(&mut server, 2).await;
    exchanges(&Visitor::new(server.addr, "app")).await;
    client.terminate().await;
    assert_eq!(client.ended().await, Some(0));
    let (said, log) = (client.all().await.stdout, server.program.output().stderr);
    assert!(said.contains(client_says), "{said}");
    assert_eq!(lines(&said, "ended "), 2, "{said}");
    assert_eq!((log.matches(server_says).count(), log.matches(" session opened ").count()), (1, 2), "{log}");
}

#[tokio::test]
async fn a_wrong_proof_is_refused() {
    let refusal = "ended 401 {\"error\":{\"code\":\"bad-proof\"";
    check_anew("proof", &[], "a carrier without a valid proof was refused", refusal).await;
}

#[tokio::test]
async fn a_record_of_an_unknown_type_ends_the_session() {
    for args in [&[][..], &["--up", "batch"]] {
        check_anew("record", args, "a record of the unknown type 99", "400 {\"error\":{\"code\":\"bad-carrier\"").await;
    }
}

/// What the server knows it grants. What it does not know it ignores, and the client sees that from what is granted.
#[tokio::test]
async fn what_an_older_server_does_not_know() {
    let Some(python) = python() else { return };
    let (mut server, target) = (serve().await, origin::Target::start().await);
    let address = target.address.to_string();
    let mut lacking = client(&python, &server.url(""), &address, &["--ask", "colour", "blue"]);
    assert_eq!(lacking.ended().await, Some(1));
    let said = lacking.all().await;
    assert_eq!((&*said.stdout, &*said.stderr), ("", "not granted: colour\n"));

    let granted = client(&python, &server.url(""), &address, &["--ask", "host_header", "a.example"]);
    opened(&mut server, 2).await;
    let (status, fields) = Visitor::new(server.addr, "app").get("fields").await.unwrap();
    assert!(status == 200 && String::from_utf8_lossy(&fields).contains("host: a.example\n"), "{fields:?}");
    drop(granted);
}
