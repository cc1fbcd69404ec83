//! What is asked of the engine: a script for each, run whole or not at all.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::{FromRedisValue, Script, ScriptInvocation};

use super::link::{Link, Live};
use super::trouble::Trouble;
use crate::cluster::tenure::{LEASE, YOUNG};
use crate::cluster::{NodeId, claim::Entry};

/// How long a claim is kept whose node does not keep it.
pub(super) const KEPT: Duration = Duration::from_secs(600);

/// How long one is kept at least that is given away: a client that is there has come back by then, or does not.
pub(super) const MOVING: Duration = Duration::from_secs(15);

/// How long that is at most, whatever grace clients have.
pub(super) const LONGEST_MOVING: Duration = Duration::from_secs(24 * 3_600);

/// How long failed opens of an address count.
const FAILED: Duration = Duration::from_secs(60);

/// How many entries a script is given at a time, for nothing else happens in the engine meanwhile.
pub(super) const BATCH: usize = 500;

/// How many claims are looked at with a renewal: as many as a node has sessions, unless told otherwise.
pub(super) const LOOKED_AT: usize = 1_000;

/// A key of all of ours, so that one of a cluster of engines says where they are.
pub(super) const KEY: &str = "{sendit}:era";

macro_rules! script {
    ($name:ident, $file:literal) => {
        static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!("scripts/common.lua"), include_str!(concat!("scripts/", $file))))
        });
    };
}

script!(REGISTER, "register.lua");
script!(CLAIM, "claim.lua");
script!(FIND, "find.lua");
script!(WRITE, "write.lua");
script!(CHANGE, "change.lua");
script!(REVOKE, "revoke.lua");
script!(REVOKED, "revoked.lua");
script!(FAILED_OPENS, "failed.lua");

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("a day at most")
}

async fn run<T: FromRedisValue>(link: &Link, live: &Arc<Live>, script: &ScriptInvocation<'_>) -> Result<T, Trouble> {
    link.ask(live, async |connection| script.invoke_async(connection).await).await
}

/// What a renewal says.
#[derive(Debug)]
pub(super) struct Registered {
    /// The lease still counted, and the engine has forgotten nothing.
    pub(super) kept: bool,
    /// Of the claims that were looked at, one was not this node's.
    pub(super) amiss: bool,
    /// For how long the directory gives nothing new.
    pub(super) young: Duration,
    /// What the engine's clock says, in seconds since 1970.
    pub(super) clock: u64,
    /// It differs from the last where what is revoked does.
    pub(super) revision: u64,
    /// Ids, and the entries of the nodes.
    pub(super) nodes: Vec<(String, String)>,
}

/// Renews a lease, and has a look at what the node holds of `prefixes`. `begun` is the address where it has just begun to listen.
pub(super) async fn register(
    link: &Link,
    live: &Arc<Live>,
    id: NodeId,
    entry: &str,
    begun: &str,
    prefixes: &[String],
) -> Result<Registered, Trouble> {
    let mut script = REGISTER.key(KEY);
    script.arg(id.to_string()).arg(entry).arg(ms(LEASE)).arg(&live.run).arg(ms(YOUNG)).arg(begun).arg(prefixes);
    let (kept, amiss, young, clock, revision, nodes): (bool, bool, u64, u64, u64, _) = run(link, live, &script).await?;
    Ok(Registered { kept, amiss, young: Duration::from_millis(young), clock, revision, nodes })
}

/// What became of a claim.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    Granted(u64),
    /// That stands there, and its node's entry beside it while its lease counts.
    Found(String, String),
    Many,
    Young(Duration),
    /// The engine does not know this node, until its next renewal.
    Gone,
    Unreadable,
}

/// Claims `prefix` for the node that `entry` names, over what is `expected` to stand there; `most` are given to whom it counts for.
pub(super) async fn claim(
    link: &Link,
    live: &Arc<Live>,
    prefix: &str,
    entry: &Entry,
    expected: &str,
    most: usize,
    highest: u64,
) -> Result<Claimed, Trouble> {
    let mut script = CLAIM.key(KEY);
    script.arg(prefix).arg(entry.node.to_string()).arg(entry.head()).arg(entry.tail()).arg(highest).arg(expected);
    script.arg(who(entry)).arg(most).arg(&live.run).arg(ms(YOUNG)).arg(ms(KEPT));
    let answer: Vec<String> = run(link, live, &script).await?;
    let words: Vec<&str> = answer.iter().map(String::as_str).collect();
    Ok(match words[..] {
        ["granted", fence] => fence.parse().map_or(Claimed::Unreadable, Claimed::Granted),
        ["found", entry, node] => Claimed::Found(entry.to_owned(), node.to_owned()),
        ["many"] => Claimed::Many,
        ["young", left] => Claimed::Young(left.parse().map_or(YOUNG, Duration::from_millis)),
        ["gone"] => Claimed::Gone,
        _ => Claimed::Unreadable,
    })
}

