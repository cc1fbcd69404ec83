//! A cluster in figures, without one: where sessions lie after it has grown or lost servers, how soon they are back and what
//! that asks of servers and engine, and what so many sessions take. What one server is able to do are arguments.
#![expect(clippy::cast_precision_loss, reason = "counts are far below 2 to the power of 52")]

mod fleet;
mod lookups;
mod plan;
mod rate;
mod reopening;
mod tables;
#[cfg(test)]
mod tests;
mod upheaval;

/// The client's own, compiled in, for the library shows it to nobody.
#[path = "../../src/client/backoff.rs"]
#[expect(dead_code, reason = "a part of it is for what is not simulated")]
mod backoff;

use std::str::FromStr;
use std::time::Duration;

use argh::FromArgs;

use plan::Costs;
use reopening::{Ability, Script};

/// Tell what several servers behind one address would do and take, by simulation.
#[derive(FromArgs)]
#[argh(subcommand, name = "simulate")]
pub(crate) struct Simulate {
    /// which tables: placement, storm, jitter, lookups, plan (default: all)
    #[argh(positional)]
    tables: Vec<Table>,

    /// sessions of all (default: 1000000)
    #[argh(option, default = "1_000_000")]
    sessions: u32,

    /// exchanges of all in a second (default: 100000)
    #[argh(option, default = "100_000.0")]
    exchanges: f64,

    /// how many servers, separated by commas (default: 10,50,200)
    #[argh(option, default = "Nodes(vec![10, 50, 200])")]
    nodes: Nodes,

    /// zones that they are shared out over (default: 3)
    #[argh(option, default = "3")]
    zones: usize,

    /// number that all that is random is made from (default: 1)
    #[argh(option, default = "1")]
    seed: u64,

    /// sessions that one server opens in a second (default: 1000)
    #[argh(option, default = "1_000.0")]
    opens: f64,

    /// opens that wait in one server for the end of another's lease (default: 64)
    #[argh(option, default = "64")]
    waiting: usize,

    /// what a look-up takes of Redis, in µs (default: 11.1)
    #[argh(option, default = "11.1")]
    lookup_us: f64,

    /// commands of a look-up, those inside its script included (default: 7)
    #[argh(option, default = "7")]
    lookup_commands: u32,

    /// what a claim takes of Redis, in µs (default: 28.2)
    #[argh(option, default = "28.2")]
    claim_us: f64,

    /// commands of a claim, those inside its script included (default: 17)
    #[argh(option, default = "17")]
    claim_commands: u32,

    /// tunnels whose place one server remembers (default: 65536)
    #[argh(option, default = "65_536.0")]
    places: f64,

    /// memory of an idle session, in KiB (default: 79.1)
    #[argh(option, default = "79.1")]
    session_kib: f64,

    /// CPU of an idle session, in µs a second (default: 75)
    #[argh(option, default = "75.0")]
    idle_us: f64,

    /// CPU of an exchange, in µs (default: 26.1)
    #[argh(option, default = "26.1")]
    exchange_us: f64,

    /// how much dearer in CPU an exchange is that is passed on (default: 1.7)
    #[argh(option, default = "1.7")]
    passing: f64,

    /// carriers go straight to the server that has their session
    #[argh(switch)]
    straight: bool,
}

/// What can be told.
#[derive(Clone, Copy)]
enum Table {
    Placement,
    Storm,
    Jitter,
    Lookups,
    Plan,
}

const TABLES: [(&str, Table); 5] = [
    ("placement", Table::Placement),
    ("storm", Table::Storm),
    ("jitter", Table::Jitter),
    ("lookups", Table::Lookups),
    ("plan", Table::Plan),
];

impl FromStr for Table {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = TABLES.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, table)| *table)
            .ok_or_else(|| format!("`{text}` is no table; there are {}", TABLES.map(|(name, _)| name).join(", ")))
    }
}

struct Nodes(Vec<usize>);

impl FromStr for Nodes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let counts: Option<Vec<usize>> =
            text.split(',').map(|count| count.parse().ok().filter(|count| *count > 1)).collect();
        counts.map(Self).ok_or_else(|| format!("`{text}` is no list of numbers of servers, two at least, as in `3,10`"))
    }
}

impl Simulate {
    /// Prints the tables.
    pub(crate) fn run(&self) {
        for table in self.wanted() {
            println!("{}", table.of(self));
        }
    }

    fn wanted(&self) -> Vec<Table> {
        if self.tables.is_empty() { TABLES.map(|(_, table)| table).into() } else { self.tables.clone() }
    }

    fn ability(&self) -> Ability {
        let script = |us: f64, commands| Script { takes: Duration::from_secs_f64(us / 1e6), commands };
        let lookup = script(self.lookup_us, self.lookup_commands);
        let claim = script(self.claim_us, self.claim_commands);
        Ability { opens: self.opens, waiting: self.waiting, lookup, claim }
    }

    fn costs(&self) -> Costs {
        Costs {
            session_kib: self.session_kib,
            idle_us: self.idle_us,
            exchange_us: self.exchange_us,
            passing: self.passing,
            straight: self.straight,
        }
    }
}
