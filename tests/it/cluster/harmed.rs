//! What others do to what stands in the engine: nodes notice, make up for it, and go on.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use sendit::cluster::{Claim, Found, Unclaimed};
use tokio::time::timeout;

use super::engine::Engine;
use super::member::{HOLD, Member, PATIENCE, World, is_held_by, until};

impl Member {
    fn renewals(&self) -> u64 {
        self.directory.counts().renewals.get()
    }

    /// Claims for somebody who has nothing else.
    async fn claim_for(&self, who: &str, prefix: &str) -> Claim {
        let prefix = prefix.parse().unwrap();
        until(|| self.directory.claim(&prefix, Some(who), 3, HOLD).map(Result::ok)).await
    }
}

/// One renewal may have been under way.
const NOTICED: u64 = 2;

#[tokio::test]
async fn a_claim_that_is_gone_is_written_again_with_the_next_renewal() {
    let Some(engine) = Engine::start(&[]) else { return };
    let world = World::default();
    let (one, two) = world.pair(&engine.url()).await;
    let (app, other) = (one.claim("app").await, one.claim("other").await);
    let before = one.renewals();
    engine.say::<()>(&["DEL", "{sendit}:claim:app"]);
    until(|| async { engine.say::<bool>(&["EXISTS", "{sendit}:claim:app"]).then_some(()) }).await;
    assert!(one.renewals() - before <= NOTICED);
    is_held_by(two.try_claim("app").await, 1);

    // Somebody else was given it meanwhile.
    let taken = until(|| async {
        engine.say::<()>(&["DEL", "{sendit}:claim:app"]);
        two.try_claim("app").await.ok()
    })
    .await;
    let before = one.renewals();
    timeout(PATIENCE, app.lost()).await.unwrap();
    assert!(one.renewals() - before <= NOTICED);
    assert!(taken.fence() > app.fence() && taken.stands());
    assert!(other.stands() && other.lost().now_or_never().is_none());
    // One that is given away is not missed.
    other.moving(Duration::ZERO);
    until(|| async { two.try_claim("other").await.ok() }).await;
    let before = one.renewals();
    until(|| async { (one.renewals() > before + NOTICED).then_some(()) }).await;
    assert!(other.lost().now_or_never().is_none());
}

/// What a key holds that is none of ours is no reason to stop.
async fn check(poison: &[&str]) {
    let Some(engine) = Engine::start(&[]) else { return };
    let (one, two) = World::default().pair(&engine.url()).await;
    let claim = one.claim_for("sub:a", "first").await;
    let revoked = |line: &str| BTreeSet::from([line.to_owned()]);
    one.directory.revoke(revoked("sub:x"));
    let all = two.directory.revoked();
    until(|| async { all.borrow().contains("sub:x").then_some(()) }).await;
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    one.directory.failed_opens(address, 1).await.unwrap();

    // Whose the claims are has a key that is known by how it begins.
    let key = engine.say::<Vec<String>>(&["KEYS", poison[1]]).remove(0);
    engine.say::<()>(&["DEL", &key]);
    engine.say::<()>(&[&[poison[0], &key], &poison[2..]].concat());

    let before = (one.renewals(), two.renewals());
    until(|| async { (one.renewals() > before.0 + 1 && two.renewals() > before.1 + 1).then_some(()) }).await;
    assert_eq!((one.directory.nodes().len(), one.directory.trouble()), (2, None), "{key}");
    assert_eq!(two.directory.failed_opens(address, 0).await.map(|failed| failed <= 1), Ok(true), "{key}");
    assert!(two.directory.failed_opens(address, 2).await.unwrap() >= 2, "{key}");
    let next = one.claim_for("sub:a", "second").await;
    let found = two.finds("second", |found| matches!(found, Found::At { .. })).await;
    assert!(matches!(found, Found::At { fence, .. } if fence == next.fence()), "{key}: {found:?}");
    // Both are given up, and are told that they are.
    drop((claim, next));
    let stand = ["EXISTS", "{sendit}:claim:first", "{sendit}:claim:second"];
    until(|| async { (engine.say::<u8>(&stand) == 0).then_some(()) }).await;
    // What was revoked still is.
    two.directory.revoke(revoked("sub:y"));
    let both = BTreeSet::from(["sub:x".to_owned(), "sub:y".to_owned()]);
    until(|| async { (engine.say::<String>(&["TYPE", "{sendit}:revoked"]) == "set").then_some(()) }).await;
    let told = || async { (engine.say::<BTreeSet<String>>(&["SMEMBERS", "{sendit}:revoked"]) == both).then_some(()) };
    until(told).await;
    until(|| async { (**all.borrow() == both).then_some(()) }).await;
}

