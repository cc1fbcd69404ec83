//! Other programs: whether they are here, and running them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Where `name` is. Servers lie in folders that are not on everybody's `PATH`.
#[expect(clippy::disallowed_methods, reason = "a task reads the environment that it runs in")]
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    folders.map(|folder| folder.join(&file)).find(|candidate| candidate.is_file())
}

/// A cargo command at the repository's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(crate::root());
    command
}

/// Runs to the end with this process's own input and output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run `{}`", text(command)))?;
    ensure!(status.success(), "`{}` failed: {status}", text(command));
    Ok(())
}

/// Runs to the end and takes what it prints; where it fails, that is the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run `{}`", text(command)))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{}` failed: {}\n{printed}{errors}", text(command), output.status);
    Ok(printed.into_owned())
}

/// The command as a person would type it.
pub(crate) fn text(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Builds the program as it is released, and says where it is.
pub(crate) fn release() -> Result<PathBuf> {
    run(&mut cargo(&["build", "--quiet", "--release", "--package", "sendit"]))?;
    Ok(crate::root().join("target/release").join(format!("sendit{}", std::env::consts::EXE_SUFFIX)))
}
