//! Fuzzing, with the stable toolchain: builds the targets of `fuzz/` and runs each for some time.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use argh::FromArgs;

use crate::left_out::{self, Policy};
use crate::program;

/// What the compiler puts into the code for libFuzzer to see where an input goes: counters at every edge, their places, and what
/// is compared with what. A nightly toolchain would be needed for a sanitizer, which code without `unsafe` does not.
const FLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
];

/// What an input, of 4 KiB at most, may cost: seconds, and MiB of the whole process.
const LIMITS: [&str; 2] = ["-timeout=5", "-rss_limit_mb=512"];

/// Fuzz what strangers' bytes reach first.
#[derive(FromArgs)]
#[argh(subcommand, name = "fuzz")]
pub(crate) struct Fuzz {
    /// how long each target runs (default: 30)
    #[argh(option, default = "30")]
    seconds: u32,

    /// one of the targets; without it each in turn
    #[argh(positional)]
    target: Option<String>,
}

impl Fuzz {
    /// Builds, runs, and says how many inputs were tried; fails at the first that does harm.
    pub(crate) fn run(&self, policy: Policy) -> Result<()> {
        let all = targets()?;
        let chosen: Vec<&String> =
            all.iter().filter(|name| self.target.as_ref().is_none_or(|target| target == *name)).collect();
        ensure!(!chosen.is_empty(), "there is no such target; these there are: {}", all.join(", "));
        if let Some(missing) = missing() {
            println!("LEFT OUT: fuzzing, because {missing}");
            ensure!(policy == Policy::Tell, "with `CI=true` nothing may be left out");
            return left_out::note(&format!("fuzzing, because {missing}"));
        }
        let folder = build()?;
        let mut figures = Vec::new();
        for target in chosen {
            figures.push((target, fuzz(&folder, target, self.seconds)?));
        }
        for (target, runs) in figures {
            println!("{target:12} {runs:12} inputs in {} s", self.seconds);
        }
        Ok(())
    }
}

/// The names of the targets, as their files bear them.
fn targets() -> Result<Vec<String>> {
    let entries = fs::read_dir(crate::root().join("fuzz/fuzz_targets")).context("cannot list the targets")?;
    let name = |entry: fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = entries.filter_map(|entry| name(entry.ok()?)).collect();
    names.sort();
    Ok(names)
}

/// Why there can be no fuzzing here.
#[expect(clippy::disallowed_methods, reason = "a task reads the environment that it runs in")]
fn missing() -> Option<String> {
    if !cfg!(unix) {
        return Some("libFuzzer needs a Unix system".to_owned());
    }
    // libFuzzer itself is C++, and is built by the compiler that its package would take.
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let found = program::find(&compiler).is_some() || PathBuf::from(&compiler).is_file();
    (!found).then(|| format!("there is no C++ compiler: `{compiler}` is missing"))
}

/// Builds all targets and says in which folder they lie. With a target platform named the flags reach no build script.
fn build() -> Result<PathBuf> {
    let version = program::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc` names no host")?;
    let arguments = ["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", host];
    program::run(program::cargo(&arguments).arg("--target-dir").arg(home()).env("RUSTFLAGS", FLAGS.join(" ")))?;
    Ok(home().join(host).join("release"))
}

/// Where builds and what runs find are kept.
fn home() -> PathBuf {
    crate::root().join("target/fuzz")
}

/// Runs one target, and says how many inputs it tried. What it finds on the way is kept for the next run, beside the
/// seeds of the repository.
fn fuzz(folder: &std::path::Path, target: &str, seconds: u32) -> Result<u64> {
    let (found, harmful) = (home().join("corpus").join(target), home().join("artifacts").join(target));
    for folder in [&found, &harmful] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    }
    let mut command = Command::new(folder.join(target));
    command.args(LIMITS).arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
    command.arg(format!("-artifact_prefix={}/", harmful.display()));
    command.args([found.as_os_str(), crate::root().join("fuzz/seeds").join(target).as_ref()]);
    println!("== {target}");
    let (output, runs) = watch(&mut command)?;
    ensure!(
        output.success(),
        "`{target}` was harmed by the newest input in `{}`; make it a seed once it is mended",
        harmful.display()
    );
    runs.context("libFuzzer did not say how many inputs it tried")
}

/// Runs to the end, passes on what is printed, and picks the number of inputs out of it.
fn watch(command: &mut Command) -> Result<(std::process::ExitStatus, Option<u64>)> {
    let name = command.get_program().to_owned();
    let mut child = command.stderr(Stdio::piped()).spawn().with_context(|| cannot_run(&name))?;
    let mut runs = None;
    for line in BufReader::new(child.stderr.take().context("it is piped")?).lines() {
        let line = line.unwrap_or_default();
        let stat = line.strip_prefix("stat::number_of_executed_units:").and_then(|count| count.trim().parse().ok());
        runs = stat.or(runs);
        // Each new path is told, which is much.
        if !line.contains("NEW ") && !line.contains("REDUCE ") {
            println!("{line}");
        }
    }
    Ok((child.wait().with_context(|| cannot_run(&name))?, runs))
}

fn cannot_run(program: &OsStr) -> String {
    format!("cannot run `{}`", program.to_string_lossy())
}
