//! What CI runs, in order, with the time of each step and what was left out.

#![expect(clippy::disallowed_methods, reason = "a step takes real time")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::left_out::{self, Policy};
use crate::program::{self, cargo};
use crate::{dist, generate, setup, tidy};

/// Runs every step; the first failure ends it.
pub(crate) fn run(policy: Policy) -> Result<()> {
    left_out::clear()?;
    let mut steps = Steps { passed: Vec::new() };
    steps.run("setup", || setup::run(policy))?;
    steps.cargo("format", &["fmt", "--all", "--check"])?;
    steps.cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    steps.run("tidy", || tidy::run(crate::root()).map(|files| println!("{files} sources are tidy")))?;
    steps.run("generated", || generate::check(crate::root()))?;
    steps.run("documentation", documentation)?;
    steps.run("package", package)?;
    steps.run("tests", tests)?;
    steps.run("tests, wire v1", tests_of_v1)?;
    steps.cargo("documentation tests", &["test", "--doc"])?;
    // Each once, as a test.
    steps.cargo("benchmarks of the parts", &["test", "--bench", "parts"])?;
    steps.run("benchmark", benchmark)?;
    steps.summarise();
    tell_left_out(policy, &left_out::lines()?)?;
    println!("everything passed");
    Ok(())
}

struct Steps {
    passed: Vec<(&'static str, Duration)>,
}

impl Steps {
    fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n== {name}");
        let start = Instant::now();
        step().with_context(|| format!("step `{name}` failed"))?;
        let took = start.elapsed();
        println!("== {name}: {:.1} s", took.as_secs_f32());
        self.passed.push((name, took));
        Ok(())
    }

    fn cargo(&mut self, name: &'static str, arguments: &[&str]) -> Result<()> {
        self.run(name, || announced(&mut cargo(arguments)))
    }

    fn summarise(&self) {
        println!();
        for (name, took) in &self.passed {
            println!("{name:20} {:7.1} s", took.as_secs_f32());
        }
    }
}

/// Our two ends speak v2 to each other; what HTTP needs is tested over the wire of Go peers as well.
fn tests_of_v1() -> Result<()> {
    let subjects = ["failures::", "http::", "load::", "streaming::", "upgrade::", "visitors::"];
    let mut command = if program::find("cargo-nextest").is_some() {
        cargo(&["nextest", "run", "--test", "it"])
    } else {
        cargo(&["test", "--test", "it", "--"])
    };
    announced(command.args(subjects).env("SENDIT_WIRE", "v1"))
}

/// A short one: not for its figures, which a shared machine spoils, but so that it goes on working.
fn benchmark() -> Result<()> {
    if ["wrk", "nginx"].iter().any(|name| program::find(name).is_none()) {
        return left_out::note("the short benchmark, because `wrk` or `nginx` is missing");
    }
    announced(&mut cargo(&["xtask", "bench", "--rounds", "1", "--seconds", "1"]))
}

fn announced(command: &mut std::process::Command) -> Result<()> {
    println!("{}", program::text(command));
    program::run(command)
}

fn documentation() -> Result<()> {
    announced(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// What the tests then install.
fn package() -> Result<()> {
    if dist::cargo_deb().is_none() {
        return left_out::note("the package for Debian, because `cargo-deb` is missing");
    }
    dist::deb()
}

/// nextest runs each test in a process of its own with a limit to its time; without it the same tests run, unlimited.
fn tests() -> Result<()> {
    if program::find("cargo-nextest").is_some() {
        return announced(&mut cargo(&["nextest", "run", "--workspace"]));
    }
    println!("cargo-nextest is not installed: the same tests run under `cargo test`, without a limit to their time");
    announced(&mut cargo(&["test", "--workspace", "--lib", "--bins", "--tests"]))
}

fn tell_left_out(policy: Policy, lines: &[String]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    println!("\nLEFT OUT:");
    for line in lines {
        println!("  {line}");
    }
    println!();
    ensure!(policy == Policy::Tell, "with `CI=true` nothing may be left out");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(policy: Policy, lines: &[&str], passes: bool) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(tell_left_out(policy, &lines).is_ok(), passes, "{policy:?} {lines:?}");
    }

    #[test]
    fn what_is_left_out_fails_where_nothing_may_be() {
        check(Policy::Tell, &[], true);
        check(Policy::Refuse, &[], true);
        check(Policy::Tell, &["nginx as a target"], true);
        check(Policy::Refuse, &["nginx as a target"], false);
    }

    #[test]
    fn the_first_failing_step_ends_the_run() {
        let mut steps = Steps { passed: Vec::new() };
        assert!(steps.run("good", || Ok(())).is_ok());
        let error = steps.run("bad", || anyhow::bail!("the cause")).unwrap_err();
        assert_eq!(format!("{error:#}"), "step `bad` failed: the cause");
        assert_eq!(steps.passed.len(), 1);
    }
}
