//! The command line as data, in the form that every generator reads, and what the generators spell alike.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality, PositionalInfo};
use sendit::cmd::choices::{self, Choice};
use sendit::cmd::config::keys::{Key, Known};
use sendit::cmd::{env, exit};

/// The program's name.
pub(crate) const NAME: &str = "sendit";

/// Everything that the pages say.
pub(crate) struct Manual {
    /// The root command with its subcommands.
    pub(crate) root: CommandInfoWithArgs,
    pub(crate) environment: Vec<Row>,
    pub(crate) exit_codes: Vec<Row>,
    /// The flags that take certain words.
    pub(crate) choices: &'static [Choice],
    /// The keys of the configuration file.
    pub(crate) keys: Known,
}

/// A key of the configuration file, and what else says the same.
pub(crate) struct Setting<'a> {
    pub(crate) key: &'a Key,
    /// In which of the file's tables it may stand.
    pub(crate) places: &'static str,
    pub(crate) variables: Vec<&'static str>,
}

impl Manual {
    /// What the program's own types and tables say.
    pub(crate) fn of_sendit() -> Self {
        let variable = |row: &env::Variable| Row {
            term: row.name.to_owned(),
            meaning: format!("{} (`{}`)", row.meaning, row.flag),
            commands: row.commands,
        };
        let exit =
            |row: &exit::Meaning| Row { term: row.exit.term(), meaning: row.text.to_owned(), commands: row.commands };
        Self {
            root: sendit::cmd::command_info(),
            environment: env::TABLE.iter().map(variable).collect(),
            exit_codes: exit::TABLE.iter().map(exit).collect(),
            choices: choices::TABLE,
            keys: sendit::cmd::file_keys(),
        }
    }

    /// Every setting that the file may have: the client's, then the server's.
    pub(crate) fn settings(&self) -> impl Iterator<Item = Setting<'_>> {
        let Known { top, tunnel, serve } = &self.keys;
        let is_in = |keys: &[Key], key: &Key| keys.iter().any(|other| other.name == key.name);
        let top_alone = top.iter().filter(move |key| !is_in(tunnel, key)).map(|key| (key, "top", "connect"));
        let of_tunnels = tunnel.iter().map(move |key| {
            let places = if is_in(top, key) { "top, tunnel" } else { "tunnel" };
            (key, places, "connect")
        });
        let of_server = serve.iter().map(|key| (key, "serve", "serve"));
        top_alone.chain(of_tunnels).chain(of_server).map(|(key, places, command)| {
            let rows = env::TABLE.iter().filter(|row| Some(row.flag) == key.flag && row.commands.contains(&command));
            Setting { key, places, variables: rows.map(|row| row.name).collect() }
        })
    }
}

/// A variable of the environment or an exit code.
pub(crate) struct Row {
    pub(crate) term: String,
    pub(crate) meaning: String,
    /// The subcommands that it concerns.
    pub(crate) commands: &'static [&'static str],
}

impl Row {
    /// Whether the page of `command` has it; the program's own page, which is no subcommand's, has all.
    pub(crate) fn concerns(&self, command: Option<&str>) -> bool {
        command.is_none_or(|command| self.commands.contains(&command))
    }
}

/// The program and each subcommand with its name as typed, in the order of the types.
pub(crate) fn commands(manual: &Manual) -> Vec<(Option<&str>, &CommandInfoWithArgs)> {
    let subcommands = manual.root.commands.iter().map(|sub| (Some(sub.name), &sub.command));
    std::iter::once((None, &manual.root)).chain(subcommands).collect()
}

/// `sendit`, or `sendit serve`, as a person types it.
pub(crate) fn typed(command: Option<&str>) -> String {
    command.map_or(NAME.to_owned(), |command| format!("{NAME} {command}"))
}

/// What follows the command's name on a command line, word by word.
pub(crate) fn usage(info: &CommandInfoWithArgs) -> Vec<String> {
    let required = visible(info).filter(|flag| flag.optionality == Optionality::Required);
    let mut words: Vec<String> = required.map(flag_term).collect();
    words.push("[options]".to_owned());
    words.extend(info.positionals.iter().filter(|positional| !positional.hidden).map(positional_term));
    if !info.commands.is_empty() {
        words.push("<command>".to_owned());
    }
    words
}

/// The flags that help shows; `--help` itself, which every command has, comes last.
pub(crate) fn visible(info: &CommandInfoWithArgs) -> impl Iterator<Item = &'static FlagInfo<'static>> {
    let (help, own): (Vec<_>, Vec<_>) = info.flags.iter().partition(|flag| flag.long == "--help");
    own.into_iter().chain(help).filter(|flag| !flag.hidden)
}

/// `-s, --secret <secret>`
pub(crate) fn flag_term(flag: &FlagInfo<'_>) -> String {
    let short = flag.short.map(|short| format!("-{short}, ")).unwrap_or_default();
    match flag.kind {
        FlagInfoKind::Switch => format!("{short}{}", flag.long),
        FlagInfoKind::Option { arg_name } => format!("{short}{} <{arg_name}>", flag.long),
    }
}

/// `<url>`, `[<url>]` or `[<url>...]`
pub(crate) fn positional_term(positional: &PositionalInfo<'_>) -> String {
    let name = positional.name;
    match positional.optionality {
        Optionality::Required => format!("<{name}>"),
        Optionality::Optional => format!("[<{name}>]"),
        Optionality::Repeating | Optionality::Greedy => format!("[<{name}>...]"),
    }
}

/// A note; the types write the command's name as a placeholder.
pub(crate) fn filled(text: &str, command: Option<&str>) -> String {
    text.replace("{command_name}", &typed(command))
}

/// An example in its two parts: what it shows, and what to type. The types indent the latter below the former.
pub(crate) struct Example {
    pub(crate) shows: String,
    pub(crate) lines: Vec<String>,
}

pub(crate) fn examples(info: &CommandInfoWithArgs, command: Option<&str>) -> Vec<Example> {
    let example = |text: &&str| {
        let text = filled(text, command);
        let (typed, prose): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("  "));
        let lines = typed.into_iter().map(|line| line.trim().to_owned()).collect();
        Example { shows: prose.join(" ").trim().to_owned(), lines }
    };
    info.examples.iter().map(example).collect()
}

/// The paragraphs of a text whose lines are wrapped, each on one line.
pub(crate) fn paragraphs(text: &str) -> Vec<String> {
    let joined = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split("\n\n").map(joined).filter(|paragraph| !paragraph.is_empty()).collect()
}
