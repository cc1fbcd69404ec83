//! What the tests need that is no package of this system's, put into folders below `target/` by installers of its own:
//! libraries of other languages, what cargo builds, and a whole Debian.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::left_out::{self, Policy};
use crate::program;

struct Library {
    /// Where the test scripts look for it.
    folder: &'static str,
    /// What is wanted, each with its version; its copy in the folder says what is there.
    manifest: &'static str,
    /// What a run without it leaves out.
    without: &'static str,
    install: fn(&Path) -> Result<()>,
}

const LIBRARIES: [Library; 4] = [
    Library {
        folder: "target/apps/python",
        manifest: "requirements.txt",
        without: "webhooks, WebSockets, a notebook, readers of the inspector and a client of wire v2 in Python, the lines for \
                  Traefik, and the check of the examples for Kubernetes",
        install: python,
    },
    Library {
        folder: "target/apps/node",
        manifest: "package.json",
        without: "a dev server and the inspector's page in a browser",
        install: node,
    },
    Library { folder: "target/apps/cargo", manifest: "cargo.txt", without: "the package for Debian", install: cargo },
    Library {
        folder: "target/apps/debian",
        manifest: "debian.txt",
        without: "the package for Debian on a system of its own",
        install: debian,
    },
];

/// Installs what is missing or older, and notes what is then left out.
pub(super) fn run(policy: Policy) -> Result<()> {
    for library in LIBRARIES {
        let wanted = wanted(&library);
        let folder = crate::root().join(library.folder);
        let installed = folder.join("installed");
        let text = fs::read_to_string(&wanted).with_context(|| format!("cannot read `{}`", wanted.display()))?;
        if fs::read_to_string(&installed).is_ok_and(|there| there == text) {
            continue;
        }
        println!("installing {} into {}", library.manifest, library.folder);
        if let Err(error) = anew(&folder).and_then(|()| (library.install)(&folder)) {
            println!("{error:#}");
            // What is there in part would look as if it were there.
            anew(&folder).and_then(|()| Ok(fs::remove_dir(&folder)?))?;
            let line = format!("{}, because `{}` could not be installed", library.without, library.manifest);
            println!("left out: {line}");
            left_out::note(&line)?;
            ensure!(policy == Policy::Tell, "with `CI=true` nothing may be missing: {}", library.manifest);
            continue;
        }
        fs::write(&installed, text).with_context(|| format!("cannot write `{}`", installed.display()))?;
    }
    Ok(())
}

fn wanted(library: &Library) -> PathBuf {
    crate::root().join("tests/apps").join(library.manifest)
}

/// An empty folder.
fn anew(folder: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))
}

fn python(folder: &Path) -> Result<()> {
    program::run(Command::new("python3").args(["-m", "venv"]).arg(folder)).context("is `python3-venv` installed?")?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement", "tests/apps/requirements.txt"]);
    program::run(pip.current_dir(crate::root()))
}

fn node(folder: &Path) -> Result<()> {
    fs::copy(crate::root().join("tests/apps/package.json"), folder.join("package.json"))?;
    let mut npm = Command::new("npm");
    // Nothing of what is installed has to run for that, and an older Node would fail in the tests.
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--engine-strict"]);
    program::run(npm.current_dir(folder))
}

fn cargo(folder: &Path) -> Result<()> {
    let mut cargo = program::cargo(&["install", "--quiet", "--locked", "--root"]);
    program::run(cargo.arg(folder).args(lines("cargo.txt")?))
}

/// A root that other roots are made from, of the same release as this system: what is built here runs there.
fn debian(folder: &Path) -> Result<()> {
    let release = fs::read_to_string("/etc/os-release").context("cannot tell this system's release")?;
    let name = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let mut mmdebstrap = Command::new("mmdebstrap");
    mmdebstrap.args(["--quiet", "--variant=minbase"]).arg(format!("--include={}", lines("debian.txt")?.join(",")));
    program::run(mmdebstrap.arg(name.context("this system's release has no name")?).arg(folder.join("root.tar")))
}

/// What a manifest wants that has one thing in each line.
fn lines(manifest: &str) -> Result<Vec<String>> {
    let path = crate::root().join("tests/apps").join(manifest);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(text.lines().map(ToOwned::to_owned).collect())
}
