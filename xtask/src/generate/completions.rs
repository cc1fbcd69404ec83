//! The completions for three shells, each under the name that its shell looks for.

use argh_complete::Generator;
use argh_complete::bash::Bash;
use argh_complete::fish::Fish;
use argh_complete::zsh::Zsh;

use super::Generated;
use super::manual::{Manual, NAME};

pub(crate) fn files(manual: &Manual) -> Vec<Generated> {
    // The root's own name is that of its type.
    let mut root = manual.root.clone();
    root.name = NAME;
    let file = |name: &str, text: String| Generated { path: format!("completions/{name}"), text };
    // Without this, completing once would leave a variable behind in the person's shell.
    let bash = Bash::generate(NAME, &root).replace("local i cur prev opts cmds", "local i cur prev opts cmd cmds");
    // The short form of `--tokens-expanded` came with fish 4; this one, its elder, is understood by 3 and 4.
    let fish = Fish::generate(NAME, &root).replace("commandline -xpc", "commandline -opc");
    vec![file("sendit.bash", bash), file("_sendit", Zsh::generate(NAME, &root)), file("sendit.fish", fish)]
}
