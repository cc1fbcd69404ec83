//! Pictures for the documents: of a terminal, and of the inspector's page. Knows who takes them, and not what they show.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use argh::FromArgs;

use crate::program;

/// The largest that one may be, in bytes: they lie in the repository.
const MAX_SIZE: u64 = 150_000;

/// Take the pictures that the documents show: of a terminal, and of the inspector's page in Chromium.
#[derive(FromArgs)]
#[argh(subcommand, name = "screenshots")]
pub(crate) struct Screenshots {
    /// executable that is looked at (default: this project's)
    #[argh(option)]
    binary: Option<PathBuf>,

    /// only the terminal's
    #[argh(switch)]
    terminal: bool,
}

impl Screenshots {
    /// Takes them all, and fails where one is too large.
    pub(crate) fn run(&self) -> Result<()> {
        let built = crate::root().join("target/debug/sendit");
        if self.binary.is_none() {
            program::run(&mut program::cargo(&["build", "--quiet", "--package", "sendit"]))?;
        }
        let (binary, folder) = (self.binary.as_ref().unwrap_or(&built), crate::root().join("docs"));
        crate::asynchronous(terminal(binary, &folder.join("terminal.svg")))?;
        if self.terminal {
            return Ok(());
        }
        page(binary, &folder)
    }
}

#[cfg(unix)]
async fn terminal(binary: &Path, file: &Path) -> Result<()> {
    let shown = trials::picture::take(binary).await?;
    let svg = trials::picture::svg::draw(&shown, trials::picture::WIDE.into());
    std::fs::write(file, svg).with_context(|| format!("cannot write `{}`", file.display()))
}

#[cfg(not(unix))]
async fn terminal(_binary: &Path, _file: &Path) -> Result<()> {
    anyhow::bail!("the picture of a terminal takes a terminal of Unix")
}

fn page(binary: &Path, folder: &Path) -> Result<()> {
    let root = crate::root();
    let mut script = Command::new("node");
    script.arg(root.join("tests/apps/inspector/screenshots.mjs")).arg(root.join("target/apps/node"));
    program::run(script.arg(binary).arg(folder))?;
    for name in ["list", "detail", "dark", "narrow"] {
        let file = folder.join(format!("inspector-{name}.png"));
        let size = file.metadata().with_context(|| format!("cannot read `{}`", file.display()))?.len();
        ensure!(size <= MAX_SIZE, "`{}` has {size} bytes, which is more than {MAX_SIZE}", file.display());
        println!("{}: {size} bytes", file.display());
    }
    Ok(())
}
