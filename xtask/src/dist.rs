//! What is handed out: packages, archives, and the recipes that lead other programs to them. All of it lies in
//! `target/dist`. Knows nothing of what the program does.

mod archive;
mod deb;
mod facts;
mod recipes;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use argh::FromArgs;

use crate::left_out::{self, Policy};
use crate::program;
pub(crate) use deb::cargo_deb;

/// Make what is handed out, in `target/dist`.
#[derive(FromArgs)]
#[argh(subcommand, name = "dist")]
pub(crate) struct Dist {
    #[argh(subcommand)]
    what: What,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum What {
    Deb(Deb),
    Archives(Archives),
    Recipes(Recipes),
}

/// The package for Debian, of this machine's architecture.
#[derive(FromArgs)]
#[argh(subcommand, name = "deb")]
struct Deb {}

/// Archives of the program, its completions and its pages.
#[derive(FromArgs)]
#[argh(subcommand, name = "archives")]
struct Archives {
    /// what for, such as x86_64-unknown-linux-musl; can be repeated (default: Linux on both architectures, as far as there
    /// are tools for it here)
    #[argh(option)]
    target: Vec<String>,
}

/// The checksums of all that lies there, a formula for Homebrew and a flake for Nix.
#[derive(FromArgs)]
#[argh(subcommand, name = "recipes")]
struct Recipes {
    /// address below which the archives will be found
    #[argh(option)]
    url: String,
}

impl Dist {
    /// Makes it, and says where it is.
    pub(crate) fn run(&self, policy: Policy) -> Result<()> {
        match &self.what {
            What::Deb(Deb {}) => deb(),
            What::Archives(Archives { target }) => archives(target, policy),
            What::Recipes(Recipes { url }) => recipes::write(&folder()?, url),
        }
    }
}

/// Builds the package.
pub(crate) fn deb() -> Result<()> {
    deb::build(&folder()?)
}

/// Those that are asked for have to be made; of the others what cannot be is left out.
fn archives(targets: &[String], policy: Policy) -> Result<()> {
    let folder = folder()?;
    for target in targets {
        archive::make(target, &folder)?;
    }
    if !targets.is_empty() {
        return Ok(());
    }
    for target in archive::STATIC {
        match archive::missing(target)? {
            None => archive::make(target, &folder)?,
            Some(missing) => {
                let line = format!("the archive for {target}, because {missing}");
                println!("LEFT OUT: {line}");
                left_out::note(&line)?;
                ensure!(policy == Policy::Tell, "with `CI=true` nothing may be left out");
            }
        }
    }
    Ok(())
}

/// Where all of it lies.
fn folder() -> Result<PathBuf> {
    let folder = crate::root().join("target/dist");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    Ok(folder)
}

/// When the last commit was made, as git writes it by `format`: what is made of it is then the same whenever it is made.
fn commit_date(format: &str) -> Result<String> {
    let mut git = Command::new("git");
    git.args(["log", "-1"]).arg(format!("--format={format}")).env("LC_ALL", "C").current_dir(crate::root());
    let date = program::output(&mut git)?.trim().to_owned();
    ensure!(!date.is_empty(), "the last commit has no date");
    Ok(date)
}
