//! What command lines come to.

use super::*;
use crate::cmd::exit::Exit;

/// What `args` are to a subcommand.
#[track_caller]
pub(crate) fn parsed<T: FromArgs + ArgsInfo>(name: &str, args: &[&str]) -> T {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let args = flags::normalise(name, &T::get_args_info(), &args).map_err(|failure| failure.sentence).unwrap();
    T::from_args(&[name], &args.iter().map(String::as_str).collect::<Vec<_>>()).map_err(|exit| exit.output).unwrap()
}

/// The call in a word, and for a help page its first line.
fn seen(args: &[&str]) -> Result<String, Failure> {
    Call::read(args.iter().map(OsString::from)).map(|call| match call {
        Call::Help(page) => page.lines().next().unwrap_or_default().to_owned(),
        Call::Version => "version".to_owned(),
        Call::Command(command) => match *command {
            Command::Serve(_) => "serve".to_owned(),
            Command::Connect(_) => "connect".to_owned(),
            Command::Start(_) => "start".to_owned(),
            Command::Run(_) => "run".to_owned(),
            Command::Config(_) => "config".to_owned(),
            Command::Doctor(_) => "doctor".to_owned(),
            Command::Sessions(_) => "sessions".to_owned(),
            Command::Requests(_) => "requests".to_owned(),
            Command::Replay(_) => "replay".to_owned(),
            Command::Record(_) => "record".to_owned(),
            Command::Play(_) => "play".to_owned(),
            Command::Token(_) => "token".to_owned(),
            Command::Demo(_) => "demo".to_owned(),
            Command::InstallLinks(_) => "install-links".to_owned(),
        },
    })
}

#[track_caller]
fn check(args: &[&str], expected: &str) {
    assert_eq!(seen(args).as_deref(), Ok(expected), "{args:?}");
}

#[track_caller]
fn help(args: &[&str], usage: &str) {
    let first = seen(args).map_err(|failure| failure.sentence).unwrap();
    assert!(first.starts_with(usage), "{first}");
}

#[track_caller]
fn refused(args: &[&str], sentence: &str) {
    assert_eq!(seen(args), Err(Failure::new(Exit::Usage, sentence)), "{args:?}");
}

const A: &str = "https://host/foo";
const B: &str = "http://localhost:1";

#[test]
fn subcommands() {
    check(&["sendit", "serve"], "serve");
    check(&["sendit", "connect", A, B], "connect");
    check(&["sendit", "connect", "3030"], "connect");
    check(&["sendit", "connect", "http://localhost:3030"], "connect");
    check(&["sendit", "start", "web", "api"], "start");
    check(&["sendit", "start", "--all"], "start");
    check(&["sendit", "run", "--prefix", "app", "--", "make", "start", "-j4", "--help"], "run");
    check(&["sendit", "config", "check"], "config");
    check(&["sendit", "doctor", "https://host"], "doctor");
    check(&["sendit", "sessions", "end", "my-app"], "sessions");
    check(&["sendit", "requests", "-json"], "requests");
    check(&["sendit", "replay", "7"], "replay");
    check(&["sendit", "record", "-follow", "dir"], "record");
    check(&["sendit", "play", "dir", "-to", B], "play");
    check(&["sendit", "token", "-secret", "s"], "token");
    check(&["sendit", "demo"], "demo");
    check(&["sendit", "demo", B], "demo");
    check(&["sendit", "install-links", "help"], "install-links");
    check(&["other-name", "serve"], "serve");
}

#[test]
fn the_command_lines_of_the_go_tools() {
    let serve = ["-addr", "127.0.0.1:5050", "-secret", "S", "-http-prefix", "P", "-https-redir"];
    check(&[&["sendit-server"], &serve[..]].concat(), "serve");
    check(&["/usr/bin/sendit-server"], "serve");
    check(&["sendit-server.exe", "-addr=:80", "--https-redir=true"], "serve");
    check(&["sendit", "-token", "T", "-max-ttl", "15s", A, B], "connect");
    check(&["sendit.exe", "--token=T", "--max-ttl=15s", A, B], "connect");
    check(&["sendit", A, B], "connect");
    check(&["sendit", "host/foo", "localhost:1"], "connect");
    check(&["sendit", "--", A, B], "connect");
    check(&["sendit-token", "-secret", "S"], "token");
}

#[test]
fn pages() {
    for args in [&["-h"][..], &["-help"], &["--help"], &["help"], &["help", "me"]] {
        help(&[&["sendit"], args].concat(), "Usage: sendit [--version]");
    }
    help(&["sendit", "serve", "-h"], "Usage: sendit serve [");
    help(&["sendit", "help", "token"], "Usage: sendit token [");
    help(&["sendit", "-token", "T", "-help"], "Usage: sendit [--token");
    help(&["sendit-server", "-help"], "Usage: sendit-server [");
    help(&["sendit-token", "--help"], "Usage: sendit-token [");
    check(&["sendit", "--version"], "version");
    check(&["sendit", "-V"], "version");
    check(&["sendit-server", "-version"], "version");
}

#[test]
fn refusals() {
    refused(&["sendit"], "no command is given; try `sendit demo`, or see `sendit --help`");
    refused(&[], "no command is given; try `sendit demo`, or see `sendit --help`");
    refused(&["sendit", "frob"], "there is no command `frob`; see `sendit --help`");
    refused(&["sendit", "-frob"], "unknown flag `--frob`; see `sendit --help`");
    refused(&["sendit", "connect", "-frob"], "unknown flag `--frob`; see `sendit connect --help`");
    refused(&["sendit", A], "the argument `DESTINATION` is missing; see `sendit --help`");
    refused(&["sendit-server", "x"], "unexpected argument `x`; see `sendit-server --help`");
    refused(&["sendit", "play", "dir"], "`--to` is missing; see `sendit play --help`");
    for wrong in ["x", "-1", "': y", ""] {
        let sentence = format!("`--limit` takes no `{wrong}`; see `sendit requests --help`");
        refused(&["sendit", "requests", "--limit", wrong], &sentence);
    }
    refused(&["sendit", "config"], "the argument `WHAT` is missing; see `sendit config --help`");
    refused(&["sendit-token", "-prefix"], "`--prefix` needs a value; see `sendit-token --help`");
}

#[test]
fn the_tables_name_flags_and_commands_that_exist() {
    let info = info();
    let commands: Vec<&str> = info.commands.iter().map(|command| command.name).collect();
    assert_eq!(commands, NAMES.iter().map(|name| name.command).collect::<Vec<_>>());
    for row in crate::cmd::env::TABLE {
        for name in row.commands {
            let command = info.commands.iter().find(|command| command.name == *name).unwrap();
            assert!(command.command.flags.iter().any(|flag| flag.long == row.flag), "{} of {name}", row.flag);
        }
    }
    for row in crate::cmd::exit::TABLE {
        assert!(row.commands.iter().all(|name| commands.contains(name)), "{}", row.text);
    }
}
