//! Examines the way to a server: what it does to requests and answers, and which manner a tunnel would take. It
//! measures with the tunnel's own carriers, on a session that holds no prefix, so it is in nobody's way and cannot
//! come to another verdict than the tunnel. What follows from the measures is judged by pure functions.

mod advice;
mod clock;
mod flush;
mod measure;
mod place;
mod report;

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::super::link::{Denied, Link, text};
use super::super::{Authorities, Connections, Error, Identity, Token};
use super::open::{Grant, ask, denied, whole};
use super::trial::{self, Hindrance, Trial};
use super::tunnel::{Trouble, Tunnel};
use super::{Path, down, up};
use crate::pipe::v2::{Budget, End, pipe};
use crate::wire::v1;
use crate::wire::v2::Manner;
use crate::wire::v2::measure::{EXAMINE, Examined, PrefixState, Wanted};

pub use clock::Difference;
pub use flush::Holding;
pub use place::Place;
pub use report::{Advice, Direction, Largest, Life, Prefix, Report};

/// How long the first complete request may take: without one no tunnel stands.
const FIRST_DEADLINE: Duration = Duration::from_secs(4);

/// How long all trials may take. Each has a deadline of its own, and where streams are held that is over at once.
const TRIALS_DEADLINE: Duration = Duration::from_secs(5);

/// How long the server may take to be told that it is over.
const FAREWELL: Duration = Duration::from_secs(1);

/// Headers by which what stands on the way names itself.
const NAMING: [&str; 6] = ["server", "via", "x-varnish", "x-cache", "cf-ray", "x-amz-cf-id"];

/// What a doctor needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where to look.
    pub place: Place,
    /// What the server asks for where it has a secret.
    pub token: Option<Token>,
    /// Who vouches for the server; the platform's authorities, where there are none.
    pub authorities: Option<Authorities>,
    /// What says to the server who the client is, where it asks for a certificate.
    pub identity: Option<Identity>,
    /// How long a stream is let live to see whether something cuts it: 10 min at most.
    pub longest: Duration,
    /// The wall clock, since 1970.
    pub clock: fn() -> Duration,
}

impl Config {
    /// An examination of streams for as long as the tunnel lets one live.
    #[must_use]
    pub fn new(place: Place, clock: fn() -> Duration) -> Self {
        Self { place, token: None, authorities: None, identity: None, longest: Duration::from_secs(10), clock }
    }
}

/// Measures the way. Takes about 15 s where `longest` is left at 10 s, and 15 s more at most where nobody answers;
/// cancelling it leaves the server with a session that it ends by itself.
///
/// # Errors
/// Where no tunnel would stand.
pub async fn examine(config: Config) -> Result<Report, Error> {
    let connections = Connections::new(&config.place.source, config.authorities.as_ref(), config.identity.as_ref())?;
    let link = Arc::new(Link::new(config.place.source.clone(), connections));
    let mut report = Report { url: config.place.to_string(), proxy: link.proxy(), ..Report::default() };
    let sent = (config.clock)();
    let prefix = config.place.prefix().map(ToString::to_string);
    let wanted = Wanted { prefix, client: concat!("sendit/", env!("CARGO_PKG_VERSION")).to_owned() };
    let (mut response, url) = ask(&link, EXAMINE, config.token.as_ref(), &wanted).await.map_err(error)?;
    let dated = clock::Dated::of(sent, (config.clock)(), text(response.headers(), DATE.as_str()));
    report.http = Some(format!("{:?}", response.version()).trim_start_matches("HTTP/").to_owned());
    note_names(&mut report, response.headers());
    report.clock = dated.map(clock::Dated::difference);
    if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
        return older(&config, &link, report).await;
    }
    let body = whole(&mut response).await;
    let examined = serde_json::from_slice::<Examined>(&body).ok().filter(|_| response.status() == StatusCode::OK);
    let session = examined.and_then(|examined| Some((Grant::new(&examined.given, &url, EXAMINE)?, examined)));
    let Some((grant, examined)) = session else {
        return Err(error(denied(&response, &body, &config.place.source, config.token.as_ref())));
    };
    note_server(&config, &mut report, examined);
    measured(&config, &link, grant, report).await
}

