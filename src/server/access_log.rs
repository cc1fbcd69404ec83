//! One line in the log for each exchange, written once its last byte is through, which is when it is counted. Knows nothing
//! of where the log goes.

use std::fmt::{self, Display, Write as _};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use http::{HeaderValue, Method, Response, StatusCode, Uri};
use http_body::Body;
use tokio::time::Instant;
use tracing::field::display;

use super::config::AccessLog;
use super::session::Session;
use super::{Inner, Server, counts};
use crate::metrics::{Metrics, Passed};
use crate::proxy::{Fault, Meter, Sum};

/// What the lines are filtered by.
const TARGET: &str = "sendit::access";

/// How much of a path, and of a method, stands in a line.
const MAX_PATH: usize = 256;
const MAX_METHOD: usize = 32;

/// How many lines in a second may tell of exchanges that failed, and of sessions that were refused, which anybody can cause for nothing.
const MAX_FAILED: usize = 100;
const WINDOW: Duration = Duration::from_secs(1);

/// What is noted of an exchange. When it is dropped the exchange is counted, and its line written where anybody reads it.
pub(super) struct Entry {
    begin: Instant,
    meter: Meter,
    metrics: Arc<Metrics>,
    outcome: OnceLock<Outcome>,
    is_head: bool,
    line: Option<Line>,
}

/// What has become of an exchange.
enum Outcome {
    Answered(StatusCode, Option<Fault>),
    /// Another server answers it, which counts it and tells of it.
    PassedOn,
    /// The server that has passed it on does, for it asks another.
    GoesBack,
}

/// What only a line tells: where nobody reads it, none of that is kept.
struct Line {
    how: AccessLog,
    from: Option<HeaderValue>,
    method: Method,
    uri: Uri,
    sum: Arc<Sum>,
    session: Mutex<Option<Arc<Session>>>,
}

impl Entry {
    /// One that comes `from` where that is known.
    pub(super) fn begin(server: &Server, from: Option<HeaderValue>, method: &Method, uri: &Uri) -> Self {
        let Inner { config, metrics, traffic, .. } = &*server.0;
        let line = is_read(config.access_log).then(|| {
            let (how, method, uri) = (config.access_log, method.clone(), uri.clone());
            Line { how, from, method, uri, sum: Arc::default(), session: Mutex::default() }
        });
        let sum = line.as_ref().map(|line| Arc::clone(&line.sum));
        Self {
            begin: Instant::now(),
            meter: Meter::new(Arc::clone(traffic), sum),
            metrics: Arc::clone(metrics),
            outcome: OnceLock::new(),
            is_head: *method == Method::HEAD,
            line,
        }
    }

    /// What counts the exchange's bytes.
    pub(super) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// Notes that another server answers it.
    pub(super) fn passed_on(&self) {
        let _ = self.outcome.set(Outcome::PassedOn);
    }

    /// Notes that it was passed on to this server in vain, and is no exchange of this one.
    pub(super) fn goes_back(&self) {
        let _ = self.outcome.set(Outcome::GoesBack);
    }

    /// Names the session that the exchange goes to.
    pub(super) fn goes_to(&self, session: &Arc<Session>) {
        if let Some(line) = &self.line {
            // Held for a word, never across an await.
            *line.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(session));
        }
    }

    /// Notes the head of a target's answer.
    pub(super) fn answered(&self, status: StatusCode) {
        // What another server answers is noted there.
        if self.outcome.set(Outcome::Answered(status, None)).is_ok() {
            self.metrics.answered.count(self.begin.elapsed());
        }
    }

    /// Notes an answer that the server gives itself, and for which fault, if that is why.
    pub(super) fn answered_here(&self, answer: &Response<impl Body>, fault: Option<Fault>) {
        let _ = self.outcome.set(Outcome::Answered(answer.status(), fault));
        let length = answer.body().size_hint().exact().filter(|_| !self.is_head);
        self.meter.add_down(length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default());
        self.meter.end();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let (status, fault) = match self.outcome.take() {
            Some(Outcome::PassedOn) => return self.metrics.passed_on.count(Passed::Visit),
            Some(Outcome::GoesBack) => return,
            Some(Outcome::Answered(status, fault)) => (Some(status.as_u16()), fault),
            // The visitor left before there was an answer.
            None => (None, None),
        };
        let took = self.begin.elapsed();
        self.metrics.ended.count(took);
        counts::exchange(&self.metrics, status, fault);
        let has_failed = fault.is_some() || status.is_none();
        if let Some(line) = self.line.take()
            && (!has_failed || may_tell())
        {
            line.write(status, fault, took);
        }
    }
}

