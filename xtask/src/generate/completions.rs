//! The completions for three shells, each under the name that its shell looks for.

use std::collections::BTreeSet;

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality, SubCommandInfo};
use argh_complete::Generator;
use argh_complete::bash::Bash;
use argh_complete::fish::Fish;
use argh_complete::zsh::Zsh;
use sendit::cmd::choices::Choice;

use super::Generated;
use super::manual::{Manual, NAME, visible};

pub(crate) fn files(manual: &Manual) -> Vec<Generated> {
    // The root's own name is that of its type.
    let root = CommandInfoWithArgs { name: NAME, ..without_hidden(&manual.root) };
    let file = |name: &str, text: String| Generated { path: format!("completions/{name}"), text };
    // Without this, completing once would leave a variable behind in the person's shell.
    let bash = Bash::generate(NAME, &root).replace("local i cur prev opts cmds", "local i cur prev opts cmd cmds");
    // The short form of `--tokens-expanded` came with fish 4; this one, its elder, is understood by 3 and 4.
    let fish = Fish::generate(NAME, &root).replace("commandline -xpc", "commandline -opc");
    let mut shells = [bash, Zsh::generate(NAME, &root), fish];
    for Choice { flag, words } in manual.choices {
        let words = words.join(" ");
        offer(
            &mut shells,
            flag,
            [
                &format!("COMPREPLY=( $(compgen -W \"{words}\" -- \"${{cur}}\") )"),
                &format!(":({words})"),
                &format!("-x -a '{words}'"),
            ],
        );
    }
    for flag in takers_of_files(&root) {
        // Bash offers files where there is nothing else to offer.
        offer(&mut shells, flag, [NO_WORDS, ":_files", "-rF"]);
    }
    let [bash, zsh, fish] = shells;
    vec![file("sendit.bash", bash), file("_sendit", zsh), file("sendit.fish", fish)]
}

/// What bash is told of a flag's value.
const NO_WORDS: &str = "COMPREPLY=()";

/// Has the three shells offer something for a flag's value, of which the generators know only that there is one.
fn offer([bash, zsh, fish]: &mut [String; 3], flag: &str, [by_bash, by_zsh, by_fish]: [&str; 3]) {
    let name = flag.trim_start_matches('-');
    let marked =
        |line: &str, mark: &str| line.split_once(mark).map(|(before, after)| (before.to_owned(), after.to_owned()));
    let case = format!("{flag})");
    let mut in_case = false;
    *bash = each_line(bash, |line| {
        let is_value = std::mem::replace(&mut in_case, line.trim() == case) && line.trim() == NO_WORDS;
        if is_value { line.replace(NO_WORDS, by_bash) } else { line.to_owned() }
    });
    *zsh = each_line(zsh, |line| match marked(line, "'': :' ") {
        Some((before, after)) if before.trim_start().starts_with(&format!("'{flag}[")) => {
            format!("{before}'': {by_zsh}' {after}")
        }
        _ => line.to_owned(),
    });
    *fish = each_line(fish, |line| match marked(line, &format!(" -l {name} -r ")) {
        Some((before, after)) => format!("{before} -l {name} {by_fish} {after}"),
        None => line.to_owned(),
    });
}

fn each_line(text: &str, change: impl FnMut(&str) -> String) -> String {
    text.lines().map(change).fold(String::new(), |text, line| text + &line + "\n")
}

/// The flags whose value is a file.
fn takers_of_files(root: &CommandInfoWithArgs) -> BTreeSet<&'static str> {
    let flags = root.commands.iter().flat_map(|sub| sub.command.flags);
    let takes_file = |flag: &&FlagInfo<'static>| matches!(flag.kind, FlagInfoKind::Option { arg_name: "FILE" });
    flags.filter(takes_file).map(|flag| flag.long).collect()
}

/// The command as help shows it; the generators offer every flag that they are given.
fn without_hidden(info: &CommandInfoWithArgs) -> CommandInfoWithArgs {
    let flags: Vec<FlagInfo<'static>> = visible(info).map(copy).collect();
    let subcommand = |sub: &SubCommandInfo| SubCommandInfo { command: without_hidden(&sub.command), ..sub.clone() };
    CommandInfoWithArgs {
        // The description borrows for the life of the process, which ends when the files are written.
        flags: flags.leak(),
        commands: info.commands.iter().map(subcommand).collect(),
        ..info.clone()
    }
}

fn copy(flag: &FlagInfo<'static>) -> FlagInfo<'static> {
    let kind = match flag.kind {
        FlagInfoKind::Switch => FlagInfoKind::Switch,
        FlagInfoKind::Option { arg_name } => FlagInfoKind::Option { arg_name },
    };
    // No shell asks whether a flag has to be given.
    FlagInfo { kind, optionality: Optionality::default(), ..*flag }
}