fn note_server(config: &Config, report: &mut Report, examined: Examined) {
    report.server = Some(examined.server);
    report.wires = examined.wires;
    report.token = examined.token;
    let name = config.place.prefix().map(ToString::to_string);
    report.prefix = name.zip(examined.prefix).map(|(name, state)| Prefix { name, state });
}

/// Why `connect` would not be given the prefix, where it would not.
#[must_use]
pub fn refusal(report: &Report) -> Option<Error> {
    let Prefix { name, state } = report.prefix.as_ref()?;
    match state {
        PrefixState::Free | PrefixState::Yields => None,
        PrefixState::Taken => Some(Error::Prefix(format!("the prefix `{name}` is in use by another client"))),
        PrefixState::Forbidden => Some(Error::Prefix(format!(
            "the token does not allow the prefix `{name}`: choose one that it was made for"
        ))),
    }
}

/// A server that does not know how to be examined is asked for a prefix that no server gives, so nothing is opened.
async fn older(config: &Config, link: &Link, mut report: Report) -> Result<Report, Error> {
    let token = config.token.as_ref().map(Token::as_str).unwrap_or_default();
    let form =
        form_urlencoded::Serializer::new(String::new()).append_pair("prefix", "-").append_pair("token", token).finish();
    let fill = |request: reqwest::RequestBuilder| {
        request.header("content-type", "application/x-www-form-urlencoded").body(form.clone())
    };
    let (mut response, _) = link.open(v1::OPEN, fill).await.map_err(error)?;
    let said = String::from_utf8_lossy(&whole(&mut response).await).into_owned();
    if response.status() == StatusCode::BAD_REQUEST && said.contains("prefix") {
        report.wires = vec!["v1".to_owned()];
        return Ok(report);
    }
    let code = text(response.headers(), crate::wire::ERROR_HEADER);
    Err(error(
        super::super::refusal::Seen::of(&response, code, &said).judge(&config.place.source, config.token.as_ref()),
    ))
}

/// Measures with a session.
async fn measured(config: &Config, link: &Arc<Link>, grant: Grant, report: Report) -> Result<Report, Error> {
    // The pipe is what ends the session where it is dropped.
    let (_pipe, carriers) = pipe(&Budget::default());
    let (path, tasks) = (Arc::new(Path::new(config.longest)), TaskTracker::new());
    let tunnel = Arc::new(Tunnel::new(Arc::clone(link), grant, carriers.clone(), path));
    let all = async {
        first(&tunnel).await?;
        let (life_down, life_up, mut report) = tokio::join!(
            measure::life_down(&tunnel, config.longest),
            measure::life_up(&tunnel, config.longest),
            manners(&tunnel, config.clock, report)
        );
        if let Some(down) = &mut report.down {
            down.life = life_down.filter(|_| down.holding != Some(Holding::All));
        }
        if let Some(up) = &mut report.up {
            up.life = life_up.filter(|_| up.holding != Some(Holding::All));
        }
        report.advice = advice::advise(&report);
        Ok(report)
    };
    let report = tokio::select! {
        report = all => report,
        // It brings the answers to what trials ask.
        cause = down::run(Arc::clone(&tunnel), tasks.clone()) => Err(Error::Unreachable(cause)),
    };
    let _ = timeout(FAREWELL, tunnel.drain()).await;
    carriers.end(End::Failed("the examination is over".to_owned()));
    tasks.close();
    report
}

/// A complete request has to come through, or no tunnel stands.
async fn first(tunnel: &Tunnel) -> Result<(), Error> {
    let cause = match timeout(FIRST_DEADLINE, up::round_trip(tunnel)).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(Trouble::TooLarge)) => "a proxy on the way lets nothing through".to_owned(),
        Ok(Err(Trouble::Gone(cause) | Trouble::Cut(cause))) => cause,
        Err(_) => "the server was there, but a request to it has not been answered within 4 s".to_owned(),
    };
    Err(Error::Unreachable(cause))
}

