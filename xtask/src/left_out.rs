//! What a run had to leave out, one line each in `target/left-out.txt`. Tests append to it too.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// Whether a run may leave anything out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Say what was left out, and pass.
    Tell,
    /// Fail.
    Refuse,
}

impl Policy {
    /// `CI=true` refuses.
    #[expect(clippy::disallowed_methods, reason = "a task reads the environment that it runs in")]
    pub(crate) fn of_environment() -> Self {
        if std::env::var_os("CI").is_some_and(|value| value == "true") { Self::Refuse } else { Self::Tell }
    }
}

/// Forgets what earlier runs left out.
pub(crate) fn clear() -> Result<()> {
    match fs::remove_file(file()) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", file().display()))
        }
        _ => Ok(()),
    }
}

/// Adds one line.
pub(crate) fn note(line: &str) -> Result<()> {
    let append = || -> std::io::Result<()> {
        fs::create_dir_all(crate::root().join("target"))?;
        // One write, so that lines of tests which run at the same time stay whole.
        OpenOptions::new().create(true).append(true).open(file())?.write_all(format!("{line}\n").as_bytes())
    };
    append().with_context(|| format!("cannot write `{}`", file().display()))
}

/// Each thing that was left out, once.
pub(crate) fn lines() -> Result<Vec<String>> {
    let text = match fs::read_to_string(file()) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text.with_context(|| format!("cannot read `{}`", file().display()))?,
    };
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    lines.sort();
    lines.dedup();
    Ok(lines)
}

fn file() -> PathBuf {
    crate::root().join("target/left-out.txt")
}
