//! What becomes of a tunnel whose connections are silent from some moment on, as where packets are dropped: nobody is told,
//! so the client has to find out. And what does not become of one that is merely slow.
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use trials::faults::{Act, Cut, Kind, Plan, Shape, Then};
use trials::load::Mix;
use trials::soak::{Stage, no_streams};

use crate::world::PATIENCE;

/// What is found out after 2.5 s, or 5.5 s where nothing was under way, on a machine that does much else. Each carrier's
/// own bound, and any other that a silent one would meet, is 15 s.
const SOON: Duration = Duration::from_secs(12);

/// A tunnel whose carriers are not renewed while the test looks, so that none is replaced but by doubt.
async fn stage(plan: Plan) -> Stage {
    let binary = Path::new(env!("CARGO_BIN_EXE_sendit"));
    Stage::set(binary, 1, plan, &["--wire", "v2", "--max-ttl", "10m", "--log", "debug"]).await.unwrap()
}

const STREAMS: &str = "wire v2: streams down, streams up";

/// The same through what lets everything pass: it streams, unless the machine does so much else that streams lag.
async fn streaming(plan: Plan) -> Stage {
    let stage = stage(plan).await;
    let tried = |said: &str| said.contains("wire v2: ");
    stage.client.printed(Instant::now() + PATIENCE, "said how the link is carried", tried).await.unwrap();
    stage
}

/// Nothing that begins or goes on now arrives anywhere.
fn nowhere() -> Plan {
    let shape = Shape { after: Some((0, Then::BlackHole)), ..Shape::default() };
    Plan { up: shape.clone(), down: shape, ..Plan::default() }
}

const MIX: Mix = Mix { at_once: 4, seed: 1, first_id: 0, largest: 14 };

/// One load through a stage, whole in the end.
async fn whole(stage: &Stage, time: Duration) {
    let figures = stage.load(&MIX, sleep(time)).await;
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{figures}\n{}", stage.client.output());
}

async fn silenced(stage: Stage) {
    whole(&stage, Duration::from_millis(200)).await;
    assert!(stage.proxy.cut(Cut::Hole) > 0);
    let begin = Instant::now();
    whole(&stage, Duration::from_millis(200)).await;
    let took = begin.elapsed();
    let books = stage.strike().await;
    println!("whole after {:.1} s\n{books}", took.as_secs_f64());
    assert!(took < SOON, "{took:?}\n{books}\n{}", books.said);
    assert_eq!(books.said.matches("Ready; ").count(), 1, "{}", books.said);
}

#[tokio::test]
async fn streams_that_fall_silent_are_replaced() {
    silenced(streaming(Plan::default()).await).await;
}

#[tokio::test]
async fn batches_that_fall_silent_are_replaced() {
    silenced(stage(no_streams(Plan::default())).await).await;
}

/// Nothing is owed, so the client has to ask.
#[tokio::test]
async fn a_link_that_falls_silent_while_idle_is_replaced() {
    let stage = streaming(Plan::default()).await;
    let reads = || stage.proxy.tally().of(Act::Request(Kind::Read));
    sleep(Duration::from_millis(500)).await;
    let before = reads();
    assert!(stage.proxy.cut(Cut::Hole) > 0);
    let begin = Instant::now();
    let replaced = stage.proxy.until(|tally| tally.of(Act::Request(Kind::Read)) > before);
    assert!(timeout(SOON, replaced).await.is_ok(), "{}", stage.client.output());
    println!("replaced after {:.1} s", begin.elapsed().as_secs_f64());
    whole(&stage, Duration::from_millis(200)).await;
    stage.strike().await;
}

/// However long nothing passes, the link is back soon after it does, and is what it was.
#[tokio::test]
async fn a_link_is_back_soon_after_its_network() {
    let stage = streaming(Plan::default()).await;
    whole(&stage, Duration::from_millis(200)).await;
    stage.proxy.change(nowhere());
    assert!(stage.proxy.cut(Cut::Hole) > 0);
    let lost = |said: &str| said.contains("link lost: what was sent is not answered");
    stage.client.printed(Instant::now() + PATIENCE, "told of its loss", lost).await.unwrap();
    sleep(Duration::from_secs(8)).await;
    stage.proxy.change(Plan::default());
    let begin = Instant::now();
    whole(&stage, Duration::from_millis(200)).await;
    let took = begin.elapsed();
    println!("whole after {:.1} s", took.as_secs_f64());
    assert!(took < SOON, "{took:?}\n{}", stage.client.output());
    if stage.client.output().contains(STREAMS) {
        let again = |said: &str| said.rsplit("link back").next().is_some_and(|said| said.contains(STREAMS));
        stage.client.printed(Instant::now() + PATIENCE * 2, "streamed again", again).await.unwrap();
    }
    stage.strike().await;
}

/// Batches that take longer than is waited for an answer. They are doubted, which costs a probe beside them and nothing
/// else.
#[tokio::test]
async fn batches_that_are_slow_are_not_given_up() {
    let up = Shape { bandwidth: Some(12_000), ..Shape::default() };
    let stage = stage(no_streams(Plan { up, ..Plan::default() })).await;
    let mix = Mix { at_once: 3, largest: 18, ..MIX };
    let figures = stage.load(&mix, sleep(Duration::from_secs(5))).await;
    let books = stage.strike().await;
    println!("{figures}\n{books}\n{}", books.said);
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{figures}\n{}", books.said);
    assert!(books.said.contains("the link is doubted"), "it was not slow enough: {}", books.said);
    assert!(!books.said.contains("what carries is replaced"), "{}", books.said);
    assert!(!books.said.contains("a carrier failed"), "{}", books.said);
}

/// On a path that is full in both directions answers stand in its queue.
#[tokio::test]
async fn streams_that_are_slow_are_not_given_up() {
    let shape = || Shape { bandwidth: Some(125_000), delay: Duration::from_millis(50), ..Shape::default() };
    let stage = streaming(Plan { up: shape(), down: shape(), ..Plan::default() }).await;
    let mix = Mix { at_once: 4, largest: 20, ..MIX };
    let figures = stage.load(&mix, sleep(Duration::from_secs(5))).await;
    let books = stage.strike().await;
    println!("{figures}\n{books}\n{}", books.said);
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{figures}\n{}", books.said);
    assert!(!books.said.contains("a carrier failed"), "{}", books.said);
}
