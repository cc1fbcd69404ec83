//! From what was measured to the one thing to change. Pure, and a table of what the real programs were seen to do.

use super::flush::Holding;
use super::report::{Advice, Direction, Report};

/// A body limit from here on up is no hindrance to anything of ours.
const AMPLE: u64 = 16 * 1024 * 1024;

/// How long `HAProxy` holds small pieces: 200 ms, and what a busy machine adds or takes.
const HOLD_MS: std::ops::RangeInclusive<u64> = 120..=400;

/// A program that names itself on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Nginx,
    Apache,
    Unnamed,
}

/// What would make the tunnel faster, in the order in which it stands on the way.
pub(super) fn advise(report: &Report) -> Vec<Advice> {
    let (Some(down), Some(up)) = (&report.down, &report.up) else { return Vec::new() };
    let advice = if delays(down) || delays(up) {
        Some(Advice {
            program: Some("HAProxy"),
            place: Some("in `defaults`, or in both its `frontend` and its `backend`"),
            lines: vec!["option http-no-delay"],
            why: "small pieces of a stream are held for about 200 ms, as HAProxy holds them",
        })
    } else {
        match program(report) {
            Program::Nginx => nginx(report, down, up),
            Program::Apache => apache(up),
            Program::Unnamed => unnamed(down, up),
        }
    };
    advice.into_iter().collect()
}

fn program(report: &Report) -> Program {
    let named = |name: &str| report.between.iter().any(|line| line.to_ascii_lowercase().contains(name));
    match () {
        () if named("nginx") || named("openresty") => Program::Nginx,
        () if named("apache") => Program::Apache,
        () => Program::Unnamed,
    }
}

fn is_held(direction: &Direction) -> bool {
    direction.manner != "stream"
}

/// Whether streams are slow and no more.
fn delays(direction: &Direction) -> bool {
    is_held(direction) && matches!(direction.holding, Some(Holding::Small { for_ms }) if HOLD_MS.contains(&for_ms))
}

/// Whether bodies above some size do not pass.
fn is_limited(up: &Direction) -> bool {
    [up.largest_batch, up.largest_stream].into_iter().flatten().any(|largest| largest.limited && largest.bytes < AMPLE)
}

fn nginx(report: &Report, down: &Direction, up: &Direction) -> Option<Advice> {
    let mut lines = Vec::new();
    if is_held(up) {
        // nginx: "When HTTP/1.1 chunked transfer encoding is used to send the original request body, the request body
        // will be buffered regardless of the directive value unless HTTP/1.1 is enabled for proxying."
        if report.http_at_server.as_deref() == Some("1.0") {
            lines.push("proxy_http_version 1.1;");
        }
        lines.push("proxy_request_buffering off;");
    }
    if is_held(down) {
        lines.push("proxy_buffering off;");
    }
    if is_limited(up) {
        lines.push("client_max_body_size 0;");
    }
    let why = match (is_held(up), is_held(down), is_limited(up)) {
        (true, true, _) => "requests and answers are held back",
        (true, false, _) => "requests are held back until they are complete",
        (false, true, _) => "answers are held back until a buffer is full",
        (false, false, true) => "a request that has brought so much is cut, and another has to be made",
        (false, false, false) => return None,
    };
    let place = Some("in the `location` that passes requests to sendit");
    Some(Advice { program: Some("nginx"), place, lines, why })
}

fn apache(up: &Direction) -> Option<Advice> {
    let lines = match (is_held(up), is_limited(up)) {
        (true, _) => vec!["SetEnv proxy-prefetch-nonblocking 1"],
        (false, true) => vec!["LimitRequestBody 0"],
        (false, false) => return None,
    };
    let why = if is_held(up) {
        "the first 16 KiB of a request are awaited before anything of it is passed on"
    } else {
        "a request that has brought so much is refused"
    };
    let place = Some("in the `<Location>` or `<VirtualHost>` that passes requests to sendit");
    Some(Advice { program: Some("Apache"), place, lines, why })
}

