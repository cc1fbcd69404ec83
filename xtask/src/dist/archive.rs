//! An archive for one kind of machine: the program, completions, pages, and what has to go along.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::commit_date;
use super::facts::Facts;
use crate::program;

/// Linux without a library of the system's, so that one archive is good for every distribution.
pub(super) const STATIC: [&str; 2] = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];

/// What lies beside the program.
const FILES: [&str; 3] = ["CHANGELOG.md", "LICENSE", "README.md"];
const FOLDERS: [&str; 2] = ["completions", "man"];

/// What this machine lacks to build for `target`, if anything.
pub(super) fn missing(target: &str) -> Result<Option<String>> {
    let mut rustc = Command::new("rustc");
    let libraries = program::output(rustc.args(["--print", "target-libdir", "--target", target]))?;
    if !Path::new(libraries.trim()).is_dir() {
        return Ok(Some(format!("Rust's library for it is missing: `rustup target add {target}` installs it")));
    }
    let compiler = compiler(target);
    let missing = compiler.filter(|compiler| program::find(compiler).is_none());
    Ok(missing.map(|compiler| format!("`{compiler}` is missing")))
}

/// The C compiler that `ring` is built with, where it is not the system's own.
fn compiler(target: &str) -> Option<String> {
    let (architecture, _) = target.split_once("-unknown-linux-musl")?;
    let is_own = architecture == std::env::consts::ARCH;
    Some(if is_own { "musl-gcc".to_owned() } else { format!("{architecture}-linux-musl-gcc") })
}

/// Builds for `target`, and packs what belongs together into an archive in `folder`.
pub(super) fn make(target: &str, folder: &Path) -> Result<()> {
    if let Some(missing) = missing(target)? {
        bail!("no archive for {target} can be made: {missing}");
    }
    let mut build = program::cargo(&["build", "--release", "--locked", "--package", "sendit", "--target", target]);
    // Symbols are of use to those alone who build it.
    program::run(build.env("CARGO_PROFILE_RELEASE_STRIP", "true"))?;
    let name = format!("sendit-{}-{target}", Facts::of_cargo()?.version);
    let contents = folder.join(&name);
    let _ = fs::remove_dir_all(&contents);
    fs::create_dir_all(&contents).with_context(|| format!("cannot create `{}`", contents.display()))?;
    let program = if target.contains("windows") { "sendit.exe" } else { "sendit" };
    copy(&crate::root().join("target").join(target).join("release"), program, &contents)?;
    for file in FILES {
        copy(crate::root(), file, &contents)?;
    }
    for name in FOLDERS {
        let (from, to) = (crate::root().join(name), contents.join(name));
        fs::create_dir(&to).with_context(|| format!("cannot create `{}`", to.display()))?;
        for entry in fs::read_dir(&from).with_context(|| format!("cannot list `{}`", from.display()))? {
            copy(&from, &entry?.file_name().to_string_lossy(), &to)?;
        }
    }
    let archive = pack(&name, folder)?;
    fs::remove_dir_all(&contents).with_context(|| format!("cannot remove `{}`", contents.display()))?;
    println!("{}", archive.display());
    Ok(())
}

fn copy(from: &Path, name: &str, to: &Path) -> Result<()> {
    fs::copy(from.join(name), to.join(name)).with_context(|| format!("cannot copy `{name}`"))?;
    Ok(())
}

/// An archive of the kind that is usual for the machine.
fn pack(name: &str, folder: &Path) -> Result<PathBuf> {
    let (end, kind) = if name.contains("windows") { ("zip", "-acf") } else { ("tar.gz", "-czf") };
    let archive = format!("{name}.{end}");
    let mut tar = Command::new("tar");
    tar.current_dir(folder).args([kind, &archive]);
    if cfg!(target_os = "linux") {
        // The same bytes wherever and whenever it is packed.
        let date = commit_date("@%ct")?;
        tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=go-w", "--mtime", &date]);
        tar.env("GZIP", "-n");
    }
    program::run(tar.arg(name))?;
    Ok(folder.join(archive))
}
