//! What holds of every simulation: nobody is lost, what is told of it adds up, and a seed tells all. And the tables in
//! `docs/scale.md` are those that the commands above them print.

use std::fs;
use std::time::Duration;

use argh::FromArgs as _;
use proptest::prelude::*;

use super::Simulate;
use super::fleet::{Fleet, LEASE, Policy, RENEWED};
use super::lookups::Lookups;
use super::reopening::{Ability, Jitter, Outcome, Reopening, Script};
use super::upheaval::{Life, Upheaval, Wire};

const DOCUMENT: &str = "docs/scale.md";

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![Just(Policy::Home), Just(Policy::Counted), Just(Policy::Passed), Just(Policy::TwoChoices)]
}

fn upheaval() -> impl Strategy<Value = Upheaval> {
    prop_oneof![Just(Upheaval::Drain), Just(Upheaval::Death), Just(Upheaval::Zone)]
}

fn wire() -> impl Strategy<Value = Wire> {
    prop_oneof![Just(Wire::V1), Just(Wire::V2)]
}

fn ability() -> impl Strategy<Value = Ability> {
    (1.0..5_000.0, 0_usize..100, 1_u64..2_000).prop_map(|(opens, waiting, claim)| Ability {
        opens,
        waiting,
        lookup: Script { takes: Duration::from_micros(claim / 3), commands: 7 },
        claim: Script { takes: Duration::from_micros(claim), commands: 17 },
    })
}

fn told(outcome: &Outcome) -> String {
    format!("{outcome:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nobody_is_lost(
        nodes in 2_usize..12, sessions in 0_u32..500, policy in policy(), upheaval in upheaval(), wire in wire(),
        ability in ability(), seed: u64,
    ) {
        let life = Life::new(nodes, nodes, policy, &ability, seed);
        let after = || {
            let mut life = life.clone();
            life.grow(sessions);
            prop_assert_eq!(life.fleet.sessions(), u64::from(sessions));
            life.roll();
            prop_assert_eq!(life.fleet.sessions(), u64::from(sessions));
            let outcome = life.meet(upheaval, wire, Jitter::Random);
            prop_assert_eq!(life.fleet.sessions(), u64::from(sessions));
            Ok((told(&outcome), outcome))
        };
        let (first, outcome) = after()?;
        prop_assert_eq!(&first, &after()?.0, "a seed tells all");
        let back = outcome.back.len() as u64;
        prop_assert_eq!(outcome.opens.sum(), back + outcome.refused);
        prop_assert_eq!(outcome.commands.sum(), back * 24 + outcome.refused * 7);
        prop_assert!(outcome.back.is_sorted());
    }

    #[test]
    fn nobody_is_back_before_the_lease_is_over(
        sessions in 1_u32..200, wire in wire(), ability in ability(), seed: u64, policy in policy(),
    ) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut fleet = Fleet::new(3, policy);
        fleet.stop(0);
        let mut reopening = Reopening::new(&mut fleet, Duration::ZERO, &ability, Jitter::Random, &mut rng);
        for _ in 0..sessions {
            match wire {
                Wire::V1 => reopening.told(Duration::ZERO, LEASE),
                Wire::V2 => reopening.cut(Duration::ZERO, LEASE),
            }
        }
        let outcome = reopening.run();
        prop_assert_eq!(outcome.back.len(), sessions as usize);
        prop_assert!(outcome.back[0] > LEASE);
    }

    #[test]
    fn a_session_goes_nowhere_that_is_down_or_has_more(
        loads in prop::collection::vec(0_usize..50, 2..8), policy in policy(), down: prop::sample::Index, seed: u64,
    ) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut fleet = Fleet::new(loads.len(), policy);
        let before: Vec<usize> = loads.clone();
        loads.iter().enumerate().for_each(|(node, load)| (0..*load).for_each(|_| fleet.take(node)));
        fleet.renew_until(RENEWED * 2);
        let down = down.index(loads.len());
        fleet.stop(down);
        let asked = fleet.any(&mut rng);
        let placed = fleet.place(asked, &mut rng);
        prop_assert!(placed != down);
        prop_assert!(before[placed] <= before[asked]);
    }

    #[test]
    fn no_more_is_looked_up_than_is_passed_on(
        nodes in 2_u32..300, sessions in 1_u32..2_000_000, exchanges in 1.0..1e6, places in 1.0..1e6,
        skew in 0.0..1.5,
    ) {
        let lookups = Lookups { nodes: nodes.into(), sessions: sessions.into(), exchanges, places };
        let missed = lookups.missed(skew);
        prop_assert!(missed >= 0.0 && missed <= lookups.passed() * 1.000_001, "{missed}");
        // Who remembers all of them asks for none.
        prop_assert!(places < f64::from(sessions) || missed < lookups.passed() * 0.01 + 1.0, "{missed}");
    }
}

/// Each line `cargo xtask simulate …` in back-ticks stands above the table that it prints.
#[test]
fn tables_are_those_that_are_printed() {
    let text = fs::read_to_string(crate::root().join(DOCUMENT)).unwrap().replace("\r\n", "\n");
    let mut compared = 0;
    for after in text.split("\n`cargo xtask simulate ").skip(1) {
        let (command, rest) = after.split_once('`').expect("the command ends");
        let (_, shown) = rest.split_once("\n\n").expect("a table follows");
        let shown = shown.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = command.split(' ').collect();
        let simulate = Simulate::from_args(&["simulate"], &words).unwrap_or_else(|early| panic!("{}", early.output));
        let printed: String = simulate.wanted().iter().map(|table| table.of(&simulate)).collect();
        assert_eq!(shown.trim_end(), printed.trim_end(), "`cargo xtask simulate {command}` in {DOCUMENT}");
        compared += 1;
    }
    assert!(compared > 3, "{compared}");
}
