//! Checksums, and how Homebrew and Nix find the archives: templates beside this file, filled with what `Cargo.toml` and the
//! archives say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::facts::Facts;

#[cfg(test)]
mod tests;

/// Each recipe, and its template.
const RECIPES: [(&str, &str); 2] =
    [("sendit.rb", include_str!("recipes/sendit.rb")), ("flake.nix", include_str!("recipes/flake.nix"))];

/// The file that has the checksums.
const SUMS: &str = "SHA256SUMS";

/// Writes the checksums of what lies in `folder`, and the recipes for archives that will be found below `url`.
pub(super) fn write(folder: &Path, url: &str) -> Result<()> {
    let (facts, sums) = (Facts::of_cargo()?, sums(folder)?);
    let mut lines = String::new();
    for (name, sum) in &sums {
        let _ = writeln!(lines, "{sum}  {name}");
    }
    let recipes = RECIPES.map(|(name, template)| (name, fill(template, &facts, url, &sums)));
    for (name, text) in [(SUMS, Ok(lines))].into_iter().chain(recipes) {
        let path = folder.join(name);
        text.and_then(|text| Ok(fs::write(&path, text)?)).with_context(|| format!("cannot write `{name}`"))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// The checksum of each package and archive.
fn sums(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if [".deb", ".tar.gz", ".zip"].iter().any(|end| name.ends_with(end)) {
            let bytes = fs::read(&path).with_context(|| format!("cannot read `{name}`"))?;
            sums.insert(name, hexadecimal(&Sha256::digest(bytes)));
        }
    }
    Ok(sums)
}

/// Fills what stands between two `@`: a fact, an address, or a target, for the checksum of its archive.
fn fill(template: &str, facts: &Facts, url: &str, sums: &BTreeMap<String, String>) -> Result<String> {
    let Facts { version, description, license, .. } = facts;
    let url = url.trim_end_matches('/');
    let mut text = String::new();
    for (at, part) in template.split('@').enumerate() {
        text += match part {
            _ if at % 2 == 0 => part,
            "version" => version,
            "description" => description,
            "license" => license,
            "url" => url,
            "home" => url.split("/releases/").next().unwrap_or_default(),
            target => {
                let archive = format!("sendit-{version}-{target}.tar.gz");
                sums.get(&archive).with_context(|| format!("there is no `{archive}`"))?
            }
        };
    }
    Ok(text)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
