//! The soak: the mixed load under kills, or while carriers are renewed, or for a day in minutes. Prints seed and
//! figures; a wrong byte fails it, and on a wire that survives kills so does each failed exchange.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use argh::FromArgs;
use tokio::time::sleep;
use trials::faults::Plan;
use trials::load::{Figures, LARGEST, Mix};
use trials::soak::{self, Books, Day, Stage, Vitals, carriers};

use crate::faults::{Between, between};
use crate::program;

/// Visitors at a time.
const AT_ONCE: u64 = 100;

/// How long the load runs without kills, to compare with: a part of the time, and at most this.
const QUIET: f64 = 0.1;
const LONGEST_QUIET: Duration = Duration::from_secs(60);

/// How often carriers are renewed where renewals are what is tried, as text for the client.
const TTL: &str = "50ms";

/// Bodies of a day are at most 4 KiB, so that there can be very many: 2 to the power of this.
const LARGEST_OF_A_DAY: u32 = 12;

/// By how much memory may grow in a day, in KiB.
const GROWTH: f64 = 1024.0;

/// Run a mixed load through a tunnel whose requests are killed at random.
#[derive(FromArgs)]
#[argh(subcommand, name = "soak")]
pub(crate) struct Soak {
    /// how long; a part of a minute is fine (default: 10)
    #[argh(option, default = "10.0")]
    minutes: f64,

    /// number that all choices are made from (default: 1)
    #[argh(option, default = "1")]
    seed: u64,

    /// end after so many kills instead of a time
    #[argh(option)]
    kills: Option<u64>,

    /// time between two kills (default: 50ms..2s)
    #[argh(option, from_str_fn(between))]
    every: Option<Between>,

    /// let no stream through, so that all goes by batches
    #[argh(switch)]
    batches: bool,

    /// no kills, but carriers that live for 50 ms, until so many have been renewed in each direction
    #[argh(option)]
    renewals: Option<u64>,

    /// a day in so many minutes: small exchanges, renewals, losses, clients that come and go, and what is held after it
    #[argh(switch)]
    day: bool,

    /// wire that is expected, `v1` or `v2`: on v1 a kill fails what is in flight, loudly (default: v2)
    #[argh(option, default = "Wire::V2")]
    wire: Wire,

    /// flag of the client; can be repeated
    #[argh(option)]
    flag: Vec<String>,
}

/// What may be expected of a tunnel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    /// A kill fails what is in flight.
    V1,
    /// A kill is not seen.
    V2,
}

impl std::str::FromStr for Wire {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err(format!("`{text}` is neither `v1` nor `v2`")),
        }
    }
}

impl Soak {
    /// Loads, harms, prints, and judges.
    pub(crate) async fn run(&self) -> Result<()> {
        let binary = program::release()?;
        if self.day {
            return self.day(binary).await;
        }
        match self.renewals {
            Some(renewals) => self.renewals(binary, renewals).await,
            None => self.under_kills(binary).await,
        }
    }

