//! The inspector of a client: where it listens, a thread of its own for it, and what it is told of the tunnel. Knows not what
//! it answers.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::{io, thread};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::exit::Failure;
use super::listen::{Address, Resolved};
use super::sources::Sources;
use super::{clock, output};
use crate::client::{Config, Dialer, Event};
use crate::inspect::api::{self, Api, Connection, Link, Standing, Token, Webhooks};
use crate::inspect::{Inspector, Settings};

/// Where it listens unless something else is said: at the first of these ports that is free.
pub(super) const PORTS: RangeInclusive<u16> = 4040..=4059;

/// Where a person wants it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere.
    Off,
    /// Wherever it is usual.
    Usual,
    /// There.
    At(Address),
}

impl Place {
    /// Where somebody says.
    pub(crate) fn read(typed: Option<String>, from: &Sources<'_>) -> Result<Self, Failure> {
        let read = |text: &str| match text {
            "off" => Ok(Self::Off),
            text => Address::parse(text).map(Self::At).map_err(|_| {
                format!("`{text}` is no place for the inspector; write `off`, or an address like `127.0.0.1:4040`")
            }),
        };
        Ok(from.read(typed, "--inspect", read)?.unwrap_or(Self::Usual))
    }

    /// Whether it may be there. Nothing is opened.
    pub(crate) async fn check(self) -> Result<(), Failure> {
        match self {
            Self::Off | Self::Usual => Ok(()),
            Self::At(address) => own(address).await.map(drop),
        }
    }

    /// Listens there, where that can be; what cannot is told, for a tunnel is worth more than its page. Waits for the
    /// name service where a name is given.
    async fn listen(self) -> Result<Option<TcpListener>, Failure> {
        let address = match self {
            Self::Off => return Ok(None),
            Self::Usual => return Ok(usual(PORTS).await),
            Self::At(address) => own(address).await?,
        };
        match address.bind("--inspect") {
            Ok(listener) => Ok(Some(listener)),
            Err(failure) => {
                output::warn(format_args!("{}; the tunnel goes on without its inspector", failure.sentence));
                Ok(None)
            }
        }
    }
}

/// What an address stands for, which has to be this machine's alone.
async fn own(address: Address) -> Result<Resolved, Failure> {
    let address = address.resolve().await?;
    if address.is_loopback() {
        return Ok(address);
    }
    let text = address.text();
    Err(Failure::usage(format!(
        "`--inspect {text}` would show to other machines what passes; give an address of this one alone, such as \
         `127.0.0.1:4040`"
    )))
}

/// Listens at the first of these ports that is free, and says so where it is not the first of all: other commands look for it.
async fn usual(ports: RangeInclusive<u16>) -> Option<TcpListener> {
    let (first, last) = (*ports.start(), *ports.end());
    let Some((port, listener)) = first_free(ports).await else {
        output::warn(format_args!(
            "the ports {first} to {last} are taken, so there is no inspector; `--inspect 127.0.0.1:0` takes any that is free"
        ));
        return None;
    };
    if let Some(sentence) = elsewhere(first, port) {
        output::say(sentence);
    }
    Some(listener)
}

fn elsewhere(first: u16, port: u16) -> Option<String> {
    (port != first).then(|| format!("{first} is taken, so the inspector is at http://127.0.0.1:{port}"))
}

async fn first_free(ports: RangeInclusive<u16>) -> Option<(u16, TcpListener)> {
    for port in ports {
        // Not by `Address::bind`, whose sentence about a port that is taken nobody would read.
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return Some((port, listener));
        }
    }
    None
}

/// What is told of a tunnel's link.
struct Watched {
    link: watch::Sender<Link>,
    /// How it is carried, as it was told last.
    carried: Mutex<Option<String>>,
}

/// A running inspector. Dropping it ends it.
pub(crate) struct Inspection {
    /// Those of each tunnel.
    links: Vec<Watched>,
    addr: SocketAddr,
    introduced: Once,
    _end: DropGuard,
}

impl Inspection {
    /// Has a client be seen by one, where it is wanted and can be. Waits for the name service at most.
    pub(crate) async fn start(
        place: Place,
        client: &mut Config,
        webhooks: Arc<Webhooks>,
    ) -> Result<Option<Self>, Failure> {
        Self::of_several(place, [(None, client)], webhooks).await
    }

    /// The same with several clients, each with the name of its tunnel.
    pub(crate) async fn of_several(
        place: Place,
        clients: impl IntoIterator<Item = (Option<Arc<str>>, &mut Config)>,
        webhooks: Arc<Webhooks>,
    ) -> Result<Option<Self>, Failure> {
        let Some(listener) = place.listen().await? else { return Ok(None) };
        let addr = listener.local_addr().context("no address to tell")?;
        let token = Token::random().context("no randomness")?;
        let inspector = Inspector::new(Settings::new(clock::since_1970));
        let (mut links, mut tunnels) = (Vec::new(), Vec::new());
        for (name, client) in clients {
            client.inspector = Some(inspector.of_tunnel(name.clone()));
            let (link, told) = watch::channel(Link { standing: Standing::Connecting, text: None });
            links.push(Watched { link, carried: Mutex::default() });
            let dial = dial(Dialer::new(client).map_err(anyhow::Error::from)?);
            let (url, target) = (client.source.to_string(), client.target.to_string());
            tunnels.push(api::Tunnel { name, url, target, link: told, dial });
        }
        let mut tunnels = tunnels.into_iter();
        let Some(tunnel) = tunnels.next() else { return Ok(None) };
        let config = api::Config { tunnel, others: tunnels.collect(), now: clock::since_1970, webhooks, token };
        let shutdown = CancellationToken::new();
        spawn(listener, Api::new(inspector, config, addr), shutdown.clone()).context("no thread to inspect on")?;
        Ok(Some(Self::new(links, addr, shutdown)))
    }

