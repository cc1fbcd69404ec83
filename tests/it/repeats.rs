//! What may happen to a single request between the two ends of wire v2: it is sent twice, overtaken, or cut in the
//! middle, it or its answer. Nothing is lost by it, and nothing comes twice. The fault proxy counts that it did happen.
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::path::Path;

use trials::faults::{Act, Copy, Cut, Kind, Plan, Shape, Tally, Then};
use trials::load::Mix;
use trials::soak::{Stage, no_streams};

/// How often it has to happen.
const ENOUGH: u64 = 60;

/// What the client has to say of its manner at some time.
#[derive(Clone, Copy)]
enum Manner {
    Batches,
    Any,
}

/// Sends a load through `plan` until it has done enough of what `count` counts.
async fn check(plan: Plan, manner: Manner, count: fn(&Tally) -> u64) {
    let binary = Path::new(env!("CARGO_BIN_EXE_sendit"));
    let told = format!("{plan:?}");
    let stage = Stage::set(binary, 1, plan, &["--wire", "v2"]).await.unwrap();
    // Not so large that a carrier that is cut short would have to be brought a hundred times for one of them.
    let mix = Mix { at_once: 10, seed: 1, first_id: 0, largest: 17 };
    let figures = stage.load(&mix, stage.proxy.until(|tally| count(tally) >= ENOUGH)).await;
    let books = stage.strike().await;
    let told = format!("{told}\n{figures}\n{books}\n{}", books.said);
    println!("{told}");
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{told}");
    assert_eq!((books.receipts.wrong, books.receipts.twice), (0, 0), "{told}");
    assert_eq!((books.receipts.delivered, books.said.matches("Ready; ").count()), (figures.exchanges, 1), "{told}");
    match manner {
        Manner::Batches => assert!(!books.said.contains(": streams") && !books.said.contains(", streams"), "{told}"),
        Manner::Any => {}
    }
}

fn cut_after(bytes: u64, cut: Cut) -> Shape {
    Shape { after: Some((bytes, Then::Cut(cut))), ..Shape::default() }
}

fn cuts(tally: &Tally) -> u64 {
    tally.of(Act::CutAtByte(Cut::Fin)) + tally.of(Act::CutAtByte(Cut::Rst))
}

#[tokio::test]
async fn a_batch_is_sent_twice() {
    for copy in [Copy::AnswerFirst, Copy::AnswerSecond] {
        let plan = no_streams(Plan { duplicate: Some(copy), ..Plan::default() });
        check(plan, Manner::Batches, |tally| tally.of(Act::Duplicate)).await;
    }
}

/// The second of a stream that is sent twice is stale, and one of them is the one that is answered.
#[tokio::test]
async fn a_stream_down_is_sent_twice() {
    for copy in [Copy::AnswerFirst, Copy::AnswerSecond] {
        let plan = Plan { only: vec![Kind::Read], duplicate: Some(copy), ..Plan::default() };
        check(plan, Manner::Any, |tally| tally.of(Act::Duplicate)).await;
    }
}

#[tokio::test]
async fn a_batch_is_overtaken_by_later_ones() {
    let plan = no_streams(Plan { late: 0.5, ..Plan::default() });
    check(plan, Manner::Batches, |tally| tally.of(Act::Overtaken)).await;
}

#[tokio::test]
async fn a_stream_is_cut_in_the_middle() {
    for cut in [Cut::Fin, Cut::Rst] {
        let plan = Plan { only: vec![Kind::Read], down: cut_after(100_000, cut), ..Plan::default() };
        check(plan, Manner::Any, cuts).await;
        let plan = Plan { only: vec![Kind::Write], up: cut_after(100_000, cut), ..Plan::default() };
        check(plan, Manner::Any, cuts).await;
    }
}

#[tokio::test]
async fn a_batch_is_cut_in_the_middle() {
    for cut in [Cut::Fin, Cut::Rst] {
        let plan = Plan { down: cut_after(50_000, cut), up: cut_after(50_000, cut), ..Plan::default() };
        check(no_streams(plan), Manner::Batches, cuts).await;
    }
}

/// Whether what it brought has arrived, nobody told.
#[tokio::test]
async fn an_acknowledgement_is_cut() {
    for plan in [Plan::default(), no_streams(Plan::default())] {
        let plan = Plan { handshake_cuts: 0.2, only: vec![Kind::Read, Kind::Write], ..plan };
        check(plan, Manner::Any, |tally| tally.of(Act::HandshakeCut(Cut::Fin)) + tally.of(Act::HandshakeCut(Cut::Rst)))
            .await;
    }
}