/// Who has `prefix`: the entry, and that of its node, empty where its lease is over. Else for how long nobody is told.
pub(super) async fn find(
    link: &Link,
    live: &Arc<Live>,
    prefix: &str,
) -> Result<Result<(String, String), Duration>, Trouble> {
    let mut script = FIND.key(KEY);
    script.arg(prefix).arg(&live.run).arg(ms(YOUNG));
    let answer: Vec<String> = run(link, live, &script).await?;
    Ok(match &answer[..] {
        [_, entry, node] => Ok((entry.clone(), node.clone())),
        [left, ..] => Err(Duration::from_millis(left.parse().unwrap_or(0))),
        [] => Err(Duration::ZERO),
    })
}

/// A claim as it is to stand in the engine.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) prefix: String,
    pub(super) entry: Entry,
    /// For how long, unless it is written again.
    pub(super) kept: Duration,
}

/// What became of a claim that was written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Kept,
    Lost,
    Unreadable,
}

/// Whether a node could answer for what it holds all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    Held,
    Lapsed,
}

/// Writes a batch of claims again; none where the engine does not know the node.
pub(super) async fn write(
    link: &Link,
    live: &Arc<Live>,
    id: NodeId,
    right: Right,
    highest: u64,
    claims: &[Standing],
) -> Result<Option<Vec<Written>>, Trouble> {
    let mut script = WRITE.key(KEY);
    let right = if right == Right::Held { "held" } else { "" };
    script.arg(id.to_string()).arg(ms(KEPT)).arg(right).arg(highest);
    for Standing { prefix, entry, kept } in claims {
        script.arg(prefix).arg(entry.to_string()).arg(ms(*kept)).arg(who(entry));
    }
    let answer: Vec<String> = run(link, live, &script).await?;
    let Some(("written", outcomes)) = answer.split_first().map(|(first, rest)| (first.as_str(), rest)) else {
        return Ok(None);
    };
    let outcome = |outcome: &String| match outcome.as_str() {
        "kept" => Written::Kept,
        "lost" => Written::Lost,
        _ => Written::Unreadable,
    };
    Ok(Some(outcomes.iter().map(outcome).collect()))
}

/// What is to take the place of a claim.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) prefix: String,
    /// What stands there; of a claim of which nobody knows whether it was given, the node's id.
    pub(super) entry: String,
    /// Nothing, where it is given up; else for how long that is kept, too.
    pub(super) next: Option<(Entry, Duration)>,
    pub(super) who: String,
}

/// Gives claims up or away, those that stand as is expected.
pub(super) async fn change(link: &Link, live: &Arc<Live>, changes: &[Change]) -> Result<(), Trouble> {
    let mut script = CHANGE.key(KEY);
    for change in changes {
        let (next, kept) = change.next.as_ref().map(|(next, kept)| (next.to_string(), ms(*kept))).unwrap_or_default();
        script.arg(&change.prefix).arg(&change.entry).arg(next).arg(kept).arg(&change.who);
    }
    run(link, live, &script).await
}

/// Adds and removes lines of what is revoked.
pub(super) async fn revoke(link: &Link, live: &Arc<Live>, added: &[String], gone: &[String]) -> Result<(), Trouble> {
    let mut script = REVOKE.key(KEY);
    script.arg(added.len()).arg(added).arg(gone);
    run(link, live, &script).await
}

/// All that is revoked.
pub(super) async fn revoked(link: &Link, live: &Arc<Live>) -> Result<Vec<String>, Trouble> {
    run(link, live, &REVOKED.key(KEY)).await
}

/// How many opens of `address` have failed within a minute, with `more` that have now.
pub(super) async fn failed_opens(link: &Link, live: &Arc<Live>, address: &str, more: u64) -> Result<u64, Trouble> {
    let mut script = FAILED_OPENS.key(KEY);
    script.arg(address).arg(more).arg(ms(FAILED));
    run(link, live, &script).await
}

pub(super) fn who(entry: &Entry) -> &str {
    entry.who.as_ref().map_or("", |who| who.as_str())
}