#[tokio::test]
async fn what_is_of_another_kind_is_no_reason_to_stop() {
    let all = [
        ["SET", "{sendit}:nodes", "x"],
        ["RPUSH", "{sendit}:era", "x"],
        ["RPUSH", "{sendit}:fence", "x"],
        ["SET", "{sendit}:revision", "x"],
        ["RPUSH", "{sendit}:revision", "x"],
        ["SET", "{sendit}:revoked", "x"],
        ["SET", "{sendit}:of:*", "x"],
        ["RPUSH", "{sendit}:failed:*", "x"],
        ["SET", "{sendit}:failed:*", "x"],
        ["RPUSH", "{sendit}:node:0202020202020202", "x"],
    ];
    join_all(all.iter().map(|poison| check(poison))).await;
}

#[tokio::test]
async fn a_fence_from_far_ahead_is_never_risen_to() {
    const FAR: &str = "8999999999999999";
    let Some(engine) = Engine::start(&[]) else { return };
    let (one, two) = World::default().pair(&engine.url()).await;
    let first = one.claim("first").await;
    let entry = format!("1 0303030303030303 127.0.0.1:7003 {FAR} held 100 -");
    engine.say::<()>(&["MSET", "{sendit}:claim:far", &entry, "{sendit}:fence", FAR]);
    for node in [&one, &two] {
        assert_eq!(node.find("far").await, Ok(Found::Nobody));
        assert_eq!(node.try_claim("far").await.unwrap_err(), Unclaimed::Unavailable);
    }
    for (prefix, node, other) in [("second", &one, &two), ("third", &two, &one)] {
        let claim = node.try_claim(prefix).await.unwrap();
        assert!(
            claim.fence() > first.fence() && claim.fence().to_string().parse::<u64>().unwrap() < FAR.parse().unwrap()
        );
        let found = other.find(prefix).await.unwrap();
        assert!(matches!(found, Found::At { fence, .. } if fence == claim.fence()), "{found:?}");
    }
}

/// Somebody with as many sessions as they may have asks for more, again and again.
#[tokio::test]
async fn who_is_refused_costs_the_engine_little() {
    let Some(engine) = Engine::start(&[]) else { return };
    let one = World::default().join(&engine.url(), 1).await.unwrap();
    let _claim = one.claim("app").await;
    let many = "local entry = redis.call('GET', '{sendit}:claim:app') \
                local set = redis.call('KEYS', '{sendit}:of:*')[1] \
                for at = 1, 1000 do \
                  redis.call('SET', '{sendit}:claim:many-' .. at, entry) redis.call('SADD', set, 'many-' .. at) \
                end";
    engine.say::<()>(&["EVAL", many, "0"]);
    let before = (engine.carried_out(), one.renewals());
    for at in 0..10 {
        assert_eq!(one.try_claim(&format!("more-{at}")).await.unwrap_err(), Unclaimed::TooMany);
    }
    let (commands, renewals) = (engine.carried_out() - before.0, one.renewals() - before.1);
    assert!(commands < 10 * 64 + (renewals + 1) * 16, "{commands} commands, {renewals} renewals");
}

#[tokio::test]
async fn an_engine_whose_clock_was_set_back_is_not_young_until_it_is_right() {
    let Some(engine) = Engine::start(&[]) else { return };
    let (one, two) = World::default().pair(&engine.url()).await;
    let first = one.claim("first").await;
    let era: String = engine.say(&["GET", "{sendit}:era"]);
    let (run, since) = era.split_once(' ').unwrap();
    // As if it had been an hour later when the engine was first asked.
    let ahead = since.parse::<u64>().unwrap() + 3_600_000_000;
    engine.say::<()>(&["SET", "{sendit}:era", &format!("{run} {ahead}")]);
    let second = two.claim("second").await;
    assert!(second.fence() > first.fence() && first.stands());
}
