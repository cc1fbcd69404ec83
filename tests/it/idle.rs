//! What a thousand sessions cost a server while nothing happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, interval, timeout};
use tokio_util::task::TaskTracker;

use crate::light::Light;
use crate::process::Process;
use crate::tunnel::Server;
use crate::world::PATIENCE;

const SESSIONS: usize = 1_000;

/// How many are opened at a time.
const AT_ONCE: usize = 50;

/// KiB of resident memory for each session: its pipe and multiplexer, and the connections of its carriers.
const BOUND: u64 = 100;

/// The memory is asserted; times and CPU are told, for they are the machine's as well.
#[tokio::test]
async fn a_thousand_idle_sessions_are_cheap() {
    let server = Server::start(&[]).await;
    let (tasks, renewals) = (TaskTracker::new(), Arc::new(AtomicUsize::new(0)));
    let process = Process::of(server.program.id());
    let open = async |number: usize| {
        // Not all of them together, as in life.
        let phase = Duration::from_millis((number as u64 * 10) % 10_000);
        let mut light = Light::open(server.addr, &format!("idle-{number}"), phase, &tasks, &renewals).await;
        light.greet().await;
        light
    };
    let (before, begin) = (process.memory(), Instant::now());
    let opening = futures_util::stream::iter(0..SESSIONS).map(open).buffer_unordered(AT_ONCE);
    let lights: Vec<Light> = timeout(PATIENCE, opening.collect()).await.expect("all stand");
    let opened = begin.elapsed();
    let (at_first, begin, cpu) = (process.memory(), Instant::now(), process.cpu());
    // A carrier is renewed beside the one before, so that after a while all connections are there that there will be.
    let mut looks = interval(Duration::from_millis(100));
    let renewed = async {
        while renewals.load(Ordering::Relaxed) < 2 * SESSIONS {
            looks.tick().await;
        }
    };
    timeout(PATIENCE * 2, renewed).await.expect("all are renewed");
    let (after, cpu) = (process.memory(), process.cpu().saturating_sub(cpu));
    let each = |memory: u64| memory.saturating_sub(before) / SESSIONS as u64;
    let share = cpu.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    println!(
        "{SESSIONS} sessions opened in {opened:?}; memory each: {} KiB, renewed {} KiB",
        each(at_first),
        each(after)
    );
    println!("{share:.1} % of a core while idle; {before} KiB before, {after} KiB at the end");
    assert!(each(at_first) <= BOUND && each(after) <= BOUND, "more than {BOUND} KiB for each session");
    drop(lights);
}