    fn new(links: Vec<Watched>, addr: SocketAddr, shutdown: CancellationToken) -> Self {
        Self { links, addr, introduced: Once::new(), _end: shutdown.drop_guard() }
    }

    /// The page's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Tells the person where it is, once.
    pub(crate) fn introduce(&self) {
        self.introduced.call_once(|| output::say(format_args!("Inspector: {}", self.url())));
    }

    /// Takes note of how it stands with the tunnel of this number.
    pub(crate) fn note(&self, tunnel: usize, event: &Event) {
        if let Some(watched) = self.links.get(tunnel) {
            watched.note(event);
        }
        // Whoever follows looks at the first.
        if let Some(first) = self.links.first().filter(|_| tunnel > 0) {
            first.link.send_modify(|_| ());
        }
    }
}

impl Watched {
    fn note(&self, event: &Event) {
        let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        let (standing, text) = match event {
            Event::Ready | Event::Back { .. } => (Standing::Ready, carried.clone()),
            Event::Link { text } => (Standing::Ready, carried.insert(text.clone()).clone().into()),
            Event::Retrying { cause, .. } => {
                *carried = None;
                (Standing::Retrying, Some(cause.clone()))
            }
            Event::Lost { cause } => (Standing::Lost, Some(cause.clone())),
            Event::Hosted { .. } | Event::Lacking { .. } | Event::Target { .. } => return,
        };
        self.link.send_replace(Link { standing, text });
    }
}

/// The same for whoever knows of no client.
fn dial(dialer: Dialer) -> api::Dial {
    Arc::new(move || {
        let dialer = dialer.clone();
        Box::pin(async move { Ok(Box::new(dialer.dial().await?) as Box<dyn Connection>) })
    })
}

/// The inspector has a thread of its own, so that whatever it is asked takes no turn of the tunnel's.
fn spawn(listener: TcpListener, api: Api, shutdown: CancellationToken) -> io::Result<()> {
    let listener = listener.into_std()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serving = move || {
        runtime.block_on(async {
            if let Ok(listener) = TcpListener::from_std(listener) {
                api::serve(listener, api, shutdown).await;
            }
        });
    };
    thread::Builder::new().name("inspector".to_owned()).spawn(serving).map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cmd::env::{self, Env};

    #[track_caller]
    fn check(flag: Option<&str>, env: &Env, expected: Result<Place, &str>) {
        let seen = Place::read(flag.map(ToOwned::to_owned), &Sources::new("connect", env, []));
        let seen = seen.map_err(|failure| failure.sentence);
        assert_eq!(seen, expected.map_err(ToOwned::to_owned));
    }

    #[test]
    fn places() {
        let at = |text| Ok(Place::At(Address::parse(text).unwrap()));
        check(None, &Env::default(), Ok(Place::Usual));
        check(Some("off"), &Env::default(), Ok(Place::Off));
        check(Some("[::1]:0"), &Env::default(), at("[::1]:0"));
        check(None, &Env::from([(env::INSPECT, "off")]), Ok(Place::Off));
        check(Some("localhost:1"), &Env::from([(env::INSPECT, "off")]), at("localhost:1"));
        let sentence =
            "wrong `--inspect`: `on` is no place for the inspector; write `off`, or an address like `127.0.0.1:4040`";
        check(Some("on"), &Env::default(), Err(sentence));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let first = taken.local_addr().unwrap().port();
        assert!(first_free(first..=first).await.is_none());
        let (port, listener) = first_free(first..=u16::MAX).await.unwrap();
        assert_eq!((port > first, listener.local_addr().unwrap().port()), (true, port));
        let sentence = "4040 is taken, so the inspector is at http://127.0.0.1:4041";
        assert_eq!((elsewhere(4040, 4040), elsewhere(4040, 4041).as_deref()), (None, Some(sentence)));
    }

    #[tokio::test]
    async fn what_it_is_told_of_the_tunnel() {
        let (link, told) = watch::channel(Link { standing: Standing::Connecting, text: None });
        let addr = SocketAddr::from(([127, 0, 0, 1], 1));
        let watched = Watched { link, carried: Mutex::default() };
        let inspection = Inspection::new(vec![watched], addr, CancellationToken::new());
        let text = || "broken".to_owned();
        let after = Duration::from_secs(1);
        for (event, standing, link) in [
            (Event::Ready, Standing::Ready, None),
            (Event::Link { text: "by streams".to_owned() }, Standing::Ready, Some("by streams")),
            (Event::Target { cause: text(), seen: true }, Standing::Ready, Some("by streams")),
            (Event::Lost { cause: text() }, Standing::Lost, Some("broken")),
            (Event::Back { after, held: 0, lost: 0 }, Standing::Ready, Some("by streams")),
            (Event::Retrying { cause: text(), after }, Standing::Retrying, Some("broken")),
            (Event::Ready, Standing::Ready, None),
        ] {
            inspection.note(0, &event);
            assert_eq!(*told.borrow(), Link { standing, text: link.map(ToOwned::to_owned) }, "{event:?}");
        }
    }
}
