//! From the process's arguments to what is asked for: the table of names, and the rule for a missing subcommand. A
//! pure function; knows no command's inside.

use std::ffi::OsString;
use std::path::Path;

use argh::{ArgsInfo, CommandInfoWithArgs, FromArgs, SubCommand};

use super::check::Config;
use super::connect::Connect;
use super::demo::Demo;
use super::doctor::Doctor;
use super::exit::Failure;
use super::install_links::InstallLinks;
use super::play::Play;
use super::record::Record;
use super::replay::Replay;
use super::requests::Requests;
use super::run::Run;
use super::serve::Serve;
use super::sessions::Sessions;
use super::start::Start;
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
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub(crate) enum Command {
    Serve(Serve),
    Connect(Connect),
    Start(Start),
    Run(Run),
    Config(Config),
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
    Name { command: "connect", link: None, read: connect },
    Name { command: "start", link: None, read: |name, args| read(name, args, Command::Start) },
    Name { command: "run", link: None, read: |name, args| read(name, args, Command::Run) },
    Name { command: "config", link: None, read: |name, args| read(name, args, Command::Config) },
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
                None if first.starts_with('-') || first.contains(['/', ':', '.']) => connect("sendit", args),
                None => Err(Failure::usage(format!("there is no command `{first}`; see `sendit --help`"))),
            },
        }
    }
}

/// The two ends of a tunnel; the public one alone leaves too much open.
fn connect(name: &str, args: &[String]) -> Result<Call, Failure> {
    let call = read(name, args, Command::Connect)?;
    let lacks = matches!(&call, Call::Command(command)
        if matches!(&**command, Command::Connect(connect) if connect.lacks_destination()));
    let missing = || Failure::usage(format!("the argument `DESTINATION` is missing; see `{name} --help`"));
    if lacks { Err(missing()) } else { Ok(call) }
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
pub(crate) mod tests;
