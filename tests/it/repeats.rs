//! What may happen to a single request between the two ends of wire v2: it is sent twice, overtaken, or cut in the
//! middle, it or its answer. Nothing is lost by it, and nothing comes twice. The fault proxy counts that it did happen.
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::path::Path;

use tokio::time::Instant;
use trials::faults::{Act, Copy, Cut, Kind, Plan, Shape, Tally, Then};
use trials::load::Mix;
use trials::soak::{Stage, no_streams};

use crate::world::PATIENCE;

/// How often it has to happen.
const ENOUGH: u64 = 5;

/// What the client has to say of its manner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Batches from the beginning to the end.
    Batches,
    /// Streams, which are awaited. Carriers live short, so that there are many.
    Streams,
}

/// Sends a load through `plan` until it has done enough of what `count` counts.
async fn check(plan: Plan, manner: Manner, count: fn(&Tally) -> u64) {
    let binary = Path::new(env!("CARGO_BIN_EXE_sendit"));
    let told = format!("{plan:?}");
    let stage = Stage::set(binary, 1, plan, &["--wire", "v2", "--max-ttl", "200ms"]).await.unwrap();
    // Not so large that a carrier that is cut short would have to be brought a hundred times for one of them.
    let mix = Mix { at_once: 10, seed: 1, first_id: 0, largest: 16 };
    if manner == Manner::Streams {
        let streams = |said: &str| said.contains("streams down") || said.contains("streams up");
        stage.client.printed(Instant::now() + PATIENCE, "streamed", streams).await.unwrap();
    }
    let before = count(&stage.proxy.tally());
    let figures = stage.load(&mix, stage.proxy.until(|tally| count(tally) >= before + ENOUGH)).await;
    let books = stage.strike().await;
    let told = format!("{told}\n{figures}\n{books}\n{}", books.said);
    println!("{told}");
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{told}");
    assert_eq!((books.receipts.wrong, books.receipts.twice), (0, 0), "{told}");
    assert_eq!((books.receipts.delivered, books.said.matches("Ready; ").count()), (figures.exchanges, 1), "{told}");
    let streamed = books.said.contains("streams down") || books.said.contains("streams up");
    assert_eq!(streamed, manner == Manner::Streams, "{told}");
}

fn cut_after(bytes: u64, cut: Cut) -> Shape {
    Shape { after: Some((bytes, Then::Cut(cut))), ..Shape::default() }
}

fn cuts(tally: &Tally) -> u64 {
    tally.of(Act::CutAtByte(Cut::Fin)) + tally.of(Act::CutAtByte(Cut::Rst))
}

fn handshakes(tally: &Tally) -> u64 {
    tally.of(Act::HandshakeCut(Cut::Fin)) + tally.of(Act::HandshakeCut(Cut::Rst))
}

#[tokio::test]
async fn a_batch_is_sent_twice_and_the_first_answer_taken() {
    let plan = no_streams(Plan { duplicate: Some(Copy::AnswerFirst), ..Plan::default() });
    check(plan, Manner::Batches, |tally| tally.of(Act::Duplicate)).await;
}

#[tokio::test]
async fn a_batch_is_sent_twice_and_the_second_answer_taken() {
    let plan = no_streams(Plan { duplicate: Some(Copy::AnswerSecond), ..Plan::default() });
    check(plan, Manner::Batches, |tally| tally.of(Act::Duplicate)).await;
}

/// The second is stale. (Only the answer streams: a request that does has no length, and nobody can keep it.)
#[tokio::test]
async fn a_stream_is_sent_twice() {
    let plan = Plan { only: vec![Kind::Read], duplicate: Some(Copy::AnswerFirst), ..Plan::default() };
    check(plan, Manner::Streams, |tally| tally.of(Act::Duplicate)).await;
}

#[tokio::test]
async fn a_batch_is_overtaken_by_later_ones() {
    let plan = no_streams(Plan { late: 0.5, ..Plan::default() });
    check(plan, Manner::Batches, |tally| tally.of(Act::Overtaken)).await;
}

#[tokio::test]
async fn a_stream_down_is_cut_in_the_middle() {
    let plan = Plan { only: vec![Kind::Read], down: cut_after(100_000, Cut::Fin), ..Plan::default() };
    check(plan, Manner::Streams, cuts).await;
}

#[tokio::test]
async fn a_stream_up_is_cut_in_the_middle() {
    let plan = Plan { only: vec![Kind::Write], up: cut_after(100_000, Cut::Rst), ..Plan::default() };
    check(plan, Manner::Streams, cuts).await;
}

#[tokio::test]
async fn a_batch_is_ended_in_the_middle() {
    let plan = Plan { down: cut_after(50_000, Cut::Fin), up: cut_after(50_000, Cut::Fin), ..Plan::default() };
    check(no_streams(plan), Manner::Batches, cuts).await;
}

#[tokio::test]
async fn a_batch_is_reset_in_the_middle() {
    let plan = Plan { down: cut_after(50_000, Cut::Rst), up: cut_after(50_000, Cut::Rst), ..Plan::default() };
    check(no_streams(plan), Manner::Batches, cuts).await;
}

/// Whether what it was for has arrived, nobody told.
#[tokio::test]
async fn a_head_or_an_answer_is_cut_where_it_begins() {
    let plan = Plan { handshake_cuts: 0.2, only: vec![Kind::Read, Kind::Write], ..Plan::default() };
    check(plan, Manner::Streams, handshakes).await;
}

#[tokio::test]
async fn an_acknowledgement_is_cut() {
    let plan = no_streams(Plan { handshake_cuts: 0.2, ..Plan::default() });
    check(plan, Manner::Batches, handshakes).await;
}
