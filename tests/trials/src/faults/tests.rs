//! Every fault against a tiny server that echoes.

mod echo;

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::*;
use echo::Echo;

/// Nothing that is to come takes longer; what is not to come is not waited for much longer.
const SILENCE: Duration = Duration::from_millis(700);

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

/// How what a visitor saw came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Fin,
    Rst,
    Silent,
}

struct Seen {
    bytes: usize,
    text: String,
    reads: usize,
    ended: Ended,
    took: Duration,
    /// Requests that the origin got whole.
    delivered: u64,
    tally: Tally,
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn send(plan: Plan, seed: u64, request: &str) -> Seen {
    let echo = Echo::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener, echo.address, seed, plan).unwrap();
    let begin = Instant::now();
    let mut visitor = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut from, mut to) = visitor.split();
    let mut bytes = Vec::new();
    let (mut reads, mut took) = (0, Duration::ZERO);
    let reading = async {
        loop {
            let mut part = [0; 8192];
            match timeout(SILENCE, from.read(&mut part)).await {
                Err(_) => return Ended::Silent,
                Ok(Err(_)) => return Ended::Rst,
                Ok(Ok(0)) => return Ended::Fin,
                Ok(Ok(count)) => {
                    bytes.extend_from_slice(&part[..count]);
                    reads += 1;
                    took = begin.elapsed();
                }
            }
        }
    };
    // A write that a fault cuts is seen by the reader too.
    let (ended, ()) = tokio::join!(reading, async {
        tokio::select! {
            _ = to.write_all(request.as_bytes()) => {}
            () = tokio::time::sleep(SILENCE) => {}
        }
    });
    drop(visitor);
    let tally = timeout(Duration::from_secs(10), proxy.stop()).await.expect("every task of the proxy ends");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Seen { bytes: bytes.len(), text, reads, ended, took, delivered: echo.delivered.load(Ordering::SeqCst), tally }
}

/// Sends one request through a proxy with this plan.
#[track_caller]
fn check(plan: &Plan, request: &str, ended: Ended, delivered: u64, act: Act, holds: impl FnOnce(&Seen) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seen = runtime.block_on(send(plan.clone(), 7, request));
    let told =
        format!("{plan:?}: {} bytes in {} reads: {:?}\n{}", seen.bytes, seen.reads, seen.text.get(..200), seen.tally);
    assert_eq!((seen.ended, seen.delivered), (ended, delivered), "{told}");
    assert!(seen.tally.of(act) > 0, "{act:?}: {told}");
    assert!(holds(&seen), "{told}");
}

fn after(bytes: u64, then: Then) -> Shape {
    Shape { after: Some((bytes, then)), ..Shape::default() }
}

const READ: Act = Act::Request(Kind::Read);

#[test]
fn nothing_planned_changes_nothing() {
    check(&Plan::default(), &post("/read", "abc"), Ended::Silent, 1, READ, |seen| {
        seen.text.starts_with(HEAD) && seen.text.ends_with("abc")
    });
    check(&Plan::default(), "no HTTP\r\n\r\n", Ended::Fin, 0, Act::Connection, |seen| {
        seen.text.starts_with("HTTP/1.1 400")
    });
}

#[test]
fn cuts_at_a_byte() {
    let body = "x".repeat(1000);
    for (cut, ended) in [(Cut::Fin, Ended::Fin), (Cut::Rst, Ended::Rst)] {
        let act = Act::CutAtByte(cut);
        let up = Plan { up: after(500, Then::Cut(cut)), ..Plan::default() };
        check(&up, &post("/write", &body), ended, 0, act, |_| true);
        let down = Plan { down: after(500, Then::Cut(cut)), ..Plan::default() };
        // What was on its way when a reset overtakes it may be lost.
        check(&down, &post("/read", &body), ended, 1, act, |seen| {
            seen.text.matches('x').count() == 500 || cut == Cut::Rst
        });
    }
}

#[test]
fn only_what_the_plan_names() {
    let plan = Plan { only: vec![Kind::Write], down: after(1, Then::Cut(Cut::Fin)), ..Plan::default() };
    check(&plan, &post("/read", "abc"), Ended::Silent, 1, READ, |seen| seen.text.ends_with("abc"));
}

