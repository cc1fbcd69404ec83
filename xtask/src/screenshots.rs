//! Pictures of the inspector's page for the documents. Knows which script takes them, and not what they show.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use argh::FromArgs;

use crate::program;

/// The largest that one may be, in bytes: they lie in the repository.
const MAX_SIZE: u64 = 150_000;

/// Take the pictures of the inspector's page that the documents show, in Chromium.
#[derive(FromArgs)]
#[argh(subcommand, name = "screenshots")]
pub(crate) struct Screenshots {
    /// executable whose page is looked at (default: this project's)
    #[argh(option)]
    binary: Option<PathBuf>,
}

impl Screenshots {
    /// Takes them all, and fails where one is too large.
    pub(crate) fn run(&self) -> Result<()> {
        let (root, built) = (crate::root(), crate::root().join("target/debug/sendit"));
        if self.binary.is_none() {
            program::run(&mut program::cargo(&["build", "--quiet", "--package", "sendit"]))?;
        }
        let folder = root.join("docs");
        let mut script = Command::new("node");
        script.arg(root.join("tests/apps/inspector/screenshots.mjs")).arg(root.join("target/apps/node"));
        program::run(script.arg(self.binary.as_ref().unwrap_or(&built)).arg(&folder))?;
        for name in ["list", "detail", "dark", "narrow"] {
            let file = folder.join(format!("inspector-{name}.png"));
            let size = file.metadata().with_context(|| format!("cannot read `{}`", file.display()))?.len();
            ensure!(size <= MAX_SIZE, "`{}` has {size} bytes, which is more than {MAX_SIZE}", file.display());
            println!("{}: {size} bytes", file.display());
        }
        Ok(())
    }
}