/// What becomes of streams and batches, one measure after the other, so that none is in another's way.
async fn manners(tunnel: &Tunnel, clock: fn() -> Duration, mut report: Report) -> Report {
    let trial = timeout(TRIALS_DEADLINE, trial::once(tunnel)).await.ok();
    let (pieces_down, pieces_up) = tokio::join!(measure::pieces_down(tunnel, clock), measure::pieces_up(tunnel));
    let (batch_down, batch_up) = (measure::batch_down(tunnel).await, measure::batch_up(tunnel).await);
    let (largest_batch, largest_stream) =
        tokio::join!(measure::largest(tunnel, Manner::Batch), measure::largest(tunnel, Manner::Stream));
    let round_trip = trial.as_ref().map(|trial| trial.round_trip);
    let beyond = |took: Option<Duration>| Some(millis(took?.saturating_sub(round_trip?)));
    report.round_trip_ms = round_trip.map(millis);
    if let Some(down) = &pieces_down {
        note_names(&mut report, &down.headers);
        let dated = clock::Dated::of(down.asked, down.came, text(&down.headers, DATE.as_str()));
        report.clock = report.clock.into_iter().chain(dated.map(clock::Dated::difference)).reduce(Difference::and);
    }
    if let Some(up) = &pieces_up {
        report.http_at_server = Some(up.arrival.http.clone());
        let via = up.arrival.via.iter().map(|via| format!("via, to the server: {via}"));
        report.between.extend(via.take(MAX_NAMES));
    }
    let (of_down, of_up) = outcomes(trial);
    let flush = pieces_down.as_ref().and_then(|down| down.flush);
    let mut down = direction(of_down, round_trip, flush, beyond(batch_down));
    down.head_held = pieces_down.map(|down| down.head_held);
    let mut up = direction(of_up, round_trip, pieces_up.map(|up| up.flush), beyond(batch_up));
    (up.largest_batch, up.largest_stream) = (largest_batch, largest_stream);
    (report.down, report.up) = (Some(down), Some(up));
    report
}

type Outcome = Result<Duration, Hindrance>;

/// Trials that have not ended are streams that do not get through.
fn outcomes(trial: Option<Trial>) -> (Outcome, Outcome) {
    trial.map_or((Err(Hindrance::Held), Err(Hindrance::Held)), |trial| (trial.down, trial.up))
}

fn direction(
    trial: Outcome,
    round_trip: Option<Duration>,
    flush: Option<flush::Flush>,
    batch_lag_ms: Option<f64>,
) -> Direction {
    let stream_lag = match &trial {
        Ok(took) => Some(took.saturating_sub(round_trip.unwrap_or_default())),
        Err(Hindrance::Lags(lag)) => Some(*lag),
        Err(_) => None,
    };
    let manner = if trial.is_ok() { Manner::Stream } else { Manner::Batch };
    Direction {
        manner: manner.as_str(),
        why: trial.err().map(|hindrance| hindrance.to_string()),
        holding: flush.map(|flush| flush.holding),
        head_held: None,
        smallest_flush: flush.and_then(|flush| flush.smallest),
        stream_lag_ms: stream_lag.map(millis),
        batch_lag_ms,
        life: None,
        largest_stream: None,
        largest_batch: None,
    }
}

/// How many names are told of one message.
const MAX_NAMES: usize = 8;

/// Notes who names itself in the head of an answer.
fn note_names(report: &mut Report, headers: &HeaderMap) {
    let named = NAMING.iter().flat_map(|name| headers.get_all(*name).iter().map(move |value| (name, value)));
    let named = named.filter_map(|(name, value)| Some(format!("{name}: {}", value.to_str().ok()?)));
    for line in named.take(MAX_NAMES) {
        let line: String = line.chars().take(200).collect();
        // What differs from answer to answer, such as the number of a request, is told once.
        let name = line.split(':').next().unwrap_or_default();
        if !report.between.iter().any(|known| *known == line || (name.starts_with("x-") && known.starts_with(name))) {
            report.between.push(line);
        }
    }
}

fn millis(time: Duration) -> f64 {
    // To a tenth, for what comes after it is the machine's own doing.
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

fn error(denied: Denied) -> Error {
    denied.into_error().unwrap_or_else(|setback| Error::Unreachable(setback.cause))
}
