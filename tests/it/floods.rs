//! Short floods: crowds, slow and stalled visitors, servers that stop, frames of HTTP/2. `cargo xtask promises` runs the
//! long ones. What a clock says is printed; counts, memory and ratios of a run are asserted.
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::path::Path;
use std::time::Duration;

use trials::floods::{
    Crowd, Figures, Measure, Slow, Stalled, Stops, Target, Unfair, crowd, frames, slow, stalled, stops, unfair,
};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_sendit"))
}

#[track_caller]
fn check(figures: &Figures) {
    println!("{figures}");
    let beyond = figures.beyond(&[Measure::Count, Measure::Ratio]);
    assert!(beyond.0.is_empty(), "{beyond}");
}

#[tokio::test]
async fn a_crowd_is_answered() {
    let target = Target::start().unwrap();
    // As much for each as 700 MiB are for ten thousand, and what a server has without any.
    let memory = 300.0 * 0.07 + 24.0;
    let run = Crowd { visitors: 300, sessions: 2, hold: Duration::from_secs(1), flags: &[], memory };
    check(&crowd(binary(), target.address, &run).await.unwrap());
}

#[tokio::test]
async fn the_slow_are_in_nobodys_way() {
    check(&slow(binary(), &Slow { connections: 600, each: Duration::from_secs(3) }).await.unwrap());
}

#[tokio::test]
async fn the_stalled_cost_little() {
    let target = Target::start().unwrap();
    // The two downloads are seconds apart, and what else the machine does in them is not ours. A server that is built for tests
    // has up to 36 MiB of its own after them.
    let each = 400.0;
    let memory = 100.0 * each / 1024.0 + 40.0;
    let run = Stalled { visitors: 100, sessions: 1, memory, each, slower: 5.0 };
    check(&stalled(binary(), target.address, &run).await.unwrap());
}

#[tokio::test]
async fn nothing_in_flight_fails_where_a_server_stops() {
    check(&stops(binary(), Stops { times: 3 }).await.unwrap());
}

#[tokio::test]
async fn a_flood_harms_no_other_tunnel() {
    let target = Target::start().unwrap();
    let run = Unfair { flood: 50, paced: Duration::from_millis(50), stuck: 50, each: Duration::from_secs(2) };
    check(&unfair(binary(), target.address, &run).await.unwrap());
}

#[tokio::test]
async fn frames_that_only_cost_are_bounded() {
    check(&frames(binary()).await.unwrap());
}
