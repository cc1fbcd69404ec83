//! Short soaks: the mixed load through a tunnel whose connections are killed at random, or whose carriers are renewed all
//! the time. `cargo xtask soak` runs the long ones.
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;
use trials::faults::Plan;
use trials::load::{Figures, LARGEST, Mix};
use trials::soak::{Books, Stage, carriers, day, losses, no_streams};

const SEED: u64 = 1;

/// Often enough for many kills in a short time.
const EVERY: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_millis(500);

/// How many kills are enough.
const KILLS: u64 = 40;

/// On wire v1, where nothing is there to be killed for a while after each.
const KILLS_OF_V1: u64 = 10;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_sendit"))
}

fn mix(seed: u64) -> Mix {
    Mix { at_once: 10, seed, first_id: 0, largest: LARGEST }
}

/// A load under kills, with an undisturbed one before it.
async fn shaken(plan: fn(Plan) -> Plan, wire: &str, kills: u64) -> (Figures, Books) {
    let stage = Stage::set(binary(), SEED, plan(Plan::default()), &["--wire", wire]).await.unwrap();
    let calm = stage.load(&mix(SEED), sleep(Duration::from_secs(1))).await;
    assert_eq!((calm.failed, calm.wrong, calm.hung), (0, 0, 0), "{calm}");
    stage.proxy.change(plan(losses(EVERY)));
    let figures = stage.load(&mix(!SEED), stage.proxy.until(|tally| tally.kills() >= kills)).await;
    (figures, stage.strike().await)
}

#[track_caller]
fn check(figures: &Figures, books: &Books) {
    let told = format!("seed {SEED}\n{figures}\n{books}\n{}", books.said);
    println!("{told}");
    assert!(figures.exchanges > figures.failed, "{told}");
    assert_eq!((figures.wrong, figures.hung, books.receipts.wrong, books.receipts.twice), (0, 0, 0, 0), "{told}");
}

#[tokio::test]
async fn no_kill_is_seen() {
    let (figures, books) = shaken(|plan| plan, "v2", KILLS).await;
    check(&figures, &books);
    assert!(books.said.contains("wire v2: streams down, streams up"), "{}", books.said);
    assert_eq!((figures.failed, books.said.matches("Ready; ").count()), (0, 1), "{figures}");
}

#[tokio::test]
async fn no_kill_is_seen_where_nothing_streams() {
    let (figures, books) = shaken(no_streams, "v2", KILLS).await;
    check(&figures, &books);
    assert!(!books.said.contains("streams down") && !books.said.contains("streams up"), "{}", books.said);
    assert_eq!((figures.failed, books.said.matches("Ready; ").count()), (0, 1), "{figures}");
}

/// Wire v1 cannot survive a kill, so what is in flight fails; but it says so, no byte is another, none comes twice, and
/// the tunnel is back.
#[tokio::test]
async fn kills_are_never_silent() {
    let (figures, books) = shaken(|plan| plan, "v1", KILLS_OF_V1).await;
    check(&figures, &books);
}

/// Carriers of 50 ms, whose renewals the fault proxy counts.
#[tokio::test]
async fn no_renewal_is_seen() {
    const RENEWALS: u64 = 200;
    // All of them together are less than may come early, so that no renewal has to be given up.
    let mix = Mix { largest: 18, ..mix(SEED) };
    let flags = ["--wire", "v2", "--max-ttl", "50ms", "--log", "debug"];
    let stage = Stage::set(binary(), SEED, Plan::default(), &flags).await.unwrap();
    let figures = stage.load(&mix, stage.proxy.until(|tally| carriers(tally) >= RENEWALS)).await;
    let books = stage.strike().await;
    check(&figures, &books);
    assert_eq!((figures.failed, books.said.matches("Ready; ").count()), (0, 1), "{figures}");
    // Where the machine is busy, one that is so young may arrive after its successor: it is refused, and brought again.
    let [failed, overtaken] = ["a carrier failed", "409 Conflict"].map(|what| books.said.matches(what).count());
    assert!(failed <= overtaken, "each other was planned: {}", books.said);
}

/// What the ends hold after renewals, losses and clients that come and go is what they held before.
#[tokio::test]
async fn a_short_day_leaves_nothing_behind() {
    // Small bodies: what is looked for is what each exchange leaves, not what each needs.
    let mix = Mix { largest: 12, ..mix(SEED) };
    let day = day(binary(), &mix, Duration::from_secs(20)).await.unwrap();
    println!("{day}");
    let [before, after] = day.vitals;
    assert_eq!((day.figures.failed, day.figures.wrong, day.figures.hung), (0, 0, 0), "{day}");
    assert_eq!((day.books.receipts.wrong, day.books.receipts.twice), (0, 0), "{day}");
    assert!(day.carriers > 20 && day.losses > 20 && day.passed > 2, "{day}");
    assert!(after.holds_no_more_than(before), "{day}");
    let grown = [(before.server, after.server), (before.client, after.client)];
    for (before, after) in grown {
        assert!(after.memory <= before.memory + 4 * 1024, "{day}");
    }
}
