//! Generated files, read by the programs that they are for.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{left_out, program};

struct Reader {
    program: &'static str,
    /// What makes it read without executing, and fail at what it would stumble over.
    arguments: &'static [&'static str],
    reads: fn(&str) -> bool,
}

const READERS: [Reader; 4] = [
    Reader { program: "bash", arguments: &["-n"], reads: |path| path == "completions/sendit.bash" },
    Reader { program: "zsh", arguments: &["-n"], reads: |path| path == "completions/_sendit" },
    Reader { program: "fish", arguments: &["--no-execute"], reads: |path| path == "completions/sendit.fish" },
    Reader { program: "mandoc", arguments: &["-T", "lint", "-W", "warning"], reads: |path| path.starts_with("man/") },
];

/// Lets each program read its files below `root`; a program that is missing is noted as left out.
pub(crate) fn run(root: &Path, paths: &[&str]) -> Result<()> {
    for reader in &READERS {
        let files: Vec<&str> = paths.iter().copied().filter(|path| (reader.reads)(path)).collect();
        if files.is_empty() {
            continue;
        }
        if program::find(reader.program).is_none() {
            left_out::note(&format!("{}, because `{}` is missing", files.join(", "), reader.program))?;
            continue;
        }
        program::output(Command::new(reader.program).args(reader.arguments).args(files).current_dir(root))?;
    }
    Ok(())
}

/// Which program reads the file at `path`.
#[cfg(test)]
#[cfg(unix)]
fn reader(path: &str) -> Option<&'static str> {
    READERS.iter().find(|reader| (reader.reads)(path)).map(|reader| reader.program)
}

// Windows has a `bash` of its own that knows no Windows path; the files are for Unix shells.
#[cfg(test)]
#[cfg(unix)]
mod tests;
