//! `sendit config check`: whether the configuration file can be meant, before anything runs by it.

use argh::{ArgsInfo, FromArgs};

use super::config::File;
use super::connect::{Flags, Process, Tunnel};
use super::env::Env;
use super::exit::Failure;
use super::serve::Serve;
use super::sources::Sources;
use super::terminal::clean;
use super::{output, start};

/// Says whether the configuration file is right, and what it has.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "config",
    help_triggers("-h", "--help"),
    example = "The file in this folder, or else the user's own:
  {command_name} check",
    note = "Every key and every value is read as the commands would read it, and so are the
files that it names. Hosts to listen on are looked up; nothing is opened or written. The
environment is left aside. What is wrong is told with its line, and the exit code is that
of the command which would refuse it, such as 2, or 7 where a file cannot be read."
)]
pub(crate) struct Config {
    /// configuration file (default: sendit.toml in this folder, else in the user's configuration folder)
    #[argh(option, arg_name = "FILE")]
    config: Option<String>,

    /// what to do: check
    #[argh(positional, arg_name = "WHAT")]
    what: String,
}

impl Config {
    /// The configuration file that is named.
    pub(crate) fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }
}

/// Reads all of it, and prints what it has.
pub(crate) async fn run(args: &Config, file: Option<&File>) -> Result<(), Failure> {
    if args.what != "check" {
        return Err(Failure::usage(format!(
            "`{}` is nothing that `config` does; write `sendit config check`",
            args.what
        )));
    }
    let file = file.ok_or_else(|| {
        Failure::usage("there is no `sendit.toml` here, nor in your configuration folder; name one with `--config`")
    })?;
    if let Some(warning) = file.warning() {
        output::warn(warning);
    }
    let none = Env::default();
    let top = Sources::new("start", &none, [&file.top]);
    let process = Process::settle(&mut Flags::default(), &top)?;
    process.place.check().await.map_err(|failure| top.blame("--inspect", failure))?;
    Tunnel::check(&Sources::new("connect", &none, [&file.top]))?;
    let mut lines = vec![format!("`{}` can be used", file.path().display())];
    for name in file.names() {
        let tunnel = start::tunnel(name, file, &none, Flags::default())?;
        lines.push(format!("tunnel {name}: {} -> {}", tunnel.source, tunnel.target));
    }
    if !file.serve.is_empty() {
        let address = Serve::check(&Sources::new("serve", &none, [&file.serve])).await?;
        lines.push(format!("server: {address}"));
    }
    // The names are those of whoever has written the file.
    let lines: Vec<_> = lines.iter().map(|line| clean(line)).collect();
    output::answer(lines.join("\n"))
}
