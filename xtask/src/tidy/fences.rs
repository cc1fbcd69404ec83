//! What may be named in some modules only, or nowhere: foreign crates, the environment, printing, exits, tasks.

use super::Finding;
use super::lexer::Token;
use super::paths::Path;

enum Named {
    /// A path that begins so, imported or used.
    Path(&'static [&'static str]),
    /// A macro, by its last word.
    Macro(&'static [&'static str]),
}

struct Fence {
    named: Named,
    /// The top modules of the library that may; in none of them means nowhere, tests and tasks included.
    within: &'static [&'static str],
    reason: &'static str,
}

const PROCESS: &[&str] = &["cmd", "main"];
const PROCESS_REASON: &str = "only `main` and `cmd` read the environment, print, or exit";
const SPAWN_REASON: &str = "every task goes through a tracker";

const FENCES: [Fence; 11] = [
    Fence { named: Named::Path(&["yamux"]), within: &["mux"], reason: "it is a peer for the tests of `mux`" },
    Fence {
        named: Named::Path(&["reqwest"]),
        within: &["client", "acme"],
        reason: "carriers are `client`'s own, and orders `acme`'s",
    },
    Fence { named: Named::Path(&["redis"]), within: &["cluster"], reason: "the engine stays behind `cluster`" },
    Fence { named: Named::Path(&["anyhow"]), within: &["cmd"], reason: "errors below `cmd` are typed" },
    Fence { named: Named::Path(&["std", "env"]), within: PROCESS, reason: PROCESS_REASON },
    Fence { named: Named::Path(&["std", "process", "exit"]), within: PROCESS, reason: PROCESS_REASON },
    Fence { named: Named::Path(&["process", "exit"]), within: PROCESS, reason: PROCESS_REASON },
    Fence { named: Named::Macro(&["print", "println", "eprint", "eprintln"]), within: PROCESS, reason: PROCESS_REASON },
    Fence { named: Named::Path(&["tokio", "spawn"]), within: &[], reason: SPAWN_REASON },
    Fence { named: Named::Path(&["tokio", "task", "spawn"]), within: &[], reason: SPAWN_REASON },
    Fence { named: Named::Path(&["task", "spawn"]), within: &[], reason: SPAWN_REASON },
];

/// Everything in one file that stands outside its fence. `home` is the top module, none outside `src/`.
pub(crate) fn check(home: Option<&str>, paths: &[Path<'_>]) -> Vec<Finding> {
    let applies = |fence: &&Fence| match home {
        Some(home) => !fence.within.contains(&home),
        None => fence.within.is_empty(),
    };
    let fences: Vec<&Fence> = FENCES.iter().filter(applies).collect();
    let broken = |path: &Path<'_>| {
        let fence = fences.iter().find(|fence| fence.names(path))?;
        let rule = format!("`{}` does not belong here: {}", path.segments.join("::"), fence.reason);
        Some(Finding { line: path.line, rule })
    };
    paths.iter().filter_map(broken).collect()
}

impl Fence {
    fn names(&self, path: &Path<'_>) -> bool {
        let called = path.next == Some(Token::Mark('!'));
        match self.named {
            // A variable may bear a crate's name, and `std::env!` is answered by the compiler.
            Named::Path(prefix) => {
                let names_item = path.segments.len() > 1 || path.next == Some(Token::Word("as"));
                path.segments.starts_with(prefix) && names_item && !called
            }
            Named::Macro(names) => called && path.segments.last().is_some_and(|last| names.contains(last)),
        }
    }
}
