//! Short trials of several servers: `cargo xtask cluster` runs the long ones. What a clock says is printed; counts are
//! asserted.
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::time::Duration;

use tokio::time::{sleep, timeout};

use ::trials::cluster::{
    Crash, Engine, Frozen, Idle, Loads, Mixed, Outage, Rolling, Stage, Wanted, What, crash, frozen, idle, mixed,
    outage, rolling,
};
use ::trials::floods::{Figures, Measure};
use ::trials::program::Trouble;

use super::{binary, can_be_tried};
use crate::go::{self, Settings};
use crate::origin::Target;
use crate::visitor::Visitor;
use crate::world::PATIENCE;

const LOADS: Loads = Loads { at_once: 8, largest: 16, seed: 1 };

const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn check(figures: Result<Figures, Trouble>) {
    let figures = figures.unwrap_or_else(|trouble| panic!("{trouble}"));
    println!("{figures}");
    let beyond = figures.beyond(&[Measure::Count]);
    assert!(beyond.0.is_empty(), "{beyond}\n{figures}");
}

#[tokio::test]
async fn a_mixed_load_lands_on_any_server() {
    if can_be_tried() {
        check(mixed(binary(), Mixed { loads: LOADS, tunnels: 2, lasts: 3 * SECOND }).await);
    }
}

#[tokio::test]
async fn nothing_fails_where_a_server_is_restarted() {
    if can_be_tried() {
        check(rolling(binary(), Rolling { loads: LOADS, tunnels: 2, restarts: 1 }).await);
    }
}

#[tokio::test]
async fn only_what_was_inside_fails_where_a_server_is_killed() {
    if can_be_tried() {
        check(crash(binary(), Crash { loads: LOADS, tunnels: 2, kills: 1, each: 2 * SECOND }).await);
    }
}

#[tokio::test]
async fn nothing_fails_where_the_engine_is_emptied() {
    if can_be_tried() {
        // Longer than a lease.
        let run = Outage { loads: LOADS, tunnels: 2, what: What::Emptied, away: 8 * SECOND, after: 5 * SECOND };
        check(outage(binary(), run).await);
    }
}

#[tokio::test]
async fn nothing_fails_where_another_engine_takes_over() {
    if can_be_tried() {
        let run = Outage { loads: LOADS, tunnels: 2, what: What::FailedOver, away: 2 * SECOND, after: 5 * SECOND };
        check(outage(binary(), run).await);
    }
}

#[tokio::test]
async fn a_server_that_was_frozen_answers_for_nothing_that_it_lost() {
    if can_be_tried() {
        check(frozen(binary(), Frozen { times: 1, asked: 3 * SECOND }).await);
    }
}

#[tokio::test]
async fn idle_sessions_cost_the_engine_little() {
    if can_be_tried() {
        check(idle(binary(), Idle { sessions: 30, lasts: 4 * SECOND }).await);
    }
}

/// Its carriers come one by one, each to another server.
#[tokio::test]
async fn a_go_client_is_carried_by_any_server() {
    const SECRET: &str = "a secret of 32 bytes or even more";
    if !can_be_tried() {
        return;
    }
    let engine = Engine::start().await.unwrap();
    let flags = ["--secret", SECRET];
    let wanted = Wanted { binary: binary(), engine: engine.address(), nodes: 3, v2: 0, v1: 0, flags: &flags };
    let stage = Stage::set(wanted).await.unwrap_or_else(|trouble| panic!("{trouble}"));
    let target = Target::start().await;
    let client = || go::client::Client {
        server: stage.balancer.address,
        target: target.address,
        prefix: "model".to_owned(),
        token: go::token::mint(SECRET, "auth", ""),
        max_ttl: Duration::from_millis(200),
        settings: Settings::default(),
    };
    // A directory that was empty gives nothing for a moment; a client that is told so comes again.
    let connecting = async {
        loop {
            match client().connect().await {
                Err(refused) if refused.status == 503 => sleep(Duration::from_millis(100)).await,
                connected => return connected.expect("a tunnel"),
            }
        }
    };
    let tunnel = timeout(PATIENCE, connecting).await.expect("a tunnel");
    let visitor = Visitor::new(stage.balancer.address, "model");
    visitor.tour(&target).await;
    let exchanges = Visitor::who_keeps_none(stage.balancer.address, "model").load(2, |_| tunnel.renewals() >= 10).await;
    println!("{exchanges} exchanges over {} renewals, none failed", tunnel.renewals());
    assert_eq!(tunnel.lost(), None);
}