/// What stands there does not say what it is, so there is no line to give.
fn unnamed(down: &Direction, up: &Direction) -> Option<Advice> {
    let why = match (is_held(up), is_held(down)) {
        (true, true) => "something on the way collects requests and answers; have it stream both",
        (true, false) => "something on the way collects requests until they are complete; have it stream them",
        (false, true) => "something on the way collects answers until they are complete; have it stream them",
        (false, false) if is_limited(up) => "something on the way refuses large requests; raise its limit",
        (false, false) => return None,
    };
    Some(Advice { program: None, place: None, lines: Vec::new(), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::v2::doctor::Largest;

    const STREAM: (&str, Holding) = ("stream", Holding::Nothing);
    const HELD: (&str, Holding) = ("batch", Holding::All);
    const SMALL: (&str, Holding) = ("batch", Holding::Small { for_ms: 207 });

    fn direction((manner, holding): (&'static str, Holding), largest: u64) -> Direction {
        let largest = Largest { bytes: largest, limited: largest < AMPLE };
        Direction {
            manner,
            why: None,
            holding: Some(holding),
            head_held: None,
            smallest_flush: None,
            stream_lag_ms: None,
            batch_lag_ms: None,
            life: None,
            largest_stream: Some(largest),
            largest_batch: Some(largest),
        }
    }

    /// Who names itself, the version of HTTP at the server, what becomes of answers and of requests, and how large one may be.
    type Seen = (&'static str, &'static str, (&'static str, Holding), (&'static str, Holding), u64);

    #[track_caller]
    fn check((name, http, down, up, largest): Seen, program: &str, lines: &[&str]) {
        let report = Report {
            between: vec![name.to_owned()],
            http_at_server: Some(http.to_owned()),
            down: Some(direction(down, AMPLE)),
            up: Some(direction(up, largest)),
            ..Report::default()
        };
        let advice = advise(&report);
        let seen = advice.first().map(|advice| (advice.program.unwrap_or("?"), advice.lines.clone()));
        let expected = if program.is_empty() { None } else { Some((program, lines.to_vec())) };
        assert_eq!(seen, expected, "{name} {http} {down:?} {up:?} {largest}");
    }

    #[test]
    fn changes() {
        const MIB: u64 = 1024 * 1024;
        let (nginx, apache) = ("server: nginx/1.22.1", "server: Apache/2.4.71 (Debian)");
        check((nginx, "1.1", STREAM, STREAM, AMPLE), "", &[]);
        check((nginx, "1.1", STREAM, STREAM, MIB), "nginx", &["client_max_body_size 0;"]);
        let all = ["proxy_http_version 1.1;", "proxy_request_buffering off;", "client_max_body_size 0;"];
        check((nginx, "1.0", STREAM, HELD, MIB), "nginx", &all);
        check((nginx, "1.1", STREAM, HELD, AMPLE), "nginx", &all[1..2]);
        check((nginx, "1.1", ("batch", Holding::Ends), STREAM, AMPLE), "nginx", &["proxy_buffering off;"]);
        check(("", "1.1", SMALL, SMALL, AMPLE), "HAProxy", &["option http-no-delay"]);
        check(("", "1.1", STREAM, SMALL, AMPLE), "HAProxy", &["option http-no-delay"]);
        check(("", "1.1", ("stream", SMALL.1), STREAM, AMPLE), "", &[]);
        let beginning = ("batch", Holding::Beginning { bytes: 21_644 });
        check((apache, "1.1", STREAM, beginning, AMPLE), "Apache", &["SetEnv proxy-prefetch-nonblocking 1"]);
        check((apache, "1.1", STREAM, STREAM, MIB), "Apache", &["LimitRequestBody 0"]);
        check((apache, "1.1", STREAM, STREAM, AMPLE), "", &[]);
        check(("via: 1.1 varnish", "1.1", STREAM, STREAM, AMPLE), "", &[]);
        check(("via: 1.1 gateway", "1.1", HELD, HELD, AMPLE), "?", &[]);
        check(("", "1.1", STREAM, STREAM, MIB), "?", &[]);
    }

    #[test]
    fn what_was_not_measured_is_no_reason_for_a_change() {
        assert_eq!(advise(&Report::default()), []);
    }
}
