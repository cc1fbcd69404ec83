//! The directory in a real engine: who gets a prefix, who loses it, and what is left while the engine is away.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt as _;
use sendit::cluster::{Found, Node, NodeId, Unavailable, Unclaimed};
use sendit::wire::Prefix;
use tokio::time::timeout;

use super::engine::{Engine, free_port};
use super::member::{HOLD, PATIENCE, World, is_held_by, until};

#[tokio::test]
async fn a_prefix_is_one_nodes_until_it_gives_it_up() {
    let Some(engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let (one, two) = world.pair(&engine.url()).await;
    assert!(matches!(one.try_claim("app").await, Err(Unclaimed::Young(_))));
    assert_eq!(two.find("app").await, Ok(Found::Unknown));

    let claim = one.claim("app").await;
    is_held_by(two.try_claim("app").await, 1);
    is_held_by(one.try_claim("app").await, 1);
    assert_eq!(one.find("app").await, Ok(Found::Here));
    let found = two.finds("app", |found| matches!(found, Found::At { .. })).await;
    let Found::At { node, fence, hold, lapsed } = found else { unreachable!() };
    assert_eq!((node.id, fence, hold, lapsed), (one.directory.me(), claim.fence(), HOLD, false));
    assert!(world.asked.lock().unwrap().is_empty());

    // A holder that is known is known until it says otherwise; then it is looked up.
    drop(claim);
    until(|| async { (!engine.say::<bool>(&["EXISTS", "{sendit}:claim:app"])).then_some(()) }).await;
    assert!(matches!(two.find("app").await, Ok(Found::At { .. })));
    two.directory.forget("app", fence);
    assert_eq!(two.find("app").await, Ok(Found::Nobody));
    let next = two.try_claim("app").await.unwrap();
    assert!(next.fence() > fence);

    // What is given away anybody may have, and its visitors wait.
    next.moving(Duration::from_secs(60));
    until(|| async { engine.say::<String>(&["GET", "{sendit}:claim:app"]).contains(" moving ").then_some(()) }).await;
    // They wait for as long as its node would have, however short that is meant to be where it gives something away.
    let left = engine.say::<u64>(&["PTTL", "{sendit}:claim:app"]);
    assert!((50_000..=60_000).contains(&left), "{left}");
    let found = one.finds("app", |found| matches!(found, Found::Moving { .. })).await;
    assert_eq!(found, Found::Moving { hold: HOLD });
    drop(next);
    let last = one.try_claim("app").await.unwrap();
    is_held_by(two.try_claim("app").await, 1);
    let counts = one.directory.counts();
    assert_eq!((counts.claims.get(), counts.leases_lost.get(), counts.claims_lost.get()), (2, 0, 0));
    drop(last);
}

#[tokio::test]
async fn sessions_of_one_subject_are_counted_over_all_nodes() {
    let Some(engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let (one, two) = world.pair(&engine.url()).await;
    let mut claims = vec![one.claim("aaa").await, two.claim("bbb").await, one.claim("ccc").await];
    assert_eq!(two.try_claim("ddd").await.unwrap_err(), Unclaimed::TooMany);
    claims.pop();
    claims.push(two.claim("ddd").await);
    // Those of a node that is dead do not count.
    world.dies(one);
    claims.push(two.claim("eee").await);
}

#[tokio::test]
async fn what_a_dead_node_had_is_taken_once_it_was_asked_in_vain() {
    let Some(engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let (one, two) = world.pair(&engine.url()).await;
    let claim = one.claim("app").await;
    // It lives, yet its lease ends.
    drop(one.keeping);
    two.finds("app", |found| matches!(found, Found::At { lapsed: true, .. })).await;
    is_held_by(two.try_claim("app").await, 1);
    assert_eq!(*world.asked.lock().unwrap(), [one.directory.me()]);
    assert!(!one.directory.may_answer());

    world.living.lock().unwrap().clear();
    let taken = two.try_claim("app").await.unwrap();
    assert!(taken.fence() > claim.fence());
    assert_eq!(world.asked.lock().unwrap().len(), 2);

    // Who begins to listen at an address knows that what did before is dead.
    let again = Node { id: NodeId::from_random([9; 8]), ..two.directory.nodes()[0].clone() };
    let three = world.join_at(&engine.url(), again).await.unwrap();
    let ids: Vec<NodeId> = three.directory.nodes().iter().map(|node| node.id).collect();
    assert_eq!(ids, [three.directory.me()]);
}

#[tokio::test]
async fn a_node_that_was_away_loses_what_was_taken_and_keeps_the_rest() {
    let Some(engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let (one, two) = world.pair(&engine.url()).await;
    let (lost, kept) = (one.claim("lost").await, one.claim("kept").await);
    // As one that was frozen: the engine no longer knows its lease, and it does not answer.
    world.living.lock().unwrap().remove(&one.directory.me());
    let taken = until(|| async {
        engine.say::<()>(&["DEL", "{sendit}:node:0101010101010101"]);
        two.try_claim("lost").await.ok()
    })
    .await;
    timeout(PATIENCE, lost.lost()).await.unwrap();
    assert_eq!(two.find("lost").await, Ok(Found::Here));
    assert!(timeout(Duration::ZERO, kept.lost()).await.is_err());
    assert_eq!(one.find("kept").await, Ok(Found::Here));
    drop(lost);
    is_held_by(two.try_claim("kept").await, 1);
    is_held_by(one.try_claim("lost").await, 2);
    drop(taken);
}

#[tokio::test]
async fn an_engine_that_was_emptied_is_told_everything_again() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let (one, two) = world.pair(&engine.url()).await;
    let claim = one.claim("app").await;
    let revoked = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<BTreeSet<_>>();
    one.directory.revoke(revoked(&["sub:x"]));
    let all = two.directory.revoked();
    until(|| async { (**all.borrow() == revoked(&["sub:x"])).then_some(()) }).await;
    two.directory.revoke(revoked(&["sub:y"]));
    until(|| async { (**all.borrow() == revoked(&["sub:x", "sub:y"])).then_some(()) }).await;
    let before = engine.say::<u64>(&["GET", "{sendit}:fence"]);

    engine.restart();
    // Nobody is given anything before all have written what they have.
    let outcome = until(|| async { two.try_claim("app").await.err().filter(|it| *it != Unclaimed::Unavailable) }).await;
    assert!(matches!(outcome, Unclaimed::Young(_) | Unclaimed::Held(_)), "{outcome:?}");
    until(|| async { matches!(two.try_claim("app").await, Err(Unclaimed::Held(_))).then_some(()) }).await;
    assert!(timeout(Duration::ZERO, claim.lost()).await.is_err());
    let other = two.claim("other").await;
    assert!(engine.say::<u64>(&["GET", "{sendit}:fence"]) > before);
    assert!(other.fence() > claim.fence());
    one.directory.revoke(revoked(&[]));
    until(|| async { (**all.borrow() == revoked(&["sub:y"])).then_some(()) }).await;
}

#[tokio::test]
async fn while_the_engine_is_away_what_is_known_goes_on() {
    let Some(engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let (one, two) = world.pair(&engine.url()).await;
    let claim = one.claim("app").await;
    two.finds("app", |found| matches!(found, Found::At { .. })).await;

    engine.signal("-STOP");
    two.shows("is not reached").await;
    one.shows("is not reached").await;
    // Past its lease, a node that is awake answers; what is known is told, and of the rest it is said at once that nobody knows.
    until(|| async { (one.directory.counts().failed_renewals.get() >= 5).then_some(()) }).await;
    assert!(one.directory.may_answer() && two.directory.may_answer());
    assert!(matches!(two.find("app").await, Ok(Found::At { .. })));
    assert_eq!(two.find("unknown").now_or_never(), Some(Err(Unavailable)));
    assert_eq!(two.try_claim("unknown").now_or_never().map(Result::unwrap_err), Some(Unclaimed::Unavailable));
    assert!(!world.asked.lock().unwrap().is_empty());

    engine.signal("-CONT");
    one.recovers().await;
    two.recovers().await;
    assert!(timeout(Duration::ZERO, claim.lost()).await.is_err());
    is_held_by(two.try_claim("app").await, 1);
    assert!(one.directory.counts().failed_renewals.get() > 0);
}

#[tokio::test]
async fn who_hears_neither_the_engine_nor_another_answers_nobody() {
    let Some(mut engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let (one, _two) = world.pair(&engine.url()).await;
    let _claim = one.claim("app").await;
    until(|| async { (one.directory.nodes().len() == 2).then_some(()) }).await;
    world.living.lock().unwrap().clear();
    engine.end();
    until(|| async { (!one.directory.may_answer()).then_some(()) }).await;
    assert!(one.directory.confirmed().now_or_never().is_none());
    engine.begin();
    timeout(PATIENCE, one.directory.confirmed()).await.unwrap();
}

#[tokio::test]
async fn a_replica_takes_the_engines_place() {
    let port = free_port();
    let Some(mut primary) = Engine::start(&["--port", &port]) else { return };
    let Some(replica) = Engine::start(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]) else {
        return;
    };
    let second = free_port();
    replica.say::<()>(&["CONFIG", "SET", "port", &second]);
    let url = format!("redis://127.0.0.1:{port},127.0.0.1:{second}");
    let world = World::default();
    let (one, two) = world.pair(&url).await;
    let claim = one.claim("app").await;
    until(|| async { replica.say::<bool>(&["EXISTS", "{sendit}:claim:app"]).then_some(()) }).await;
    // It has not heard of what was said last.
    replica.say::<()>(&["REPLICAOF", "NO", "ONE"]);
    replica.say::<()>(&["DEL", "{sendit}:claim:app"]);
    primary.end();
    let outcome = until(|| async { two.try_claim("app").await.err().filter(|it| *it != Unclaimed::Unavailable) }).await;
    assert!(matches!(outcome, Unclaimed::Young(_) | Unclaimed::Held(_)), "{outcome:?}");
    until(|| async { matches!(two.try_claim("app").await, Err(Unclaimed::Held(_))).then_some(()) }).await;
    assert!(timeout(Duration::ZERO, claim.lost()).await.is_err());
}

#[tokio::test]
async fn what_will_not_do_is_said() {
    let Some(engine) = Engine::start(&["--requirepass", "right"]) else { return };
    let world = World::default();
    let port = free_port();
    let at = |login: &str| format!("redis://{login}127.0.0.1:{port}");
    let error = world.join(&at(""), 1).await.err().unwrap();
    assert!(error.contains("is not reached"), "{error}");
    let set = |words: &[&str]| {
        let mut connection =
            redis::Client::open(format!("{}?pass=right", engine.url())).unwrap().get_connection().unwrap();
        redis::Cmd::new().arg(words).query::<()>(&mut connection).unwrap();
    };
    set(&["CONFIG", "SET", "port", &port]);
    for login in ["", ":wrong@"] {
        let error = world.join(&at(login), 1).await.err().unwrap();
        assert!(error.contains("refuses the user or password"), "{error}");
    }
    let one = world.join(&at(":right@"), 1).await.unwrap();

    set(&["REPLICAOF", "127.0.0.1", "1"]);
    one.shows("read-only").await;
    set(&["REPLICAOF", "NO", "ONE"]);
    one.recovers().await;
}

#[tokio::test]
async fn what_nobody_can_read_is_never_acted_on() {
    let Some(engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let one = world.join(&engine.url(), 1).await.unwrap();
    let claim = one.claim("app").await;
    let long = format!("1 {}", "x".repeat(1 << 20));
    let far = "1 0202020202020202 127.0.0.1:7002 99999999999999999999 held 100 -";
    for (at, poison) in ["", "nonsense", "2 0202020202020202 x", &long, far].into_iter().enumerate() {
        let prefix = format!("poisoned-{at}");
        engine.say::<()>(&["SET", &format!("{{sendit}}:claim:{prefix}"), poison]);
        assert_eq!(one.try_claim(&prefix).await.unwrap_err(), Unclaimed::Unavailable, "{prefix}");
        one.shows(&format!("entries that are none of this version's, `{{sendit}}:claim:{prefix}` among them")).await;
        assert_eq!(one.find(&prefix).await, Ok(Found::Nobody), "{prefix}");
        assert_eq!(engine.say::<String>(&["GET", &format!("{{sendit}}:claim:{prefix}")]), poison);
    }
    engine.say::<()>(&["LPUSH", "{sendit}:claim:listed", "x"]);
    assert_eq!(one.find("listed").await, Ok(Found::Nobody));
    one.shows("`{sendit}:claim:listed`").await;
    assert_eq!(one.try_claim("listed").await.unwrap_err(), Unclaimed::Unavailable);
    engine.say::<()>(&["SET", "{sendit}:fence", "99999999999999999999999"]);
    engine.say::<()>(&["ZADD", "{sendit}:nodes", "9", "not a node"]);
    engine.say::<()>(&["SET", "{sendit}:node:not a node", "nonsense"]);
    let renewed = one.directory.counts().renewals.get() + 2;
    until(|| async { (one.directory.counts().renewals.get() > renewed).then_some(()) }).await;
    assert_eq!(one.directory.nodes().len(), 1);
    one.shows("`{sendit}:node:not a node`").await;
    let next = one.try_claim("next").await.unwrap();
    assert!(next.fence() > claim.fence());
    engine.say::<()>(&["DEL", "{sendit}:claim:listed"]);
    assert!(one.try_claim("listed").await.unwrap().stands());
}

#[tokio::test]
async fn sessions_that_do_nothing_cost_the_engine_nothing() {
    let Some(engine) = Engine::start(&[]) else { return };
    let one = World::default().join(&engine.url(), 1).await.unwrap();
    let mut claims = Vec::new();
    for at in 0..200 {
        let prefix: Prefix = format!("idle-{at}").parse().unwrap();
        claims.push(until(|| one.directory.claim(&prefix, None, 0, HOLD).map(Result::ok)).await);
    }
    let (commands, renewals) = (engine.commands(), one.directory.counts().renewals.get());
    until(|| async { (one.directory.counts().renewals.get() >= renewals + 4).then_some(()) }).await;
    let (commands, renewals) = (engine.commands() - commands, one.directory.counts().renewals.get() - renewals);
    assert!(commands <= renewals + 1, "{commands} commands for {renewals} renewals");
}
