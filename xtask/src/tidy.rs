//! The rules of the house that no compiler checks: who imports whom, what is named where, and how a file reads.
//!
//! Sources are read as tokens, so comments, doc tests and strings do not count; code under `#[cfg(test)]` does.
//! Paths are followed by what they spell. What a macro of another crate expands to is not seen.

mod fences;
mod layers;
mod lexer;
mod paths;
mod text;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Where sources are; those that do not exist yet hold none.
const FOLDERS: [&str; 6] = ["src", "tests", "benches", "examples", "fuzz", "xtask/src"];

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    line: usize,
    rule: String,
}

/// Checks every source below `root`, and says how many there were; the error lists each finding as `file:line: rule`.
pub(crate) fn run(root: &Path) -> Result<usize> {
    let files = sources(root)?;
    let mut report = String::new();
    for file in &files {
        let source = fs::read_to_string(root.join(file)).with_context(|| format!("cannot read `{file}`"))?;
        for Finding { line, rule } in check(file, &source) {
            write!(report, "\n{file}:{line}: {rule}")?;
        }
    }
    if !report.is_empty() {
        bail!("the sources are not tidy:{report}");
    }
    Ok(files.len())
}

/// Every finding in one file, in the order of its lines.
fn check(file: &str, source: &str) -> Vec<Finding> {
    let tokens = lexer::tokens(source);
    let paths = paths::paths(&tokens);
    let module = layers::module(file);
    let mut findings = text::check(file, source, &tokens);
    findings.extend(module.iter().flat_map(|module| layers::check(module, &paths)));
    findings.extend(fences::check(module.as_ref().map(|module| module[0]), &paths));
    findings.sort_by_key(|finding| finding.line);
    findings.dedup();
    findings
}

/// The Rust files, relative to `root`, with `/` on every platform.
fn sources(root: &Path) -> Result<Vec<String>> {
    let mut folders: Vec<String> = FOLDERS.map(ToOwned::to_owned).into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        if !root.join(&folder).is_dir() {
            continue;
        }
        for entry in fs::read_dir(root.join(&folder)).with_context(|| format!("cannot list `{folder}`"))? {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().context("a file's name is not UTF-8")?;
            let path = format!("{folder}/{name}");
            match entry.file_type()?.is_dir() {
                true if name == "target" => {}
                true => folders.push(path),
                false if Path::new(&name).extension().is_some_and(|extension| extension == "rs") => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
