//! The rules of a file as text: how it opens, how long it is, what it leaves for later, how things are called.

use super::Finding;
use super::lexer::{Located, Token};

/// Files are meant to stay under 300 lines; this is where it stops.
const MAX_LINES: usize = 400;

/// Left for later. Split, so that this file keeps its own rule.
const LATER: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"];

const DECLARE: [&str; 9] = ["mod", "struct", "enum", "union", "trait", "type", "fn", "const", "static"];

/// Every break of these rules in one file.
pub(crate) fn check(file: &str, source: &str, tokens: &[Located<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.starts_with("//!") {
        let rule = "a file opens with `//!`: what it owns and what it does not know".to_owned();
        findings.push(Finding { line: 1, rule });
    }
    let lines = source.lines().count();
    if lines > MAX_LINES {
        findings.push(Finding { line: lines, rule: format!("a file has {MAX_LINES} lines at most") });
    }
    findings.extend(left_for_later(source));
    findings.extend(empty_file_name(file));
    findings.extend(tokens.windows(2).filter_map(empty_name));
    findings
}

fn left_for_later(source: &str) -> impl Iterator<Item = Finding> {
    source.lines().enumerate().filter_map(|(at, text)| {
        let word = text.split(|c: char| !c.is_alphanumeric()).find(|word| LATER.contains(word))?;
        Some(Finding { line: at + 1, rule: format!("`{word}`: finish it, or file an issue") })
    })
}

fn empty_file_name(file: &str) -> Option<Finding> {
    let word = file.split(['/', '.', '_', '-']).find(|word| EMPTY_NAMES.contains(word))?;
    Some(Finding { line: 1, rule: format!("`{word}` in a file's name says nothing of what is inside") })
}

fn empty_name(pair: &[Located<'_>]) -> Option<Finding> {
    let [Located { token: Token::Word(keyword), .. }, Located { token: Token::Word(name), line }] = pair else {
        return None;
    };
    let word = words(name).into_iter().find(|word| EMPTY_NAMES.contains(&word.as_str()))?;
    let rule = format!("`{word}` in the name `{name}` says nothing of what it does");
    DECLARE.contains(keyword).then_some(Finding { line: *line, rule })
}

/// `SessionManager` and `session_manager` are two words each.
fn words(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    for c in name.chars() {
        if c.is_uppercase() && spaced.ends_with(char::is_lowercase) {
            spaced.push(' ');
        }
        spaced.extend(c.to_lowercase());
    }
    spaced.split([' ', '_']).map(ToOwned::to_owned).collect()
}
