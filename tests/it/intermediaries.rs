//! A tunnel through each real intermediary. Wire v2 gets through all of them; wire v1 needs both directions streamed,
//! and what does not stream has to be told of, in one sentence and in time.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "the figures of a passing test are worth reading too")]

use std::path::Path;
use std::time::Duration;

use trials::faults::Plan;
use trials::intermediaries::{ALL, CUTTING, Crossing, Endured, Freight, Intermediary, Ordeal, PATIENCE};
use trials::load::Mix;
use trials::soak::losses;

use crate::left_out::is_here;

/// What a tunnel has to come to.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// It stands within this time, and carries each way so many bytes.
    Passes { ready: Duration, bulk: u64, lag: Duration },
    /// The client says that something on the way holds it back.
    Held,
}

/// What wire v2 comes to, whatever stands between. A loaded machine needs more time than the one that is promised.
const PASSES: Expected =
    Expected::Passes { ready: Duration::from_secs(10), bulk: 16 * 1024 * 1024, lag: Duration::from_millis(150) };

#[tokio::test]
async fn nginx() {
    check("nginx", PASSES).await;
}

#[tokio::test]
async fn nginx_with_http_1_1() {
    check("nginx, HTTP/1.1", PASSES).await;
}

#[tokio::test]
async fn nginx_unbuffered() {
    check("nginx, unbuffered", PASSES).await;
}

#[tokio::test]
async fn nginx_unbuffered_and_unlimited() {
    check("nginx, unbuffered, unlimited", PASSES).await;
}

#[tokio::test]
async fn nginx_with_small_bodies() {
    check("nginx, 64 KiB bodies", PASSES).await;
}

#[tokio::test]
async fn nginx_unbuffered_with_small_bodies() {
    check("nginx, unbuffered, 64 KiB bodies", PASSES).await;
}

#[tokio::test]
async fn haproxy() {
    check("HAProxy", PASSES).await;
}

#[tokio::test]
async fn haproxy_without_delay() {
    check("HAProxy, no delay", PASSES).await;
}

#[tokio::test]
async fn apache() {
    check("Apache", PASSES).await;
}

#[tokio::test]
async fn caddy() {
    check("Caddy", PASSES).await;
}

#[tokio::test]
async fn varnish() {
    check("Varnish", PASSES).await;
}

#[tokio::test]
async fn squid_that_the_client_is_told_of() {
    check("Squid, forward", PASSES).await;
}

#[tokio::test]
async fn squid_before_the_server() {
    check("Squid, reverse", PASSES).await;
}

#[tokio::test]
async fn what_wire_v1_cannot_pass_is_said() {
    tokio::join!(check_v1("nginx", Expected::Held), check_v1("Apache", Expected::Held));
}

#[tokio::test]
async fn wire_v1_passes_what_streams() {
    let bulk = 1024 * 1024;
    let passes = Expected::Passes { ready: Duration::from_secs(10), bulk, lag: Duration::from_secs(1) };
    check_v1("nginx, unbuffered, unlimited", passes).await;
    check_v1("HAProxy, no delay", passes).await;
}

async fn check_v1(name: &str, expected: Expected) {
    cross(name, expected, &["--wire", "v1"]).await;
}

async fn check(name: &str, expected: Expected) {
    cross(name, expected, &[]).await;
    let Some(intermediary) = find(&ALL, name) else { return };
    let every = Duration::from_millis(50)..=Duration::from_millis(500);
    let endured = endure(intermediary, losses(every), &[]).await;
    assert!(endured.kills >= 5, "{name}: {endured}");
}

/// Each request is cut after 1 s at the latest, whatever it carries, and none is renewed before by the client's own will.
#[tokio::test]
async fn intermediaries_that_cut_every_request() {
    for intermediary in CUTTING.iter().filter_map(|intermediary| find(&CUTTING, intermediary.name)) {
        let endured = endure(intermediary, Plan::default(), &["--max-ttl", "10m"]).await;
        assert!(endured.carriers >= TIME.as_secs(), "{}: {endured}", intermediary.name);
    }
}

/// How long the mixed load lasts here; `cargo xtask intermediaries` lets it last.
const TIME: Duration = Duration::from_secs(4);

async fn endure(intermediary: &Intermediary, plan: Plan, flags: &[&str]) -> Endured {
    let (name, mix) = (intermediary.name, Mix { at_once: 10, seed: 1, first_id: 0, largest: 20 });
    let ordeal = Ordeal { mix, time: TIME, plan, flags };
    let endured = intermediary.try_out(Path::new(env!("CARGO_BIN_EXE_sendit")), &ordeal).await;
    let endured = endured.unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
    println!("{name}: {endured}");
    let told = format!("{name}: {endured}\n{}\n{:?}\n{}", endured.figures, endured.receipts, endured.said);
    assert_eq!((endured.failed(), endured.said.matches("Ready; ").count()), (0, 1), "{told}");
    assert!(endured.figures.exchanges > 0, "{told}");
    endured
}

/// The intermediary of a name; none where it is left out because its program is missing.
fn find<'a>(all: &'a [Intermediary], name: &str) -> Option<&'a Intermediary> {
    let intermediary = all.iter().find(|intermediary| intermediary.name == name).expect("it is in the table");
    // What lies where only its owner looks is found too.
    let found = intermediary.find().is_some() || is_here(intermediary.program, &format!("the tunnel through {name}"));
    found.then_some(intermediary)
}

async fn cross(name: &str, expected: Expected, flags: &[&str]) {
    let Some(intermediary) = find(&ALL, name) else { return };
    let bulk = match expected {
        Expected::Passes { bulk, .. } => bulk,
        Expected::Held => 0,
    };
    let crossing = intermediary.cross(Path::new(env!("CARGO_BIN_EXE_sendit")), Freight { flags, bulk }).await;
    let crossing = crossing.unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
    println!("{name}: {crossing}");
    match (expected, &crossing) {
        (Expected::Passes { ready, lag, .. }, Crossing::Passed(passage)) => {
            assert!(passage.ready <= ready, "{name}: {crossing}");
            assert!(passage.request <= passage.alone + lag, "{name}: {crossing}");
        }
        (Expected::Held, Crossing::Held { after, .. }) => assert!(*after <= PATIENCE, "{name}: {crossing}"),
        _ => panic!("{name}: expected {expected:?}, but {crossing}"),
    }
}
