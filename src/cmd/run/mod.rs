//! `sendit run`: from what was typed to a program that knows its public URL, and a tunnel to it for as long as it runs.

mod found;
#[cfg(unix)]
mod ignored;
mod process;
mod program;
mod relay;
mod terminal;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;
use argh::{ArgsInfo, FromArgs};
use tokio_util::sync::CancellationToken;

use super::config::File;
use super::connect::{Process, Standing, Tunnel, prefix_here, target, with_tunnel_flags};
use super::env::Env;
use super::exit::Failure;
use super::sources::Sources;
use program::{Command, FAREWELL, GRACE, Program};
use relay::{Relay, Signal};
use terminal::Terminal;

with_tunnel_flags! {
    /// Runs a program with its public URL in its environment, and a tunnel to it as long as it runs.
    #[derive(FromArgs, ArgsInfo)]
    #[argh(
        subcommand,
        name = "run",
        help_triggers("-h", "--help"),
        example = "A program that listens on the port in PORT:
  {command_name} --server https://example.com --prefix my-app --token-file token -- npm run dev",
        note = "The program starts once the tunnel stands, with four variables: PUBLIC_URL is the
tunnel's URL, BASE_PATH the path of it, and HTTP_PREFIX the part of that path which
requests still have when they reach the program: all, or nothing with --strip-prefix.
Where the tunnel has a host of its own, PUBLIC_URL is the URL there, and both paths are
empty. PORT is the port to listen on. --url-var, --path-var, --prefix-var and --port-var
give them other names.",
        note = "
SIGINT, SIGTERM and SIGHUP are passed on to the program; Ctrl-C reaches it by itself,
and only a second one is passed on. Away from a terminal, or in its background, they
reach the program's children as well. It ends as the program does, with its exit code,
or with 128 and the number of the signal that ended it, or that came before the program
was started. After SIGTERM it has 30 s to end, then it is killed, or at once when another
signal comes. Where the tunnel cannot stand any more it is asked to end by SIGTERM too,
and has 5 s.",
        note = "
A program that is not there, and a port on which something listens already, are told
before the tunnel is opened.",
        note = "
All other flags are those of `connect`, and sendit.toml is read as by `connect`."
    )]
    struct Run {
        /// port that the program listens on (default: one that is free)
        #[argh(option, arg_name = "PORT")]
        port: Option<String>,

        /// variable for the public URL (default: `PUBLIC_URL`)
        #[argh(option, arg_name = "NAME")]
        url_var: Option<String>,

        /// variable for the prefix of the paths that reach the program (default: `HTTP_PREFIX`)
        #[argh(option, arg_name = "NAME")]
        prefix_var: Option<String>,

        /// variable for the path of the public URL (default: `BASE_PATH`)
        #[argh(option, arg_name = "NAME")]
        path_var: Option<String>,

        /// variable for the port to listen on (default: `PORT`)
        #[argh(option, arg_name = "NAME")]
        port_var: Option<String>,

        /// program to run with its arguments, behind `--`
        #[argh(positional, arg_name = "PROGRAM")]
        program: Vec<String>,
    }
}

/// Lasts as long as the program, or as the tunnel can stand.
pub(crate) async fn run(mut args: Run, env: &Env, file: Option<&File>) -> Result<(), Failure> {
    let from = Sources::new("run", env, file.map(|file| &file.top));
    let mut flags = args.flags();
    let process = Process::settle(&mut flags, &from)?;
    let port = args.port()?;
    let target = target(&port.to_string()).map_err(anyhow::Error::from)?;
    let tunnel = Tunnel::to(&target, flags, &from, prefix_here)?;
    let mut command = args.command(&tunnel, port)?;
    command.check().await?;
    let mut relay = Relay::catch()?;
    let _restored = Terminal::keep();
    let mut standing = Standing::begin(vec![tunnel], process, file.and_then(File::warning)).await?;
    let (ready, stop, over) = (standing.ready(), CancellationToken::new(), CancellationToken::new());
    let hosted = standing.hosted();
    let held = async {
        let held = Box::pin(standing.hold(stop.clone())).await;
        over.cancel();
        held
    };
    let worked = async {
        let worked = work(&mut command, hosted, &mut relay, &ready, &over).await;
        stop.cancel();
        worked
    };
    let (held, worked) = tokio::join!(held, worked);
    standing.end();
    held.and(worked)
}

/// Runs the program once the tunnel is `ready`, to its end, which comes soon after the tunnel is `over`.
async fn work(
    command: &mut Command,
    hosted: impl FnOnce() -> Option<String>,
    relay: &mut Relay,
    ready: &CancellationToken,
    over: &CancellationToken,
) -> Result<(), Failure> {
    tokio::select! {
        () = ready.cancelled() => {}
        () = over.cancelled() => return Ok(()),
        signal = relay.next() => return Err(command.unstarted(signal)),
    }
    if let Some(url) = hosted() {
        command.be_at(url);
    }
    let mut program = Program::start(command).await?;
    loop {
        tokio::select! {
            // First, for a signal may be why the program ends.
            biased;
            signal = relay.next() => match signal {
                Signal::Terminate => return program.end(GRACE, relay.next()).await,
                signal => program.pass_on(signal),
            },
            ended = program.ended() => return ended,
            () = over.cancelled() => return program.end(FAREWELL, relay.next()).await,
        }
    }
}

