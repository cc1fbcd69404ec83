//! Instructions, counted by valgrind's callgrind.

mod parse;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::bench::{Candidate, Running};
use crate::program;
use parse::{functions, module};

/// The tunnel's binary, run by callgrind.
pub(super) struct Callgrind {
    folder: TempDir,
    script: PathBuf,
}

/// What the functions of each end took.
pub(super) struct Counts(Vec<(&'static str, Vec<(String, u64)>)>);

impl Callgrind {
    pub(super) fn of(binary: &Path) -> Result<Self> {
        program::find("valgrind").context("there is no `valgrind`; install it by `cargo xtask setup`")?;
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("sendit");
        let (to, binary) = (folder.path().display(), binary.display());
        let text =
            format!("#!/bin/sh\nexec valgrind --quiet --tool=callgrind --callgrind-out-file={to}/%p {binary} \"$@\"\n");
        fs::write(&script, text)?;
        fs::set_permissions(&script, Permissions::from_mode(0o755))?;
        Ok(Self { folder, script })
    }

    pub(super) fn candidate(&self, flags: &[String]) -> Candidate {
        Candidate::Sendit { binary: self.script.clone(), flags: flags.to_vec() }
    }

    /// Begins to count.
    pub(super) fn zero(running: &Running) -> Result<()> {
        running.processes().iter().try_for_each(|process| control("--zero", *process))
    }

    /// What was counted since.
    pub(super) fn counts(&self, running: &Running) -> Result<Counts> {
        let mut counts = Vec::new();
        for (name, process) in ["server", "client"].into_iter().zip(running.processes()) {
            control("--dump", process)?;
            let file = self.folder.path().join(format!("{process}.1"));
            counts.push((name, functions(&fs::read_to_string(file).context("callgrind has written nothing")?)));
        }
        Ok(Counts(counts))
    }
}

fn control(what: &str, process: u32) -> Result<()> {
    program::output(Command::new("callgrind_control").args([what, &process.to_string()])).map(drop)
}

impl Counts {
    /// What one of so many exchanges took, by module, and by as many functions as are asked for.
    pub(super) fn table(&self, exchanges: usize, most: usize) -> String {
        let mut text = String::new();
        for (end, functions) in &self.0 {
            let each = |count: u64| count / exchanges as u64;
            let all = functions.iter().map(|(_, count)| count).sum();
            let _ = writeln!(text, "{end}: {} instructions an exchange", each(all));
            for (module, count) in
                by_module(functions).iter().filter(|(_, count)| each(*count) > all / 200 / exchanges as u64)
            {
                let _ = writeln!(text, "{:9} {module}", each(*count));
            }
            for (name, count) in functions.iter().take(most) {
                let _ = writeln!(text, "{:9}   {name}", each(*count));
            }
        }
        text
    }
}

fn by_module(functions: &[(String, u64)]) -> Vec<(&str, u64)> {
    let mut modules = HashMap::<_, u64>::new();
    for (name, count) in functions {
        *modules.entry(module(name)).or_default() += count;
    }
    let mut modules: Vec<_> = modules.into_iter().collect();
    modules.sort_by_key(|(module, count)| (Reverse(*count), *module));
    modules
}
