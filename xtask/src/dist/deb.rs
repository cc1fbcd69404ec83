//! The package for Debian, by cargo-deb: what is in it stands in `Cargo.toml`, what else belongs to it in `dist/deb`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::commit_date;
use super::facts::Facts;
use crate::program;

/// Builds it into `folder`, and lets lintian look at it where that is here.
pub(super) fn build(folder: &Path) -> Result<()> {
    program::release()?;
    for before in packages(folder)? {
        fs::remove_file(&before).with_context(|| format!("cannot remove `{}`", before.display()))?;
    }
    fs::write(folder.join("changelog"), changelog()?).context("cannot write the package's changelog")?;
    let mut cargo_deb = Command::new(cargo_deb().context("`cargo-deb` is missing: `cargo xtask setup` installs it")?);
    cargo_deb.args(["deb", "--no-build", "--quiet", "--output"]).arg(folder).current_dir(crate::root());
    program::run(&mut cargo_deb)?;
    for package in packages(folder)? {
        println!("{}", package.display());
        if program::find("lintian").is_some() {
            program::run(Command::new("lintian").args(["--fail-on", "error,warning"]).arg(package))?;
        }
    }
    Ok(())
}

/// The packages that lie there.
fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "deb")).collect())
}

/// As `cargo xtask setup` has installed it, or whoever runs this.
pub(crate) fn cargo_deb() -> Option<PathBuf> {
    let ours = crate::root().join("target/apps/cargo/bin/cargo-deb");
    if ours.is_file() { Some(ours) } else { program::find("cargo-deb") }
}

/// What Debian wants said of each package: whose it is, and since when. What has changed stands in the project's own.
fn changelog() -> Result<String> {
    let Facts { version, maintainer, .. } = Facts::of_cargo()?;
    let date = commit_date("%cD")?;
    Ok(format!(
        "sendit ({version}-1) unstable; urgency=medium\n\n  * Version {version}: its changes stand in changelog.gz.\n\n -- {maintainer}  {date}\n"
    ))
}
