//! Recipes for archives that are not there, read by the programs that they are for.

use std::process::Command;

use super::*;
use crate::{left_out, program};

const URL: &str = "https://example.com/sendit/releases/download/v1.2.3/";

const TARGETS: [&str; 4] =
    ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin"];

fn facts() -> Facts {
    Facts { version: "1.2.3".to_owned(), ..Facts::of_cargo().unwrap() }
}

fn filled(template: &str) -> String {
    let sum = |target| (format!("sendit-1.2.3-{target}.tar.gz"), hexadecimal(&Sha256::digest(target)));
    fill(template, &facts(), URL, &TARGETS.into_iter().map(sum).collect()).unwrap()
}

/// What a recipe says; `reader` is what reads it without doing what it says.
#[track_caller]
fn check(name: &str, reader: &[&str], says: &[&str]) {
    let (_, template) = RECIPES.iter().find(|(recipe, _)| *recipe == name).unwrap();
    let text = filled(template);
    for said in says {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains('@'), "{text}");
    for target in TARGETS {
        assert!(text.contains(&hexadecimal(&Sha256::digest(target))), "{target}: {text}");
    }
    let (program, arguments) = reader.split_first().unwrap();
    if program::find(program).is_none() {
        return left_out::note(&format!("{name}, because `{program}` is missing")).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    program::output(Command::new(program).args(arguments).arg(path)).unwrap();
}

#[test]
fn recipes_are_understood() {
    let url = "https://example.com/sendit/releases/download/v1.2.3/sendit-1.2.3-x86_64-apple-darwin.tar.gz";
    check("sendit.rb", &["ruby", "-wc"], &[url, "homepage \"https://example.com/sendit\"", "version \"1.2.3\""]);
    check("flake.nix", &["nix-instantiate", "--parse"], &["/v1.2.3/sendit-1.2.3-${archive.target}", "Apache-2.0"]);
}

#[test]
fn a_recipe_for_what_is_not_there_is_none() {
    let refused = fill("@x86_64-apple-darwin@", &facts(), URL, &BTreeMap::new()).unwrap_err();
    assert_eq!(refused.to_string(), "there is no `sendit-1.2.3-x86_64-apple-darwin.tar.gz`");
}

#[test]
fn checksums_are_those_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.deb", "b.tar.gz", "changelog"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    // Of nothing. (FIPS 180-4)
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let expected = ["a.deb", "b.tar.gz"].map(|name| (name.to_owned(), empty.to_owned()));
    assert_eq!(sums(folder.path()).unwrap(), BTreeMap::from(expected));
}
