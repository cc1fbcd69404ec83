//! What is generated from the code and kept in the repository: completions, man pages, the reference of commands and
//! the table of settings from the argument types, the names of metrics from their table, the lines for proxies from
//! their files. Knows the command line as data and
//! nothing of what the commands do.

mod completions;
mod manual;
mod markdown;
mod metrics;
mod proxies;
mod roff;
mod verify;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use manual::Manual;

/// The page that has every command, and the one that has every setting.
const COMMANDS: &str = "docs/commands.md";
const CONFIGURATION: &str = "docs/configuration.md";

/// Folders that hold nothing but generated files.
const FOLDERS: [&str; 2] = ["completions", "man"];

/// A generated file, relative to the repository's root, and its text.
struct Generated {
    path: String,
    text: String,
}

/// Writes everything that is generated.
pub(crate) fn write(root: &Path) -> Result<()> {
    for stray in strays(root, &everything(root)?)? {
        fs::remove_file(root.join(&stray)).with_context(|| format!("cannot remove `{stray}`"))?;
    }
    for Generated { path, text } in everything(root)? {
        let file = root.join(&path);
        let folder = file.parent().expect("each generated file lies in the repository");
        fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
        fs::write(&file, text).with_context(|| format!("cannot write `{path}`"))?;
        println!("wrote {path}");
    }
    Ok(())
}

/// Fails where what stands in the repository is not what would be written, or is not valid to its readers.
pub(crate) fn check(root: &Path) -> Result<()> {
    let everything = everything(root)?;
    let mut wrong = strays(root, &everything)?;
    for Generated { path, text } in &everything {
        // A checkout may have turned the ends of lines.
        let current = fs::read_to_string(root.join(path)).map(|current| current.replace("\r\n", "\n"));
        if !current.is_ok_and(|current| current == *text) {
            wrong.push(path.clone());
        }
    }
    if !wrong.is_empty() {
        bail!("not what the code says, run `cargo xtask gen`: {}", wrong.join(", "));
    }
    let paths: Vec<&str> = everything.iter().map(|generated| generated.path.as_str()).collect();
    verify::run(root, &paths)?;
    println!("{} generated files are up to date", everything.len());
    Ok(())
}

fn everything(root: &Path) -> Result<Vec<Generated>> {
    let manual = Manual::of_sendit();
    let read = |page: &str| fs::read_to_string(root.join(page)).with_context(|| format!("cannot read `{page}`"));
    let mut files = completions::files(&manual);
    files.extend(roff::files(&manual));
    files.push(Generated { path: COMMANDS.to_owned(), text: markdown::commands(&read(COMMANDS)?, &manual)? });
    let text = markdown::configuration(&read(CONFIGURATION)?, &manual)?;
    files.push(Generated { path: CONFIGURATION.to_owned(), text });
    files.push(metrics::file(root)?);
    files.push(proxies::file(root)?);
    Ok(files)
}

/// Files in the generated folders that nothing generates any more.
fn strays(root: &Path, everything: &[Generated]) -> Result<Vec<String>> {
    let mut strays = Vec::new();
    for folder in FOLDERS {
        let path = root.join(folder);
        if !path.is_dir() {
            continue;
        }
        for entry in fs::read_dir(path).with_context(|| format!("cannot list `{folder}`"))? {
            let file = format!("{folder}/{}", entry?.file_name().to_string_lossy());
            if !everything.iter().any(|generated| generated.path == file) {
                strays.push(file);
            }
        }
    }
    Ok(strays)
}
