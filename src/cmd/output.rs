//! What is printed: results on standard output, everything else on standard error. Knows no text of its own.

use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::Context as _;

use super::exit::Failure;

/// Prints a result, whole and at once, so that a reader at the other end of a pipe sees it.
pub(crate) fn answer(line: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write to standard output")?;
    Ok(())
}

/// Tells the person something. Where nobody listens any more, the command's work goes on.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
