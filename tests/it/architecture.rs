//! What ARCHITECTURE.md names is there: constants in their files, tests, modules, dependencies.

use std::fs;
use std::path::{Path, PathBuf};

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What stands between back-ticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of each row of a section's tables, heads and rules left out.
fn rows(section: &str) -> Vec<Vec<String>> {
    let text = read("ARCHITECTURE.md");
    let (_, after) = text.split_once(&format!("\n## {section}\n")).unwrap_or_else(|| panic!("no section {section}"));
    let section = after.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines.map(|line| line.split(" | ").map(str::to_owned).collect()).collect()
}

/// All sources below a folder.
pub(crate) fn sources(folder: &str) -> String {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => text += &fs::read_to_string(path).unwrap(),
                _ => {}
            }
        }
    }
    text
}

#[test]
fn each_bound_is_in_its_file() {
    let mut checked = 0;
    for row in rows("Deadlines and bounds") {
        let (mut names, last) = (Vec::new(), row.last().unwrap());
        for word in code(last) {
            if Path::new(word).extension().is_none() {
                names.push(word);
                continue;
            }
            let source = read(format!("src/{word}"));
            for name in names.drain(..) {
                let item = name.rsplit("::").next().unwrap();
                assert!(source.contains(item), "`{name}` is not in `{word}`");
                checked += 1;
            }
        }
        assert!(names.is_empty(), "{last}: in which file?");
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn each_invariant_has_tests_that_exist() {
    let all = ["src", "tests", "xtask/src"].map(sources).concat();
    let rows: Vec<_> = rows("Invariants").into_iter().filter(|row| row[0] != "#").collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let tests: Vec<&str> = code(&row[2]).filter(|name| !name.contains('/')).collect();
        assert!(!tests.is_empty(), "{}", row[0]);
        for test in tests {
            assert!(all.contains(&format!("fn {test}(")), "there is no test `{test}`");
        }
    }
}

#[test]
fn each_dependency_has_its_reason() {
    let reasons: String = rows("Dependencies").into_iter().map(|row| row[0].clone()).collect();
    let named: Vec<&str> = code(&reasons).collect();
    let mut dependencies = Vec::new();
    for manifest in ["Cargo.toml", "tests/trials/Cargo.toml", "xtask/Cargo.toml", "fuzz/Cargo.toml"].map(read) {
        let mut within = false;
        for line in manifest.lines() {
            within = if line.starts_with('[') { line.ends_with("dependencies]") } else { within };
            let name = line.split_once(" = ").map(|(name, _)| name.to_owned());
            dependencies.extend(name.filter(|name| within && !matches!(name.as_str(), "sendit" | "trials")));
        }
    }
    for dependency in &dependencies {
        assert!(named.contains(&dependency.as_str()), "`{dependency}` stands without a reason");
    }
    for name in named {
        assert!(dependencies.iter().any(|dependency| dependency == name), "`{name}` is no dependency");
    }
}
