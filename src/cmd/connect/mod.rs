//! `sendit connect`: from what was typed to a tunnel that stands.

mod flags;
mod settle;
mod stand;

use argh::{ArgsInfo, FromArgs};

use super::config::File;
use super::env::Env;
use super::exit::{Exit, Failure};
use super::sources::Sources;
use crate::client::{self, Source};

pub(crate) use flags::{Flags, said, with_tunnel_flags};
#[cfg(test)]
pub(crate) use settle::wire;
pub(crate) use settle::{Process, Tunnel, target, target_in_file};
pub(crate) use stand::{Standing, stand};

with_tunnel_flags! {
    /// Makes a local service reachable at a public URL, as long as it runs.
    #[derive(FromArgs, ArgsInfo)]
    #[argh(
        subcommand,
        name = "connect",
        help_triggers("-h", "--help"),
        example = "A local service on port 3000, at a server that wants a token:
  {command_name} --token-file token https://example.com/my-app http://localhost:3000",
        example = "The same with the token in the environment:
  SENDIT_TOKEN=... {command_name} https://example.com/my-app http://localhost:3000",
        example = "Only for an office, and for a service that wants to live at `/`:
  {command_name} --token-file token --allow-ip 192.0.2.0/24 --strip-prefix https://example.com/my-app http://localhost:3000",
        example = "The same by the server's URL and a port; sendit.toml may say both once and for all:
  {command_name} --server https://example.com --prefix my-app --token-file token 3000",
        example = "gRPC, from a service that speaks HTTP/2 without TLS:
  {command_name} --token-file token --strip-prefix https://example.com/my-app h2c://localhost:50051",
        note = "The last segment of SOURCE is the prefix, 3 to 64 of `a-z`, `0-9` and `-`. What
stands before it is the server's own URL. Paths are forwarded whole, unless
--strip-prefix is given: a visitor's `/my-app/x` is `/my-app/x` to the local service.",
        note = "
Where SOURCE is left away the server is that of --server, the environment or
sendit.toml, and the prefix that of --prefix, the environment, or this folder's name.
docs/configuration.md has the file.",
        note = "
Once the tunnel stands, a line with `Ready; Forwarding SOURCE -> DESTINATION` goes
to standard error, or what says the same to a terminal. Where it is lost the client
tries again, after 0.2 s at first and 10 s at most, for as long as that can help.",
        note = "
Each exchange has a line on standard error when it is over, a WebSocket or a stream of
events when it begins: at most 100 in a second, and how many more there were. A
terminal that is no `dumb` one has them in colours, unless NO_COLOR is set. With
--log-format json each line is an event; docs/events.md describes them.",
        note = "
The wire is v2 where the server knows it, and v1 with a server that does not, as
Go servers do not. On v2 a second line says how each direction is carried, `streams`
or `batches`, whichever the way to the server allows, and again when that changes.
Where the way to the server is lost, the session and what is under way in it wait: a
line says so, and another when it is back.",
        note = "
What --host-header, --strip-prefix, --basic-auth, --allow-ip and an `h2c://`
DESTINATION ask for the server does, before anything reaches this end. It takes
wire v2: with a server that cannot do it the client ends, and shares nothing.",
        note = "
Each setting is taken from its flag, then the environment, then sendit.toml. User and
password are kept from the service and from every log.",
        note = "
The inspector is a page, at the URL that is said at the start, with each exchange that
passes: for this machine alone, as nothing is sent anywhere. It keeps the newest, 64 MiB
in all and 1 MiB of a body, until the client ends. docs/inspector.md says more.",
        note = "
Webhooks are known by their headers: those of `github`, `stripe`, `slack`, `twilio`, and
`standard` for Standard Webhooks. Their secrets stay on this machine, and stand in no
log; `@FILE` keeps them off the command line as well.",
        note = "
HTTP_PROXY, HTTPS_PROXY and NO_PROXY are heeded on the way to the server, never
on the way to the local service.",
        note = "
SIGINT or SIGTERM: exchanges in flight have 30 s to end. A second signal ends
at once."
    )]
    struct Connect {
        /// public URL, such as `https://example.com/my-app`; can be left away where the server is known
        #[argh(positional, arg_name = "SOURCE")]
        first: String,

        /// local service, such as `http://localhost:3000`, or its port on this machine
        #[argh(positional, arg_name = "DESTINATION")]
        second: Option<String>,
    }
}

/// Keeps a tunnel standing until a signal comes.
pub(crate) async fn run(mut args: Connect, env: &Env, file: Option<&File>) -> Result<(), Failure> {
    let from = Sources::new("connect", env, file.map(|file| &file.top));
    let mut flags = args.flags();
    let process = Process::settle(&mut flags, &from)?;
    let tunnel = args.settle(flags, &from)?;
    stand(vec![tunnel], process, file.and_then(File::warning)).await
}

impl Connect {
    /// Whether what was typed is only where a tunnel begins.
    pub(crate) fn lacks_destination(&self) -> bool {
        self.second.is_none() && self.first.parse::<Source>().is_ok()
    }

    fn settle(self, flags: Flags, from: &Sources<'_>) -> Result<Tunnel, Failure> {
        if let Some(destination) = self.second {
            return Tunnel::between(self.first, &destination, flags, from);
        }
        let target = target(&self.first).map_err(|error| Failure::usage(error.to_string()))?;
        Tunnel::to(&target, flags, from, prefix_here)
    }
}

/// The prefix that the working folder's name makes.
pub(crate) fn prefix_here() -> Result<String, Failure> {
    let folder = std::env::current_dir().ok();
    let prefix = folder.as_deref().and_then(settle::prefix_of);
    let none = || Failure::usage("no prefix is given, and the name of this folder makes none; write `--prefix NAME`");
    prefix.map(|prefix| prefix.to_string()).ok_or_else(none)
}

/// A client's end in terms of the exit codes.
pub(crate) fn failure(error: &client::Error) -> Failure {
    let exit = match error {
        client::Error::Unauthorized(_) => Exit::Unauthorized,
        client::Error::Prefix(_) => Exit::Prefix,
        client::Error::NotSendit(_) => Exit::NotSendit,
        client::Error::NotGranted(_) => Exit::NotGranted,
        client::Error::Dismissed(_) => Exit::Dismissed,
        client::Error::Certificate(_) => Exit::Certificate,
        client::Error::Unreachable(_) => Exit::Unreachable,
        client::Error::Unable(_) => Exit::Unexpected,
    };
    Failure::new(exit, error.to_string())
}
