//! The documents among themselves: links lead somewhere, and figures that two of them show are the same.

use std::fs;
use std::path::{Path, PathBuf};

use crate::architecture;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every document of the repository.
fn documents() -> Vec<PathBuf> {
    let of = |folder: &str| fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    of(".").chain(of("docs")).filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect()
}

/// The text without its blocks of code, in which brackets mean other things.
fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect()
}

/// What links and pictures lead to, but for other sites.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let pictures = ["src=\"", "srcset=\""].into_iter().flat_map(|mark| text.split(mark).skip(1));
    let pictures = pictures.filter_map(|rest| rest.split('"').next());
    let all = targets.chain(pictures).map(str::to_owned);
    all.filter(|target| !target.contains("://")).collect()
}

/// What a heading is called in links: letters, digits, `-` and `_` of it, with a `-` for each space.
fn anchor(heading: &str) -> String {
    let kept = |character: &char| character.is_alphanumeric() || [' ', '-', '_'].contains(character);
    heading
        .to_lowercase()
        .chars()
        .filter(kept)
        .map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

#[test]
fn each_link_leads_somewhere() {
    let mut followed = 0;
    for document in documents() {
        let text = prose(&read(&document));
        for link in links(&text) {
            let (file, place) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: `{link}` leads nowhere", document.display());
            if !place.is_empty() {
                let there = prose(&read(&target));
                let headings = there.lines().filter_map(|line| line.strip_prefix('#'));
                let mut anchors = headings.map(|heading| anchor(heading.trim_start_matches('#').trim()));
                assert!(anchors.any(|anchor| anchor == place), "{}: no heading is `{link}`", document.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 80, "{followed}");
}

/// The README shows some rows of what was measured; the page on performance has all of them.
#[test]
fn figures_are_those_that_were_measured() {
    let (readme, measured) = (read(&root().join("README.md")), read(&root().join("docs/performance.md")));
    let mut rows =
        readme.lines().skip_while(|line| !line.contains("| two nginx |")).take_while(|line| line.starts_with('|'));
    let head = rows.next().expect("a table");
    assert!(measured.contains(head));
    let rows: Vec<&str> = rows.skip(1).collect();
    assert!(rows.len() > 3, "{rows:?}");
    for row in rows {
        assert!(measured.lines().any(|line| line == row), "docs/performance.md does not have `{row}`");
    }
}

/// All sources below `src`, in which a sentence that is broken into lines is whole.
fn sources() -> String {
    architecture::sources("src").split("\\\n").map(str::trim_start).collect()
}

/// The parts of a sentence that are the same each time: between values, numbers, and what another sentence may bring.
fn fixed(line: &str) -> impl Iterator<Item = &str> {
    let between = line.split('`').step_by(2);
    let ends = |character: char| character.is_ascii_digit() || [':', ';', ',', '…'].contains(&character);
    between.flat_map(move |part| part.split(ends)).map(str::trim).filter(|part| part.split(' ').count() > 2)
}

/// What the page on troubleshooting quotes as the program's words is in the program.
#[test]
fn quoted_messages_are_the_programs_own() {
    let (page, sources) = (read(&root().join("docs/troubleshooting.md")), sources());
    let blocks = page.split("\n```text\n").skip(1).filter_map(|block| block.split("\n```").next());
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    // Others say in our words what is seen.
    let headings = headings.filter(|heading| heading.starts_with(|first: char| first.is_lowercase()));
    // A line that begins with a time is an exchange's.
    let lines = blocks.flat_map(str::lines).filter(|line| !line.starts_with(|first: char| first.is_ascii_digit()));
    let parts: Vec<&str> = lines.chain(headings).flat_map(fixed).collect();
    let missing: Vec<_> = parts.iter().filter(|part| !sources.contains(**part)).collect();
    assert!(missing.is_empty() && parts.len() > 40, "of {} the program never says {missing:#?}", parts.len());
}