#[test]
fn stalls_and_black_holes() {
    let body = "x".repeat(1000);
    for (then, act) in [(Then::Stall, Act::Stall), (Then::BlackHole, Act::BlackHole)] {
        let plan = Plan { down: after(500, then), ..Plan::default() };
        check(&plan, &post("/read", &body), Ended::Silent, 1, act, |seen| seen.text.matches('x').count() == 500);
        let plan = Plan { up: after(0, then), ..Plan::default() };
        check(&plan, &post("/read", &body), Ended::Silent, 0, act, |seen| seen.bytes == 0);
    }
}

#[test]
fn delay_adds_to_each_way() {
    let shape = Shape { delay: Duration::from_millis(50), ..Shape::default() };
    let plan = Plan { up: shape.clone(), down: shape, ..Plan::default() };
    check(&plan, &post("/read", "abc"), Ended::Silent, 1, READ, |seen| seen.took >= Duration::from_millis(100));
}

#[test]
fn bandwidth_is_kept() {
    let shape = Shape { bandwidth: Some(200_000), ..Shape::default() };
    let plan = Plan { down: shape, ..Plan::default() };
    check(&plan, &post("/read", &"x".repeat(50_000)), Ended::Silent, 1, READ, |seen| {
        seen.bytes > 50_000 && seen.took >= Duration::from_millis(200) && seen.took < Duration::from_secs(2)
    });
}

#[test]
fn one_byte_at_a_time() {
    let shape = Shape { one_by_one: true, ..Shape::default() };
    let plan = Plan { up: shape.clone(), down: shape, ..Plan::default() };
    check(&plan, &post("/read", &"x".repeat(100)), Ended::Silent, 1, READ, |seen| {
        seen.text.ends_with(&"x".repeat(100)) && seen.reads > 10
    });
}

#[test]
fn kills_what_is_in_flight() {
    for (cut, ended) in [(Cut::Fin, Ended::Fin), (Cut::Rst, Ended::Rst), (Cut::Hole, Ended::Silent)] {
        for (path, loss) in [("/read", Loss::Read), ("/write", Loss::Write), ("/write", Loss::Both)] {
            let every = Duration::from_millis(10)..=Duration::from_millis(20);
            let kills = Kills { what: vec![loss], how: vec![cut], every };
            // Never whole, so it is in flight when its time comes.
            let request = post(path, "abc").replace("Length: 3", "Length: 4");
            let plan = Plan { kills: Some(kills.clone()), ..Plan::default() };
            check(&plan, &request, ended, 0, Act::Kill(loss, cut), |seen| seen.tally.kills() == 1);
            let plan = Plan { kills: Some(kills), ..Plan::default() };
            check(&plan, &request.replace(path, "/other"), Ended::Silent, 0, Act::NoVictim, |seen| {
                seen.tally.kills() == 0
            });
        }
    }
}

#[test]
fn kills_whatever_there_is() {
    let every = Duration::from_millis(10)..=Duration::from_millis(20);
    let plan = || Plan {
        kills: Some(Kills { what: vec![Loss::Any], how: vec![Cut::Fin], every: every.clone() }),
        ..Plan::default()
    };
    for request in ["POST /other HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc", "POST /read HT", ""] {
        check(&plan(), request, Ended::Fin, 0, Act::Kill(Loss::Any, Cut::Fin), |seen| seen.tally.kills() == 1);
    }
}

#[test]
fn kills_follow_the_seed() {
    let kills = Kills {
        what: vec![Loss::Read, Loss::Write, Loss::Both],
        how: vec![Cut::Fin, Cut::Rst],
        every: Duration::from_millis(50)..=Duration::from_secs(2),
    };
    let choices = |seed| {
        let mut random = Rng::with_seed(seed);
        let turns: Vec<_> = (0..50).map(|_| victims::between(&kills, &mut random)).collect();
        assert!(turns.iter().all(|turn| kills.every.contains(turn)), "{turns:?}");
        turns
    };
    assert_eq!(choices(1), choices(1));
    assert_ne!(choices(1), choices(2));
}

#[test]
fn a_request_has_an_age() {
    let plan = Plan { max_age: Some(Duration::from_millis(100)), ..Plan::default() };
    let request = post("/read", "abc").replace("Length: 3", "Length: 4");
    check(&plan, &request, Ended::Fin, 0, Act::TooOld, |_| true);
    check(&plan, &post("/read", "abc"), Ended::Silent, 1, READ, |seen| seen.tally.of(Act::TooOld) == 0);
}

