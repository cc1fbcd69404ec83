//! `sendit demo`: both ends and a target in one process, to see a tunnel work. Knows no more than the other commands.

mod page;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Once};

use anyhow::{Context as _, anyhow};
use argh::{ArgsInfo, FromArgs};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use super::env::Env;
use super::exit::Failure;
use super::inspect::Inspection;
use super::listen::Address;
use super::output::Format;
use super::signals::Signals;
use super::sources::Sources;
use super::terminal::sentence;
use super::{clock, inspect, log, output, secret};
use crate::auth::{self, Audience, Claims};
use crate::client::{self, Config, Event, Source, SourcePath, Target};
use crate::inspect::api::Webhooks;
use crate::inspect::webhook::Secrets;
use crate::server::{self, Server};
use crate::wire::Prefix;

/// Shows a tunnel at work: a server, a client, and a page to look at.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "demo",
    help_triggers("-h", "--help"),
    example = "A built-in page, seen through a tunnel:
  {command_name}",
    example = "A local service of your own:
  {command_name} --prefix my-app http://localhost:3000",
    note = "The first line on standard output is the public URL. The server has a secret
that was made up for this run. A service of your own sees paths without the prefix,
as with `connect --strip-prefix`. Ctrl-C ends it."
)]
pub(crate) struct Demo {
    /// address that the server listens on (default: 127.0.0.1:0, any free port)
    #[argh(option, arg_name = "HOST:PORT")]
    addr: Option<String>,

    /// prefix of the tunnel (default: demo)
    #[argh(option, arg_name = "PREFIX")]
    prefix: Option<String>,

    /// where the page is that shows what passes: an address of this machine, or off (default: 127.0.0.1:4040, or the next
    /// port up to 4059 that is free)
    #[argh(option, arg_name = "ADDR|off")]
    inspect: Option<String>,

    /// how much is logged: error, warn, info, debug or trace (default: warn)
    #[argh(option, arg_name = "LEVEL")]
    log: Option<String>,

    /// local service to show (default: a built-in page)
    #[argh(positional, arg_name = "URL")]
    url: Option<String>,
}

/// Runs both ends until a signal comes.
pub(crate) async fn run(args: Demo, env: &Env) -> Result<(), Failure> {
    let signals = Signals::catch()?;
    let from = Sources::new("demo", env, []);
    log::start(log::level(args.log, &from, Level::WARN)?, Format::Text);
    let place = inspect::Place::read(args.inspect, &from)?;
    let prefix = args.prefix.as_deref().unwrap_or("demo");
    let prefix: Prefix = prefix.parse().map_err(|error| Failure::usage(format!("wrong `--prefix`: {error}")))?;
    let local = |text: &str| text.parse::<Target>().map_err(|error| Failure::usage(error.to_string()));
    let (target, page) = if let Some(url) = args.url {
        (local(&url)?, None)
    } else {
        let listener = listen("127.0.0.1:0").await?;
        (local(&format!("http://{}", own_address(&listener)?))?, Some(listener))
    };
    let listener = listen(args.addr.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let source = source(own_address(&listener)?, &prefix)?;
    let shutdown = signals.shutdown();
    let hint = match page {
        Some(_) => format!("see it in a browser, or try `curl -d hello {source}/echo`; Ctrl-C ends it"),
        None => format!(
            "`{target}` answers there, without `/{prefix}` before its paths; try `curl {source}/`; Ctrl-C ends it"
        ),
    };
    let url = if page.is_some() { source.to_string() } else { format!("{source}/") };
    let webhooks = Webhooks::new(Secrets::default(), &source.to_string());
    let mut config = Config::new(source, target);
    let inspection = Inspection::start(place, &mut config, Arc::new(webhooks)).await?;
    let told = teller(format!("{url}\n{hint}"), inspection);
    if page.is_none() {
        // A service that has heard of no prefix answers at once.
        config.path = SourcePath::Stripped;
    }
    let pages = show(page, &prefix, shutdown.clone());
    let tunnel = tunnel(listener, config, told, shutdown);
    let work = Box::pin(async {
        tokio::select! {
            ended = tunnel => ended,
            failed = pages => Err(failed),
        }
    });
    signals.guard(|| "exchanges in flight have 30 s to end", work).await
}

async fn listen(text: &str) -> Result<TcpListener, Failure> {
    Address::parse(text)?.resolve().await?.bind("--addr")
}

fn own_address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    Ok(listener.local_addr().context("no address to tell")?)
}

/// The public URL of a server on this machine. One on every interface is reached by loopback.
fn source(mut addr: SocketAddr, prefix: &Prefix) -> Result<Source, Failure> {
    if addr.ip().is_unspecified() {
        addr.set_ip(if addr.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() });
    }
    let source = format!("http://{addr}/{prefix}").parse().map_err(anyhow::Error::from)?;
    Ok(source)
}

/// Serves the built-in page where it is wanted; ends only by failing. Cancelling it cuts what it serves.
async fn show(listener: Option<TcpListener>, prefix: &Prefix, shutdown: CancellationToken) -> Failure {
    let Some(listener) = listener else { return std::future::pending().await };
    let ended = axum::serve(listener, page::router(prefix, shutdown)).await;
    anyhow!("the built-in page ended: {ended:?}").into()
}

/// Runs a server with a secret of its own and a client of it. Cancelling it drops both.
async fn tunnel(
    listener: TcpListener,
    mut config: Config,
    told: impl Fn(Event) + Send + Sync + 'static,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).context("no randomness")?;
    let keys = secret::keys(&[bits.to_vec()]).map_err(anyhow::Error::from)?;
    let keys = keys.map(|(keys, _)| keys);
    let token = keys.as_ref().map(|keys| auth::mint(keys, &Claims::new(Audience::Auth, clock::unix_now())));
    let server = Server::new(server::Config::new(keys, clock::unix_now));
    config.token = token.map(|token| client::Token::new(&token));
    let serving = server::serve(listener, server, shutdown.clone());
    let connected = async {
        let ended = client::run(config, told, shutdown.clone()).await;
        shutdown.cancel();
        ended
    };
    let ((), ended) = tokio::join!(serving, connected);
    ended.map_err(anyhow::Error::from)?;
    Ok(())
}

/// Prints `lines` once the tunnel stands; troubles as they come.
fn teller(lines: String, inspection: Option<Inspection>) -> impl Fn(Event) + Send + Sync {
    let once = Once::new();
    move |event| {
        if let Some(inspection) = &inspection {
            inspection.note(0, &event);
        }
        match event {
            Event::Ready => once.call_once(|| {
                if let Some(failure) = output::answer(&lines).err().filter(Failure::is_told) {
                    output::warn(&failure);
                }
                if let Some(inspection) = &inspection {
                    inspection.introduce();
                }
            }),
            // Between the two ends here is nothing that it could tell of.
            Event::Link { .. } => (),
            trouble => drop(sentence(&trouble, None).map(output::say)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addr: &str, expected: &str) {
        let source = source(addr.parse().unwrap(), &"demo".parse().unwrap());
        assert_eq!(source.map(|source| source.to_string()), Ok(expected.to_owned()));
    }

    #[test]
    fn public_urls() {
        check("127.0.0.1:81", "http://127.0.0.1:81/demo");
        check("0.0.0.0:81", "http://127.0.0.1:81/demo");
        check("[::]:81", "http://[::1]:81/demo");
        check("[::1]:80", "http://[::1]/demo");
    }
}
