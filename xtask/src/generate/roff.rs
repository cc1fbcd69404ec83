//! The man pages: one for the program and one for each subcommand, in the macros of `man(7)`.

use std::fmt::Write as _;

use argh::CommandInfoWithArgs;

use super::Generated;
use super::manual::{
    Example, Manual, NAME, Row, commands, examples, filled, flag_term, paragraphs, positional_term, typed, usage,
    visible,
};

/// The day of this version; it moves with the version in `Cargo.toml`, because a page without a date is faulty.
const DATE: &str = "2026-11-23";

pub(crate) fn files(manual: &Manual) -> Vec<Generated> {
    let page = |(command, info)| Generated {
        path: format!("man/{}.1", page_name(command)),
        text: page(manual, command, info),
    };
    commands(manual).into_iter().map(page).collect()
}

fn page_name(command: Option<&str>) -> String {
    typed(command).replace(' ', "-")
}

fn page(manual: &Manual, command: Option<&str>, info: &CommandInfoWithArgs) -> String {
    let name = page_name(command);
    let version = env!("CARGO_PKG_VERSION");
    let mut page = Page(format!(".TH {} 1 {DATE} \"{NAME} {version}\" \"User Commands\"\n", name.to_uppercase()));
    page.section("NAME");
    let summary = info.description.split(['.', '\n']).next().unwrap_or_default();
    page.line(&format!("{} \\- {}", escaped(&name), escaped(&lower_first(summary))));
    page.section("SYNOPSIS");
    page.line(&format!("\\fB{}\\fR {}", escaped(&typed(command)), escaped(&usage(info).join(" "))));
    page.section("DESCRIPTION");
    page.paragraphs(info.description);
    let positionals = info.positionals.iter().filter(|positional| !positional.hidden);
    page.terms("ARGUMENTS", positionals.map(|it| (positional_term(it), it.description)));
    page.terms("OPTIONS", visible(info).map(|flag| (flag_term(flag), flag.description)));
    page.terms("COMMANDS", info.commands.iter().map(|sub| (sub.name.to_owned(), sub.command.description)));
    page.terms("ENVIRONMENT", concerning(&manual.environment, command));
    page.terms("EXIT STATUS", concerning(&manual.exit_codes, command));
    page.examples(&examples(info, command));
    if !info.notes.is_empty() {
        page.section("NOTES");
        page.paragraphs(&info.notes.iter().map(|note| filled(note, command)).collect::<Vec<_>>().join("\n"));
    }
    page.see_also(manual, command);
    page.0
}

fn concerning<'a>(rows: &'a [Row], command: Option<&str>) -> impl Iterator<Item = (String, &'a str)> {
    rows.iter().filter(move |row| row.concerns(command)).map(|row| (row.term.clone(), row.meaning.as_str()))
}

struct Page(String);

impl Page {
    fn section(&mut self, title: &str) {
        self.0.extend([".SH ", title, "\n"]);
    }

    /// A line of text that is escaped already; a dot or a quote in front of it would make it a request.
    fn line(&mut self, text: &str) {
        let guard = if text.starts_with(['.', '\'']) { "\\&" } else { "" };
        self.0.extend([guard, text, "\n"]);
    }

    fn paragraphs(&mut self, text: &str) {
        for (at, paragraph) in paragraphs(text).iter().enumerate() {
            if at > 0 {
                self.0 += ".PP\n";
            }
            self.line(&formatted(paragraph));
        }
    }

    fn terms<'a>(&mut self, title: &str, terms: impl Iterator<Item = (String, &'a str)>) {
        let mut terms = terms.peekable();
        if terms.peek().is_some() {
            self.section(title);
        }
        for (term, meaning) in terms {
            self.0 += ".TP\n";
            self.line(&format!("\\fB{}\\fR", escaped(&term)));
            self.line(&formatted(&meaning.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }

    fn examples(&mut self, examples: &[Example]) {
        if !examples.is_empty() {
            self.section("EXAMPLES");
        }
        for (at, Example { shows, lines }) in examples.iter().enumerate() {
            if at > 0 {
                self.0 += ".PP\n";
            }
            self.line(&formatted(shows));
            self.0 += ".RS 4\n.nf\n";
            for line in lines {
                self.line(&escaped(line));
            }
            self.0 += ".fi\n.RE\n";
        }
    }

    /// Every other page.
    fn see_also(&mut self, manual: &Manual, command: Option<&str>) {
        let others = commands(manual).into_iter().map(|(other, _)| other).filter(|other| *other != command);
        let names: Vec<String> = others.map(|other| format!("\\fB{}\\fR(1)", escaped(&page_name(other)))).collect();
        if !names.is_empty() {
            self.section("SEE ALSO");
            self.line(&names.join(", "));
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Text with its escapes; what stands in back-ticks becomes bold.
fn formatted(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("\\fB{}\\fR", escaped(part)) } else { escaped(part) }).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped += "\\e",
            '-' => escaped += "\\-",
            // Otherwise a typographic quote, which nobody can paste.
            '\'' => escaped += "\\(aq",
            c if c.is_ascii() => escaped.push(c),
            c => write!(escaped, "\\[u{:04X}]", u32::from(c)).expect("writing to a string cannot fail"),
        }
    }
    escaped
}
