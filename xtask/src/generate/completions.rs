//! The completions for three shells, each under the name that its shell looks for.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality, SubCommandInfo};
use argh_complete::Generator;
use argh_complete::bash::Bash;
use argh_complete::fish::Fish;
use argh_complete::zsh::Zsh;

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
    vec![file("sendit.bash", bash), file("_sendit", Zsh::generate(NAME, &root)), file("sendit.fish", fish)]
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
