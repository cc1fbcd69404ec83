//! From the process's arguments to what is asked for: the table of names, and the rule for a missing subcommand. A
//! pure function; knows no command's inside.

use std::ffi::OsString;
use std::path::Path;

use argh::{ArgsInfo, CommandInfoWithArgs, FromArgs, SubCommand};

use super::connect::Connect;
use super::demo::Demo;
use super::doctor::Doctor;
use super::exit::Failure;
use super::install_links::InstallLinks;
use super::play::Play;
use super::record::Record;
use super::replay::Replay;
use super::requests::Requests;
use super::serve::Serve;
use super::sessions::Sessions;
use super::token::Token;
use super::{flags, help};

/// Makes a local web service reachable from outside over two plain HTTP requests.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    name = "sendit",
    help_triggers("-h", "--help", "help"),
    example = "See it work, on this machine alone:
  {command_name} demo",
    example = "At a public address, and beside a local service:
  {command_name} serve --addr :5050 --secret-file secret
  {command_name} http://public.example:5050/my-app http://localhost:3000",
    note = "`sendit SOURCE DESTINATION` is short for `sendit connect SOURCE DESTINATION`.
Flags take one dash or two, `-flag value` or `-flag=value`; `--` ends them.
`sendit COMMAND --help` explains each command."
)]
struct Sendit {
    /// print the version
    #[argh(switch)]
    #[expect(dead_code, reason = "it is answered before argh reads anything, and here to be described")]
    version: bool,

    #[argh(subcommand)]
    #[expect(dead_code, reason = "the table below parses the subcommand, and this describes it")]
    command: Option<Command>,
}

/// A subcommand with its arguments.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand)]
#[expect(clippy::large_enum_variant, reason = "a process has one, and has it on the heap")]
pub(crate) enum Command {
    Serve(Serve),
    Connect(Connect),
    Doctor(Doctor),
    Sessions(Sessions),
    Requests(Requests),
    Replay(Replay),
    Record(Record),
    Play(Play),
    Token(Token),
    Demo(Demo),
    InstallLinks(InstallLinks),
}

/// A row of the table of names.
struct Name {
    command: &'static str,
    /// The name of the executable that means this command.
    link: Option<&'static str>,
    read: fn(&str, &[String]) -> Result<Call, Failure>,
}

const NAMES: &[Name] = &[
    Name { command: "serve", link: Some("sendit-server"), read: |name, args| read(name, args, Command::Serve) },
    Name { command: "connect", link: None, read: |name, args| read(name, args, Command::Connect) },
    Name { command: "doctor", link: None, read: |name, args| read(name, args, Command::Doctor) },
    Name { command: "sessions", link: None, read: |name, args| read(name, args, Command::Sessions) },
    Name { command: "requests", link: None, read: |name, args| read(name, args, Command::Requests) },
    Name { command: "replay", link: None, read: |name, args| read(name, args, Command::Replay) },
    Name { command: "record", link: None, read: |name, args| read(name, args, Command::Record) },
    Name { command: "play", link: None, read: |name, args| read(name, args, Command::Play) },
    Name { command: "token", link: Some("sendit-token"), read: |name, args| read(name, args, Command::Token) },
    Name { command: "demo", link: None, read: |name, args| read(name, args, Command::Demo) },
    Name { command: "install-links", link: None, read: |name, args| read(name, args, Command::InstallLinks) },
];

/// What is asked for.
pub(crate) enum Call {
    /// A help page.
    Help(String),
    /// The version.
    Version,
    /// Work.
    Command(Box<Command>),
}

impl Call {
    /// Reads the arguments of a process, the first of which is its name.
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let mut args = args.into_iter();
        let program = args.next().unwrap_or_default();
        let args = args.map(OsString::into_string).collect::<Result<Vec<_>, _>>().map_err(|wrong| {
            Failure::usage(format!("the argument `{}` is not valid UTF-8", wrong.to_string_lossy()))
        })?;
        let stem = Path::new(&program).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if matches!(&args[..], [only] if matches!(only.as_str(), "-V" | "-version" | "--version")) {
            return Ok(Self::Version);
        }
        match NAMES.iter().find(|name| name.link == Some(stem)) {
            Some(name) => (name.read)(stem, &args),
            None => Self::of_sendit(&args),
        }
    }

    fn of_sendit(args: &[String]) -> Result<Self, Failure> {
        let Some((first, rest)) = args.split_first() else {
            return Err(Failure::usage("no command is given; try `sendit demo`, or see `sendit --help`"));
        };
        let command = |word: &String| NAMES.iter().find(|name| name.command == word);
        match first.as_str() {
            "help" | "-h" | "-help" | "--help" => match rest.first().and_then(command) {
                Some(name) => (name.read)(&format!("sendit {}", name.command), &["--help".to_owned()]),
                None => Ok(Self::Help(own_page())),
            },
            _ => match command(first) {
                Some(name) => (name.read)(&format!("sendit {}", name.command), rest),
                None if first.starts_with('-') || first.contains(['/', ':', '.']) => {
                    read("sendit", args, Command::Connect)
                }
                None => Err(Failure::usage(format!("there is no command `{first}`; see `sendit --help`"))),
            },
        }
    }
}

fn read<T>(name: &str, args: &[String], command: fn(T) -> Command) -> Result<Call, Failure>
where
    T: FromArgs + ArgsInfo + SubCommand,
{
    let args = flags::normalise(name, &T::get_args_info(), args)?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match T::from_args(&[name], &args) {
        Ok(parsed) => Ok(Call::Command(Box::new(command(parsed)))),
        Err(exit) if exit.status.is_ok() => Ok(Call::Help(help::page(&exit.output, Some(T::COMMAND.name)))),
        Err(exit) => Err(Failure::usage(sentence(name, exit.output.trim()))),
    }
}

/// What argh says of a value that is no number, in the words of all other sentences.
fn sentence(name: &str, said: &str) -> String {
    let value = said.strip_prefix("Error parsing option '").and_then(|rest| rest.split_once("' with value '"));
    let value = value.and_then(|(flag, rest)| Some((flag, rest.rsplit_once("': ")?.0)));
    match value {
        Some((flag, value)) => format!("`{flag}` takes no `{value}`; see `{name} --help`"),
        None => said.replace('\n', " "),
    }
}

fn own_page() -> String {
    let page = Sendit::from_args(&["sendit"], &["--help"]).err().map(|exit| exit.output);
    help::page(&page.unwrap_or_default(), None)
}

/// The whole command line as argh describes it.
pub(crate) fn info() -> CommandInfoWithArgs {
    Sendit::get_args_info()
}

/// The names of executables that mean a command.
pub(crate) fn links() -> impl Iterator<Item = &'static str> {
    NAMES.iter().filter_map(|name| name.link)
}

#[cfg(test)]
pub(crate) mod tests {
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
}
