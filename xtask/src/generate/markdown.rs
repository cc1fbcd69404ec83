//! The README's command reference, between two markers.

use anyhow::{Context as _, Result};
use argh::CommandInfoWithArgs;

use super::manual::{
    Example, Manual, Row, commands, examples, filled, flag_term, paragraphs, positional_term, typed, usage, visible,
};

const START: &str = "<!-- generated: commands -->\n";
const END: &str = "<!-- end: commands -->";

/// The README with its command reference renewed.
pub(crate) fn splice(readme: &str, manual: &Manual) -> Result<String> {
    let readme = readme.replace("\r\n", "\n");
    let (before, rest) =
        readme.split_once(START).with_context(|| format!("`README.md` has no line `{}`", START.trim_end()))?;
    let (_, after) =
        rest.split_once(END).with_context(|| format!("`README.md` has no line `{END}` after the other"))?;
    Ok(format!("{before}{START}{}\n{END}{after}", reference(manual)))
}

fn reference(manual: &Manual) -> String {
    let mut text = String::new();
    for (command, info) in commands(manual).into_iter().filter(|(command, _)| command.is_some()) {
        section(&mut text, command, info);
    }
    rows(&mut text, "Environment", "variable", &manual.environment);
    rows(&mut text, "Exit codes", "code", &manual.exit_codes);
    text
}

fn section(text: &mut String, command: Option<&str>, info: &CommandInfoWithArgs) {
    let name = typed(command);
    let usage = usage(info).join(" ");
    text.extend(["\n### `", &name, "`\n\n", info.description, "\n\n```text\n", &name, " ", &usage, "\n```\n"]);
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
    text.extend(["\n### ", title, "\n"]);
    table(text, head, rows.iter().map(|row| (row.term.clone(), row.meaning.as_str())));
}

fn table<'a>(text: &mut String, head: &str, rows: impl Iterator<Item = (String, &'a str)>) {
    text.extend(["\n| ", head, " | meaning |\n|---|---|\n"]);
    // A table's cell ends at each `|`, even one within code.
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    for (term, meaning) in rows {
        let (term, meaning) = (cell(&term), cell(meaning));
        text.extend(["| `", &term, "` | ", &meaning, " |\n"]);
    }
}