#[test]
fn cuts_inside_the_handshake() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let plan = Plan { handshake_cuts: 1.0, ..Plan::default() };
    for seed in 0..8 {
        let seen = runtime.block_on(send(plan.clone(), seed, &post("/read", &"x".repeat(1000))));
        let cuts = seen.tally.of(Act::HandshakeCut(Cut::Fin)) + seen.tally.of(Act::HandshakeCut(Cut::Rst));
        assert_eq!(cuts, 1, "{seed}: {}", seen.tally);
        assert_ne!(seen.ended, Ended::Silent, "{seed}");
        assert!(seen.text.matches('x').count() <= 64, "{seed}: {}", seen.text);
    }
}

#[test]
fn a_request_is_late() {
    let plan = Plan { late: 1.0, ..Plan::default() };
    check(&plan, &post("/write", "abc"), Ended::Silent, 1, Act::Late, |seen| {
        seen.took >= Duration::from_millis(100) && seen.tally.of(Act::Overtaken) == 0
    });
}

#[test]
fn a_request_is_sent_twice() {
    for (copy, turn) in [(Copy::AnswerFirst, "turn: 1"), (Copy::AnswerSecond, "turn: 2")] {
        let plan = Plan { duplicate: Some(copy), ..Plan::default() };
        check(&plan, &post("/write", "abc"), Ended::Silent, 2, Act::Duplicate, |seen| {
            seen.text.ends_with("abc") && seen.text.contains(turn) && seen.text.matches(HEAD).count() == 1
        });
        // One that says nothing of a body has none, and so a length that is known.
        let bare = "POST /read HTTP/1.1\r\nHost: h\r\n\r\n";
        check(&plan, bare, Ended::Silent, 2, Act::Duplicate, |seen| seen.text.contains(turn));
        let get = bare.replace("POST", "GET");
        check(&plan, &get, Ended::Silent, 1, READ, |seen| seen.tally.of(Act::Duplicate) == 0);
    }
}

#[test]
fn heads_are_held() {
    let plan = Plan { heads: Heads::Hold, down: after(1, Then::Stall), ..Plan::default() };
    check(&plan, &post("/read", "abc"), Ended::Silent, 1, Act::HeldHead, |seen| seen.text.ends_with("\r\n\r\na"));
    let plan = Plan { heads: Heads::Hold, ..Plan::default() };
    check(&plan, &post("/read", ""), Ended::Silent, 1, Act::HeldHead, |seen| seen.text.ends_with("\r\n\r\n"));
}

#[test]
fn requests_are_buffered() {
    let plan = Plan { buffer_request: Some(100), ..Plan::default() };
    check(&plan, &post("/write", "abc"), Ended::Silent, 1, Act::BufferedRequest, |seen| seen.text.ends_with("abc"));
    let half = "POST /write HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    check(&plan, half, Ended::Silent, 0, Act::Connection, |seen| seen.bytes == 0);
    check(&plan, &post("/write", &"x".repeat(101)), Ended::Fin, 0, Act::TooLarge, |seen| {
        seen.text.starts_with("HTTP/1.1 413")
    });
}

#[test]
fn answers_are_buffered() {
    let slow = Plan { buffer_response: Some(100), ..Plan::default() };
    check(&slow, &post("/read", "abc"), Ended::Silent, 1, Act::BufferedResponse, |seen| seen.text.ends_with("abc"));
    let long = "x".repeat(1000);
    check(&slow, &post("/read", &long), Ended::Silent, 1, Act::BufferedResponse, |seen| seen.text.ends_with(&long));
}

#[test]
fn some_are_refused() {
    let plan = Plan { refusals: 1.0, ..Plan::default() };
    check(&plan, &post("/read", "abc"), Ended::Fin, 0, Act::Refusal, |seen| seen.text.starts_with("HTTP/1.1 503"));
}

/// Not a fault: what is dropped ends with everything that it started.
#[tokio::test]
async fn dropped_it_cuts_what_goes_through() {
    let echo = Echo::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener, echo.address, 1, Plan::default()).unwrap();
    let tasks = proxy.shared.tasks.clone();
    let mut visitor = TcpStream::connect(proxy.address()).await.unwrap();
    visitor.write_all(post("/read", "abc").as_bytes()).await.unwrap();
    visitor.read_u8().await.unwrap();
    drop(proxy);
    timeout(SILENCE, tasks.wait()).await.expect("every task ends");
    let mut rest = Vec::new();
    timeout(SILENCE, visitor.read_to_end(&mut rest)).await.expect("the connection is cut").ok();
}
