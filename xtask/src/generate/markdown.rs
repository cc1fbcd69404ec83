//! What is generated within a document, between two markers: the page on commands has their reference, the page on
//! configuration its settings.

use anyhow::{Context as _, Result};
use argh::CommandInfoWithArgs;

use super::manual::{
    self, Example, Manual, Row, Setting, examples, filled, flag_term, paragraphs, positional_term, typed, usage,
    visible,
};

/// The page on commands with its reference renewed.
pub(crate) fn commands(text: &str, manual: &Manual) -> Result<String> {
    between("docs/commands.md", text, "commands", &reference(manual))
}

/// The page on configuration with its table renewed.
pub(crate) fn configuration(text: &str, manual: &Manual) -> Result<String> {
    between("docs/configuration.md", text, "settings", &settings(manual))
}

/// The text of `file` with what stands between its two markers of this name renewed.
pub(crate) fn between(file: &str, text: &str, name: &str, inside: &str) -> Result<String> {
    let (start, end) = (format!("<!-- generated: {name} -->"), format!("<!-- end: {name} -->"));
    let text = text.replace("\r\n", "\n");
    let (before, rest) =
        text.split_once(&format!("{start}\n")).with_context(|| format!("`{file}` has no line `{start}`"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("`{file}` has no line `{end}` after the other"))?;
    Ok(format!("{before}{start}\n{inside}\n{end}{after}"))
}

/// Each setting with the names that it has in all places.
fn settings(manual: &Manual) -> String {
    let mut text = "\n| key | stands in | flag | variable | meaning |\n|---|---|---|---|---|\n".to_owned();
    for Setting { key, places, variables } in manual.settings() {
        let flag = key.flag.map_or_else(String::new, |flag| format!("`{flag}`"));
        let variables: Vec<String> = variables.iter().map(|name| format!("`{name}`")).collect();
        let cells = [format!("`{}`", key.name), places.to_owned(), flag, variables.join(", "), cell(key.meaning)];
        text.extend(["| ", &cells.join(" | "), " |\n"]);
    }
    text
}

fn reference(manual: &Manual) -> String {
    let mut text = String::new();
    for (command, info) in manual::commands(manual).into_iter().filter(|(command, _)| command.is_some()) {
        section(&mut text, command, info);
    }
    rows(&mut text, "Environment", "variable", &manual.environment);
    rows(&mut text, "Exit codes", "code", &manual.exit_codes);
    text
}

fn section(text: &mut String, command: Option<&str>, info: &CommandInfoWithArgs) {
    let name = typed(command);
    let usage = usage(info).join(" ");
    text.extend(["\n## `", &name, "`\n\n", info.description, "\n\n```text\n", &name, " ", &usage, "\n```\n"]);
    let positionals = info.positionals.iter().filter(|positional| !positional.hidden);
    let arguments = positionals.map(|positional| (positional_term(positional), positional.description));
    let flags = visible(info).map(|flag| (flag_term(flag), flag.description));
    table(text, "argument", arguments.chain(flags));
    for Example { shows, lines } in examples(info, command) {
        // The form that the tests take commands from.
        text.extend(["\n", &shows, "\n\n```console\n$ ", &lines.join("\n$ "), "\n```\n"]);
    }
    for paragraph in paragraphs(&info.notes.join("\n")) {
        text.extend(["\n", &filled(&paragraph, command), "\n"]);
    }
}

fn rows(text: &mut String, title: &str, head: &str, rows: &[Row]) {
    text.extend(["\n## ", title, "\n"]);
    table(text, head, rows.iter().map(|row| (row.term.clone(), row.meaning.as_str())));
}

fn table<'a>(text: &mut String, head: &str, rows: impl Iterator<Item = (String, &'a str)>) {
    text.extend(["\n| ", head, " | meaning |\n|---|---|\n"]);
    for (term, meaning) in rows {
        let (term, meaning) = (cell(&term), cell(meaning));
        text.extend(["| `", &term, "` | ", &meaning, " |\n"]);
    }
}

/// A table's cell ends at each `|`, even one within code.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