    fn whole(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    fn mix(&self) -> Mix {
        Mix { at_once: AT_ONCE, seed: self.seed, first_id: 0, largest: LARGEST }
    }

    fn plan(&self, plan: Plan) -> Plan {
        if self.batches { soak::no_streams(plan) } else { plan }
    }

    async fn stage(&self, binary: PathBuf, more: &[&str]) -> Result<Stage> {
        let wire = if self.wire == Wire::V1 { "v1" } else { "v2" };
        let flags = ["--wire", wire].into_iter().chain(more.iter().copied());
        let flags: Vec<&str> = flags.chain(self.flag.iter().map(String::as_str)).collect();
        Ok(Stage::set(&binary, self.seed, self.plan(Plan::default()), &flags).await?)
    }

    async fn under_kills(&self, binary: PathBuf) -> Result<()> {
        let every: RangeInclusive<Duration> = self.every.clone().map_or(soak::EVERY, |every| every.0);
        println!("seed {}, {AT_ONCE} exchanges at a time, a kill each {every:?}", self.seed);
        let stage = self.stage(binary, &[]).await?;
        println!("\nat the beginning\n{}", Vitals::of(&stage));
        let quiet = self.whole().mul_f64(QUIET).min(LONGEST_QUIET);
        let calm = stage.load(&self.mix(), sleep(quiet)).await;
        println!("without kills, {:.0} s\n{calm}\n{}", quiet.as_secs_f64(), Vitals::of(&stage));
        stage.proxy.change(self.plan(soak::losses(every)));
        let mix = Mix { seed: !self.seed, ..self.mix() };
        let shaken = match self.kills {
            Some(kills) => stage.load(&mix, stage.proxy.until(|tally| tally.kills() >= kills)).await,
            None => stage.load(&mix, sleep(self.whole().saturating_sub(quiet))).await,
        };
        println!("under {} kills\n{shaken}\n{}", stage.proxy.tally().kills(), Vitals::of(&stage));
        let books = stage.strike().await;
        println!("{books}\nthe client said\n{}", books.said);
        for (which, of) in
            [("", Figures::within as fn(&Figures, usize) -> Duration), (" of at most 64 KiB", Figures::small_within)]
        {
            let (before, after) = (of(&calm, 99).as_secs_f64(), of(&shaken, 99).as_secs_f64());
            println!("p99{which} grew by {:.0} ms; at most 1000 are promised", (after - before) * 1000.0);
        }
        ensure!(calm.failed == 0, "{} exchanges failed without kills", calm.failed);
        ensure!(books.tally.kills() > 0, "nothing was killed");
        self.judge(&[&calm, &shaken], &books)
    }

    async fn renewals(&self, binary: PathBuf, renewals: u64) -> Result<()> {
        println!("seed {}, {AT_ONCE} exchanges at a time, each carrier renewed after {TTL}", self.seed);
        let stage = self.stage(binary, &["--max-ttl", TTL]).await?;
        let figures = stage.load(&self.mix(), stage.proxy.until(|tally| carriers(tally) >= renewals)).await;
        let books = stage.strike().await;
        println!("\n{} carriers and more in each direction\n{figures}\n{books}", carriers(&books.tally));
        println!("the client said\n{}", books.said);
        ensure!(books.said.matches("Ready; ").count() == 1, "the session did not live through it");
        self.judge(&[&figures], &books)
    }

    async fn day(&self, binary: PathBuf) -> Result<()> {
        let mix = Mix { largest: LARGEST_OF_A_DAY, ..self.mix() };
        println!("seed {}, a day in {} min", self.seed, self.minutes);
        let day = soak::day(&binary, &mix, self.whole()).await?;
        println!("\n{day}");
        let Day { before, figures, vitals: [rest, after], grown, books, .. } = &day;
        ensure!(after.holds_no_more_than(*rest), "descriptors or threads are not back to where they were");
        ensure!(grown.iter().all(|grown| *grown <= GROWTH), "memory grew by more than {GROWTH} KiB");
        self.judge(&[before, figures], books)
    }

    fn judge(&self, loads: &[&Figures], books: &Books) -> Result<()> {
        let sum = |of: fn(&Figures) -> u64| loads.iter().map(|load| of(load)).sum::<u64>();
        let wrong = sum(|load| load.wrong) + books.receipts.wrong;
        ensure!(wrong == 0, "{wrong} exchanges had wrong bytes or a silent end");
        ensure!(books.receipts.twice == 0, "{} exchanges were delivered more than once", books.receipts.twice);
        let (hung, failed) = (sum(|load| load.hung), sum(|load| load.failed));
        ensure!(hung == 0, "{hung} exchanges hung");
        ensure!(loads.iter().all(|load| load.exchanges > 0), "there was no load");
        ensure!(self.wire == Wire::V1 || failed == 0, "{failed} exchanges failed");
        Ok(())
    }
}