impl Run {
    fn port(&self) -> Result<u16, Failure> {
        let Some(text) = &self.port else { return free_port() };
        let port = text.parse().ok().filter(|port| *port > 0);
        port.ok_or_else(|| Failure::usage(format!("wrong `--port`: `{text}` is no port; ports are 1 to 65535")))
    }

    /// The program with what it is told in its environment.
    fn command(self, tunnel: &Tunnel, port: u16) -> Result<Command, Failure> {
        let path = tunnel.config.source.url().path().to_owned();
        let seen = if tunnel.strips() { String::new() } else { path.clone() };
        let [url_var, prefix_var, path_var, port_var] = names([
            ("--url-var", self.url_var, "PUBLIC_URL"),
            ("--prefix-var", self.prefix_var, "HTTP_PREFIX"),
            ("--path-var", self.path_var, "BASE_PATH"),
            ("--port-var", self.port_var, "PORT"),
        ])?;
        let url = tunnel.config.source.to_string();
        let variables = [(url_var, url), (prefix_var, seen), (path_var, path), (port_var, port.to_string())];
        let mut words = self.program.into_iter();
        let program = words.next().ok_or_else(|| {
            Failure::usage("no program is given; write it behind `--`, such as `sendit run -- npm run dev`")
        })?;
        Ok(Command { program, arguments: words.collect(), variables, port })
    }
}

/// The names of variables: what was typed behind each flag, or else what is usual. No two are one, since one would hide the
/// other from the program.
fn names<const N: usize>(typed: [(&str, Option<String>, &str); N]) -> Result<[String; N], Failure> {
    let flags = typed.each_ref().map(|(flag, ..)| *flag);
    let names = typed.map(|(_, typed, usual)| typed.unwrap_or_else(|| usual.to_owned()));
    let mut taken = BTreeMap::new();
    for (flag, name) in flags.into_iter().zip(&names) {
        if name.is_empty() || name.contains(['=', '\0']) {
            let name = name.escape_debug();
            return Err(Failure::usage(format!("wrong `{flag}`: `{name}` is no name of a variable")));
        }
        if let Some(other) = taken.insert(name, flag) {
            return Err(Failure::usage(format!(
                "`{other}` and `{flag}` both are the variable `{name}`; give each a name of its own"
            )));
        }
    }
    Ok(names)
}

/// A port that is free now. Somebody may take it before the program does, which then says so.
fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr().context("no address to tell")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::exit::Exit;
    use crate::cmd::parsed;

    fn command(args: &[&str]) -> Result<Command, Failure> {
        let mut args = parsed::<Run>("run", args);
        let (env, port) = (Env::from([("SENDIT_SERVER", "https://host/base")]), args.port()?);
        let (from, flags) = (Sources::new("run", &env, []), args.flags());
        let target = target(&port.to_string()).unwrap();
        let tunnel = Tunnel::to(&target, flags, &from, || Ok("usual".to_owned()))?;
        args.command(&tunnel, port)
    }

    #[track_caller]
    fn check(args: &[&str], expected: [(&str, &str); 4], words: &[&str]) {
        let command = command(args).map_err(|failure| failure.sentence).unwrap();
        let variables: Vec<_> = command.variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(variables, expected);
        let typed: Vec<_> = std::iter::once(&command.program).chain(&command.arguments).collect();
        assert_eq!(typed, words);
    }

    #[test]
    fn what_the_program_is_told() {
        let [url, prefix, path, port] = [
            ("PUBLIC_URL", "https://host/base/app"),
            ("HTTP_PREFIX", "/base/app"),
            ("BASE_PATH", "/base/app"),
            ("PORT", "3000"),
        ];
        let args = |more: &[&'static str]| [&["--port", "3000", "--prefix=app"], more].concat();
        check(&args(&["--", "make", "-j4", "--help"]), [url, prefix, path, port], &["make", "-j4", "--help"]);
        check(&args(&["--strip-prefix", "make"]), [url, ("HTTP_PREFIX", ""), path, port], &["make"]);
        let named = ["--url-var=U", "--prefix-var=H", "--path-var=B", "--port-var=P", "--", "make", "--", "x"];
        let expected = [("U", url.1), ("H", prefix.1), ("B", path.1), ("P", port.1)];
        check(&args(&named), expected, &["make", "--", "x"]);
    }

    #[track_caller]
    fn refused(args: &[&str], sentence: &str) {
        assert_eq!(command(args).err(), Some(Failure::new(Exit::Usage, sentence)), "{args:?}");
    }

    #[test]
    fn refusals() {
        refused(&[], "no program is given; write it behind `--`, such as `sendit run -- npm run dev`");
        refused(&["--port=0", "--", "x"], "wrong `--port`: `0` is no port; ports are 1 to 65535");
        refused(&["--port-var=A=B", "--", "x"], "wrong `--port-var`: `A=B` is no name of a variable");
        for (args, one, other, name) in [
            (&["--url-var=PORT"][..], "url", "port", "PORT"),
            (&["--path-var=X", "--prefix-var=X"], "prefix", "path", "X"),
        ] {
            let sentence = format!(
                "`--{one}-var` and `--{other}-var` both are the variable `{name}`; give each a name of its own"
            );
            refused(&[args, &["--", "x"]].concat(), &sentence);
        }
        refused(&["--prefix=A", "--", "x"], "wrong `--prefix`: a prefix is 3 to 64 of `a-z`, `0-9` and `-`");
    }
}
