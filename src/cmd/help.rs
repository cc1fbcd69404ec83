//! The help pages: argh's page of a command, then its environment variables and exit codes from their tables.

use std::fmt::Write as _;

use super::{env, exit};

/// Completes `page`, which argh wrote, for the subcommand `command`, or for the program where there is none.
pub(crate) fn page(page: &str, command: Option<&str>) -> String {
    let concerns = |commands: &[&str]| command.is_none_or(|command| commands.contains(&command));
    let variables = env::TABLE.iter().filter(|row| concerns(row.commands));
    let variables = variables.map(|row| (row.name.to_owned(), format!("{} ({})", row.meaning, row.flag)));
    let exits = exit::TABLE.iter().filter(|row| concerns(row.commands));
    let exits = exits.map(|row| (row.exit.term(), row.text.to_owned()));
    let (usage, rest) = page.split_once('\n').unwrap_or((page, ""));
    let lines = std::iter::once(wrapped(usage)).chain(rest.lines().map(|line| line.trim_end().to_owned()));
    let mut text = lines.collect::<Vec<_>>().join("\n").trim_end().to_owned();
    section(&mut text, "Environment, where the flag is not given:", variables.collect());
    section(&mut text, "Exit codes:", exits.collect());
    text
}

/// The usage in lines that a terminal holds, cut between flags.
fn wrapped(usage: &str) -> String {
    const WIDTH: usize = 80;
    let mut parts = usage.split(" [");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut column = text.len();
    for part in parts {
        let room = column + part.len() + 2 <= WIDTH;
        text.push_str(if room { " [" } else { "\n           [" });
        column = if room { column } else { 10 } + part.len() + 2;
        text.push_str(part);
    }
    text
}

fn section(text: &mut String, heading: &str, rows: Vec<(String, String)>) {
    let Some(width) = rows.iter().map(|(name, _)| name.len()).max() else { return };
    write!(text, "\n\n{heading}").expect("writing to a string cannot fail");
    for (name, meaning) in rows {
        write!(text, "\n  {name:width$}  {meaning}").expect("writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: Option<&str>, contains: &[&str], lacks: &[&str]) {
        let text = page("Page.\n", command);
        assert!(text.starts_with("Page.\n\n"), "{text}");
        assert!(contains.iter().all(|part| text.contains(part)), "{text}");
        assert!(!lacks.iter().any(|part| text.contains(part)), "{text}");
    }

    #[test]
    fn a_long_usage_is_wrapped() {
        let flag = "[--abcdefgh <ABCDEFGH>]";
        let usage = format!("Usage: name {flag} {flag} {flag} {flag} <ARG>\n\nPage.");
        let expected = format!("Usage: name {flag} {flag}\n           {flag} {flag} <ARG>\n\nPage.\n\nExit codes:");
        assert!(page(&usage, Some("install-links")).starts_with(&expected));
    }

    #[test]
    fn a_page_has_what_concerns_its_command() {
        let bad_token = "\n  3    the server refuses the token";
        check(None, &["\n  SENDIT_ADDR ", "\n  SENDIT_TOKEN ", bad_token, "\n  7    "], &[]);
        check(Some("connect"), &["\n  SENDIT_TOKEN ", "(--token)", bad_token], &["SENDIT_ADDR"]);
        check(Some("token"), &["\n  SENDIT_SECRET ", "\n  7  a file"], &["refuses the token"]);
        check(Some("install-links"), &["Exit codes:"], &["Environment"]);
    }
}
