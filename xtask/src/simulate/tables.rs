//! What is simulated, as tables of Markdown.

use std::time::Duration;

use super::fleet::{Balance, Policy};
use super::lookups::Lookups;
use super::plan::Plan;
use super::reopening::{Jitter, Outcome};
use super::upheaval::{Life, Upheaval, Wire};
use super::{Simulate, Table};

const POLICIES: [(&str, Policy); 4] = [
    ("where it lands", Policy::Home),
    ("fewest, as counted", Policy::Counted),
    ("fewest, with what was passed since", Policy::Passed),
    ("lesser of two, with what was passed since", Policy::TwoChoices),
];

const UPHEAVALS: [(&str, Upheaval, Wire); 5] = [
    ("a server stops in order", Upheaval::Drain, Wire::V2),
    ("a process dies", Upheaval::Death, Wire::V2),
    ("the same, clients of v1", Upheaval::Death, Wire::V1),
    ("a zone is lost", Upheaval::Zone, Wire::V2),
    ("the same, clients of v1", Upheaval::Zone, Wire::V1),
];

/// The one that all but the table of placements is of.
const SETTLED: Policy = Policy::TwoChoices;

impl Table {
    /// The table for what the arguments say.
    pub(super) fn of(self, simulate: &Simulate) -> String {
        match self {
            Self::Placement => placement(simulate),
            Self::Storm => storm(simulate),
            Self::Jitter => jitter(simulate),
            Self::Lookups => lookups(simulate),
            Self::Plan => plan(simulate),
        }
    }
}

fn placement(simulate: &Simulate) -> String {
    let heads = [
        "servers",
        "a session goes",
        "grown: most, least",
        "restarted: most, least",
        "given to one in 1 s",
        "one dead: most, least",
        "a zone lost: most, least",
    ];
    let ability = simulate.ability();
    let lives = simulate.nodes.0.iter().flat_map(|nodes| POLICIES.map(|(name, policy)| (*nodes, name, policy)));
    let rows = lives.map(|(nodes, name, policy)| {
        let mut life = Life::new(nodes, simulate.zones, policy, &ability, simulate.seed);
        life.grow(simulate.sessions);
        let grown = balance(&life);
        let given = life.roll();
        let after = |upheaval| {
            let mut life = life.clone();
            life.meet(upheaval, Wire::V2, Jitter::Random);
            balance(&life)
        };
        let (dead, lost) = (after(Upheaval::Death), after(Upheaval::Zone));
        vec![nodes.to_string(), name.to_owned(), grown, balance(&life), number(given), dead, lost]
    });
    table(&heads, rows)
}

fn storm(simulate: &Simulate) -> String {
    let heads = [
        "servers",
        "what happens",
        "sessions",
        "back: 50 %",
        "99 %",
        "100 %",
        "opens/s",
        "of one server",
        "carriers/s",
        "Redis commands/s",
        "asked again",
    ];
    let rows = upheavals(simulate).map(|(nodes, name, upheaval, wire)| {
        let outcome = met(simulate, nodes, upheaval, wire, Jitter::Random);
        let back = [50, 99, 100].map(|hundredth| seconds(outcome.back(hundredth)));
        let counts = [outcome.opens.peak(), outcome.busiest, outcome.carriers.peak(), outcome.commands.peak()];
        let row = [nodes.to_string(), name.to_owned(), number(outcome.back.len() as f64)];
        let row = row.into_iter().chain(back).chain(counts.map(number));
        row.chain([number(outcome.refused as f64)]).collect()
    });
    table(&heads, rows)
}

fn jitter(simulate: &Simulate) -> String {
    let heads = ["servers", "what happens", "opens/s", "without jitter", "99 % back", "without jitter"];
    let rows = upheavals(simulate).map(|(nodes, name, upheaval, wire)| {
        let [with, without] = [Jitter::Random, Jitter::None].map(|jitter| met(simulate, nodes, upheaval, wire, jitter));
        let peaks = [&with, &without].map(|outcome| number(outcome.opens.peak()));
        let back = [&with, &without].map(|outcome| seconds(outcome.back(99)));
        [nodes.to_string(), name.to_owned()].into_iter().chain(peaks).chain(back).collect()
    });
    table(&heads, rows)
}

