//! A day of a tunnel, squeezed: renewals, losses, clients that come and go, and what is held afterwards.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use tokio::time::{interval, sleep};

use super::{Books, Stage, Vitals, carriers, growth};
use crate::faults::{Cut, Kills, Loss, Plan};
use crate::load::{Figures, Mix};
use crate::program::Trouble;

/// How often the memory is looked at.
const SAMPLE: Duration = Duration::from_secs(1);

/// How long the ends are watched at rest, and how long they may take to let go of what they held: longer than an idle
/// connection is kept.
const WATCH: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(30);

/// The flags of a client whose carriers are renewed as often in ten minutes as in a day. What an inspector keeps fills its
/// room only in the course of a day, so that growth would tell nothing.
const FLAGS: [&str; 4] = ["--max-ttl", "100ms", "--inspect", "off"];

/// The time between two moments at which the client loses its carriers: 2 000 in ten minutes.
const LOSSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(200)..=Duration::from_millis(400);

/// What came of a day.
pub struct Day {
    /// The load before anything was measured.
    pub before: Figures,
    /// The load of the day itself.
    pub figures: Figures,
    /// What the ends held at rest before, and after.
    pub vitals: [Vitals; 2],
    /// By how many KiB the memory of server and client would grow in a day that goes on as its second half: the first is
    /// for allocators, which keep what they had for the busiest moment so far.
    pub grown: [f64; 2],
    /// What memory server and client had in each tenth of the day, at most, in KiB.
    pub memory: [Vec<u64>; 2],
    /// Clients that came and went.
    pub passed: u64,
    /// Carriers of the day, in the direction that had fewer.
    pub carriers: u64,
    /// Times at which the client lost its carriers.
    pub losses: u64,
    /// What was seen.
    pub books: Books,
}

/// Spends a day that `lasts` so long, after a tenth of that to grow warm.
///
/// # Errors
/// Where a client or the server does not start.
pub async fn day(binary: &Path, mix: &Mix, lasts: Duration) -> Result<Day, Trouble> {
    let stage = Stage::set(binary, mix.seed, Plan::default(), &FLAGS).await?;
    let lossy = || {
        let kills = Kills { what: vec![Loss::Both], how: vec![Cut::Fin, Cut::Rst], every: LOSSES };
        Plan { kills: Some(kills), ..Plan::default() }
    };
    stage.proxy.change(lossy());
    let before = stage.load(mix, sleep(lasts / 10)).await;
    stage.proxy.change(Plan::default());
    sleep(PATIENCE.min(lasts)).await;
    let at_rest = Vitals::at_rest(&stage, WATCH).await;

    let begin = stage.proxy.tally();
    stage.proxy.change(lossy());
    let mix = Mix { seed: !mix.seed, ..mix.clone() };
    let (mut samples, mut passed) = ([Vec::new(), Vec::new()], 0);
    let figures = tokio::select! {
        figures = stage.load(&mix, sleep(lasts)) => figures,
        never = watch(&stage, &mut samples) => never,
        trouble = pass(&stage, binary, &mut passed) => return Err(trouble),
    };
    stage.proxy.change(Plan::default());
    let after = Vitals::back_to(at_rest, &stage, PATIENCE).await;
    let books = stage.strike().await;
    let grown = [0, 1].map(|end| 2.0 * growth(&samples[end][samples[end].len() / 2..]));
    let tenths = |samples: &Vec<u64>| {
        let tenth = samples.len().div_ceil(10).max(1);
        samples.chunks(tenth).map(|part| part.iter().copied().max().unwrap_or_default()).collect()
    };
    let memory = [tenths(&samples[0]), tenths(&samples[1])];
    let (carriers, losses) = (carriers(&books.tally) - carriers(&begin), books.tally.kills() - begin.kills());
    Ok(Day { before, figures, vitals: [at_rest, after], grown, memory, passed, carriers, losses, books })
}

async fn watch(stage: &Stage, samples: &mut [Vec<u64>; 2]) -> Figures {
    let mut turns = interval(SAMPLE);
    loop {
        turns.tick().await;
        let Vitals { server, client } = Vitals::of(stage);
        samples[0].push(server.memory);
        samples[1].push(client.memory);
    }
}

/// One client after the other comes and goes.
async fn pass(stage: &Stage, binary: &Path, passed: &mut u64) -> Trouble {
    loop {
        if let Err(trouble) = stage.pass(binary).await {
            return trouble;
        }
        *passed += 1;
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, after] = &self.vitals;
        writeln!(
            f,
            "{}
",
            self.figures
        )?;
        writeln!(f, "{:32} {:10}", "renewals", self.carriers)?;
        writeln!(f, "{:32} {:10}", "times the carriers were lost", self.losses)?;
        writeln!(f, "{:32} {:10}", "clients that came and went", self.passed)?;
        writeln!(f, "\nat rest before\n{before}\nat rest after\n{after}")?;
        for (end, which) in ["server", "client"].into_iter().enumerate() {
            writeln!(
                f,
                "{which}: {:?} KiB in each tenth, {:.0} more in a day like its second half",
                self.memory[end], self.grown[end]
            )?;
        }
        write!(f, "{}", self.books)
    }
}