impl Line {
    fn write(&self, status: Option<u16>, fault: Option<Fault>, took: Duration) {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        let session = session.as_deref();
        let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        tracing::info!(
            target: TARGET,
            from = self.from.as_ref().and_then(|from| from.to_str().ok()).map(display),
            method = display(&self.method.as_str()[..self.method.as_str().len().min(MAX_METHOD)]),
            path = display(Shown(self.path())),
            status,
            error = fault.map(|fault| display(fault.code())),
            up = self.sum.traffic().up(),
            down = self.sum.traffic().down(),
            ms,
            cut = (!self.sum.is_whole()).then_some(true),
            prefix = session.map(|session| display(session.prefix())),
            session = session.map(|session| display(session.id().short())),
            "exchange"
        );
    }

    fn path(&self) -> &str {
        match self.how {
            AccessLog::PathAndQuery => self.uri.path_and_query().map_or("/", |whole| whole.as_str()),
            AccessLog::Path | AccessLog::Off => self.uri.path(),
        }
    }
}

/// Counts and tells of a visitor whose request was not read, of which nothing is known but that and whose connection it was.
pub(super) fn refused(server: &Server, from: Option<IpAddr>, fault: Fault) {
    counts::exchange(&server.0.metrics, Some(fault.status().as_u16()), Some(fault));
    if is_read(server.0.config.access_log) && may_tell() {
        let (status, error) = (fault.status().as_u16(), display(fault.code()));
        tracing::info!(target: TARGET, from = from.map(display), status, error, "exchange");
    }
}

/// Whether anybody reads a line.
fn is_read(how: AccessLog) -> bool {
    how != AccessLog::Off && tracing::enabled!(target: TARGET, tracing::Level::INFO)
}

/// Tells how many exchanges have had no line, if any.
pub(super) fn tell_left_out() {
    let left_out = std::mem::take(&mut told().left_out);
    tell(left_out);
}

/// How many lines have told of failures, and how many have not.
struct Told {
    since: Option<Instant>,
    lines: usize,
    left_out: usize,
}

/// The log is the process's, so what bounds it is too.
static TOLD: Mutex<Told> = Mutex::new(Told { since: None, lines: 0, left_out: 0 });

// Held for a count, never across an await.
fn told() -> MutexGuard<'static, Told> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether one more failure may have its line.
pub(super) fn may_tell() -> bool {
    let (may, left_out) = told().count(Instant::now());
    tell(left_out);
    may
}

fn tell(left_out: usize) {
    if left_out > 0 {
        tracing::warn!(target: TARGET, exchanges = left_out, "exchanges that failed have no line: there were too many");
    }
}

impl Told {
    /// Whether one more may have a line, and how many before it had none, at the beginning of another second.
    fn count(&mut self, now: Instant) -> (bool, usize) {
        let mut left_out = 0;
        if self.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            left_out = self.left_out;
            *self = Self { since: Some(now), lines: 0, left_out: 0 };
        }
        let may = self.lines < MAX_FAILED;
        *(if may { &mut self.lines } else { &mut self.left_out }) += 1;
        (may, left_out)
    }
}

/// What a stranger chose, in visible characters, none of which a reader could take for another, and cut where it is long.
struct Shown<'a>(&'a str);

impl Display for Shown<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'\\';
        if self.0.len() <= MAX_PATH && self.0.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            return to.write_str(self.0);
        }
        let mut length = 0;
        for c in self.0.chars() {
            if length >= MAX_PATH {
                return to.write_str("...");
            }
            if u8::try_from(c).is_ok_and(is_plain) {
                to.write_char(c)?;
                length += 1;
            } else {
                let escaped = c.escape_unicode();
                length += escaped.len();
                escaped.fmt(to)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_path() {
        let check = |path: &str, expected: &str| assert_eq!(Shown(path).to_string(), expected);
        check("/app/x%1b%0a;a=b,'\"{}|", "/app/x%1b%0a;a=b,'\"{}|");
        check("/\u{1b}[31m\n\t\\ \u{9b}ä\u{202e}", "/\\u{1b}[31m\\u{a}\\u{9}\\u{5c}\\u{20}\\u{9b}\\u{e4}\\u{202e}");
        check(&"x".repeat(256), &"x".repeat(256));
        check(&"x".repeat(257), &format!("{}...", "x".repeat(256)));
        assert!(Shown(&"\u{10ffff}".repeat(300)).to_string().len() < MAX_PATH + 16);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_have_so_many_lines_a_second() {
        let (begin, mut told) = (Instant::now(), Told { since: None, lines: 0, left_out: 0 });
        let mut count = |after: Duration, times: usize| {
            let counted = (0..times).map(|_| told.count(begin + after));
            counted.fold((0, 0), |(lines, out), (may, left_out)| (lines + usize::from(may), out + left_out))
        };
        assert_eq!(count(Duration::ZERO, 250), (100, 0));
        assert_eq!(count(Duration::from_millis(999), 50), (0, 0));
        assert_eq!(count(Duration::from_secs(1), 99), (99, 200));
        assert_eq!(count(Duration::from_secs(3), 101), (100, 0));
        assert_eq!(count(Duration::from_secs(5), 1), (1, 1));
    }
}
