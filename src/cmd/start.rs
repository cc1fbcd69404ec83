//! `sendit start`: from the names of tunnels to all of them standing, as the configuration file says.

use argh::{ArgsInfo, FromArgs};

use super::config::{self, File};
use super::connect::{Flags, Process, Tunnel, stand, target_in_file, with_tunnel_flags};
use super::env::Env;
use super::exit::Failure;
use super::sources::Sources;

with_tunnel_flags! {
/// Opens tunnels that the configuration file has, in one process.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "start",
    help_triggers("-h", "--help"),
    example = "Two of the tunnels in sendit.toml:
  {command_name} web api",
    example = "All of them:
  {command_name} --all",
    note = "What each tunnel does stands in its table `[tunnels.NAME]`, and what that does not
say in the file's beginning. Its prefix is its name, unless `prefix` says another.
docs/configuration.md has the file.",
    note = "
Flags are those of `connect`, and count for each tunnel that is started.",
    note = "
All tunnels share their connections to the server, one inspector, and this terminal,
where lines say which tunnel they are about. Where one of them cannot stand any more,
because its token or prefix is refused, all end, with the exit code for that."
)]
struct Start {
    /// start every tunnel that the file has
    #[argh(switch)]
    all: bool,

    /// tunnels to start, by their names in the file
    #[argh(positional, arg_name = "NAME")]
    names: Vec<String>,
}
}

/// Keeps the tunnels standing until a signal comes.
pub(crate) async fn run(mut args: Start, env: &Env, file: Option<&File>) -> Result<(), Failure> {
    let file = file.ok_or_else(|| {
        Failure::usage("there is no `sendit.toml` here, nor in your configuration folder; name one with `--config`")
    })?;
    let names = args.chosen(file)?;
    let mut flags = args.flags();
    for (flag, is_given) in [("--prefix", flags.prefix.is_some()), ("--url-file", flags.url_file.is_some())] {
        if is_given && names.len() > 1 {
            return Err(Failure::usage(format!("`{flag}` is for one tunnel; start only one, or leave it away")));
        }
    }
    let process = Process::settle(&mut flags, &Sources::new("start", env, [&file.top]))?;
    let tunnels = names.iter().map(|name| tunnel(name, file, env, flags.clone())).collect::<Result<Vec<_>, _>>()?;
    stand(named(tunnels, &names), process, file.warning()).await
}

impl Start {
    /// The names that are meant, each once.
    fn chosen(&self, file: &File) -> Result<Vec<String>, Failure> {
        let path = file.path().display();
        let mut names = self.names.clone();
        if self.all && !names.is_empty() {
            return Err(Failure::usage("`--all` starts every tunnel; leave it or the names away"));
        }
        if self.all {
            names = file.names().map(ToOwned::to_owned).collect();
        }
        names.sort();
        names.dedup();
        match (names.is_empty(), file.names().next().is_none()) {
            (true, true) => {
                Err(Failure::usage(format!("`{path}` has no tunnels; give it tables like `[tunnels.web]`")))
            }
            (true, false) => {
                Err(Failure::usage(format!("name the tunnels of `{path}`, or write `--all`: {}", file.has())))
            }
            (false, _) => Ok(names),
        }
    }
}

/// A tunnel of the file, as flags, environment and file say.
pub(crate) fn tunnel(name: &str, file: &File, env: &Env, flags: Flags) -> Result<Tunnel, Failure> {
    let section = file.tunnel(name)?;
    let from = Sources::new("start", env, [section, &file.top]);
    let target = target_in_file(section, &from)?;
    let usual = || {
        config::prefix(name, section).parse::<crate::wire::Prefix>().map(|prefix| prefix.to_string()).map_err(|cause| {
            Failure::usage(format!(
                "the name of the tunnel {}, is no prefix, so give it a `prefix`: {cause}",
                section.head()
            ))
        })
    };
    Tunnel::to(&target, flags, &from, usual)
}

/// Where there are several, each has its name.
fn named(tunnels: Vec<Tunnel>, names: &[String]) -> Vec<Tunnel> {
    let several = tunnels.len() > 1;
    let name = |(tunnel, name): (Tunnel, &String)| Tunnel { name: several.then(|| name.as_str().into()), ..tunnel };
    tunnels.into_iter().zip(names).map(name).collect()
}