fn upheavals(simulate: &Simulate) -> impl Iterator<Item = (usize, &'static str, Upheaval, Wire)> {
    let each = |nodes: &usize| UPHEAVALS.map(|(name, upheaval, wire)| (*nodes, name, upheaval, wire));
    simulate.nodes.0.iter().flat_map(each)
}

/// What comes of it where sessions lay evenly before.
fn met(simulate: &Simulate, nodes: usize, upheaval: Upheaval, wire: Wire, jitter: Jitter) -> Outcome {
    let ability = simulate.ability();
    let mut life = Life::new(nodes, simulate.zones, SETTLED, &ability, simulate.seed);
    life.settle(simulate.sessions);
    life.meet(upheaval, wire, jitter)
}

fn lookups(simulate: &Simulate) -> String {
    let heads = [
        "servers",
        "passed on/s",
        "all tunnels alike: look-ups/s",
        "of a core of Redis",
        "few have most: look-ups/s",
        "of a core of Redis",
    ];
    let rows = simulate.nodes.0.iter().map(|nodes| {
        let lookups = Lookups {
            nodes: *nodes as f64,
            sessions: simulate.sessions.into(),
            exchanges: simulate.exchanges,
            places: simulate.places,
        };
        let asked = [0.0, 1.0].into_iter().flat_map(|skew| {
            let missed = lookups.missed(skew);
            [number(missed), small(missed * simulate.lookup_us / 1e6)]
        });
        [nodes.to_string(), number(lookups.passed())].into_iter().chain(asked).collect()
    });
    table(&heads, rows)
}

fn plan(simulate: &Simulate) -> String {
    let heads = [
        "servers",
        "sessions of one",
        "GiB",
        "cores, idle",
        "cores, exchanges",
        "a zone lost: sessions",
        "GiB",
        "cores",
        "cores of all",
        "Redis commands/s",
        "of a core of Redis",
    ];
    let rows = simulate.nodes.0.iter().map(|nodes| {
        let (nodes, costs) = (*nodes as f64, simulate.costs());
        let plan = Plan { nodes, sessions: simulate.sessions.into(), exchanges: simulate.exchanges, costs };
        let left = plan.without((nodes / simulate.zones as f64).ceil());
        let ((idle, exchanges), (idle_left, exchanges_left)) = (plan.cores(), left.cores());
        let (commands, share) = plan.engine();
        vec![
            number(nodes),
            number(plan.each()),
            small(plan.memory()),
            small(idle),
            small(exchanges),
            number(left.each()),
            small(left.memory()),
            small(idle_left + exchanges_left),
            number(nodes * (idle + exchanges)),
            number(commands),
            small(share),
        ]
    });
    table(&heads, rows)
}

fn balance(life: &Life) -> String {
    let Balance { most, least } = life.balance();
    format!("{most:.2}, {least:.2}")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn small(number: f64) -> String {
    format!("{number:.2}")
}

/// A whole number, with a space before each three digits.
fn number(number: f64) -> String {
    let digits = format!("{number:.0}");
    let first = digits.len() % 3;
    let (head, rest) = digits.split_at(first);
    let threes = rest.as_bytes().chunks(3).map(|three| String::from_utf8_lossy(three).into_owned());
    let parts: Vec<String> = [head.to_owned()].into_iter().filter(|head| !head.is_empty()).chain(threes).collect();
    parts.join(" ")
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head = heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>();
    let rule = format!("|{}\n", "---|".repeat(heads.len()));
    [line(&head), rule].into_iter().chain(rows.map(|row| line(&row))).collect()
}
