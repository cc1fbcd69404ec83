//! What a doctor found, for people: a row for each subject, and the one thing to change. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use crate::client::doctor::{Advice, Difference, Direction, Holding, Largest, Life, Report};
use crate::cmd::duration::span;
use crate::cmd::output::harmless;
use crate::wire::v2::measure::PrefixState;

const UNMEASURED: &str = "not measured";

/// The table, and below it what to change. Much of it is in the words of a server that nobody vouches for.
pub(super) fn print(report: &Report) -> String {
    let rows = rows(report);
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, found) in rows {
        writeln!(text, "{name:width$}  {}", harmless(&found, false)).expect("writing to a string cannot fail");
    }
    for advice in &report.advice {
        text.push('\n');
        text.push_str(&change(advice));
    }
    text
}

fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let (down, up) = (report.down.as_ref(), report.up.as_ref());
    let mut rows = vec![
        ("server", server(report)),
        ("proxy here", report.proxy.as_deref().map_or("none", |url| url.trim_end_matches('/')).to_owned()),
        ("names itself", if report.between.is_empty() { "nobody".to_owned() } else { report.between.join(", ") }),
        ("HTTP", http(report)),
        ("token", token(report)),
    ];
    rows.extend(report.prefix.as_ref().map(|prefix| ("prefix", self::prefix(&prefix.name, prefix.state))));
    rows.extend([
        ("clock", report.clock.map_or_else(unmeasured, clock)),
        ("round trip", report.round_trip_ms.map_or_else(unmeasured, |ms| format!("{ms:.1} ms"))),
        ("requests", holding(up)),
        ("answers", holding(down)),
        ("answers' heads", heads(down)),
        ("smallest flush", both(down, up, |direction| Some(flush(direction)))),
        ("lag of a stream", both(down, up, |direction| lag(direction.stream_lag_ms))),
        ("lag of a batch", both(down, up, |direction| lag(direction.batch_lag_ms))),
        ("longest life", both(down, up, |direction| direction.life.map(life))),
        ("largest request", up.map_or_else(unmeasured, size)),
        ("tunnel", tunnel(report)),
    ]);
    rows
}

fn unmeasured() -> String {
    UNMEASURED.to_owned()
}

fn server(report: &Report) -> String {
    let name = report.server.as_deref().unwrap_or("one that cannot be examined");
    format!("{name}, which speaks wire {}", report.wires.join(" and "))
}

fn http(report: &Report) -> String {
    match (&report.http, &report.http_at_server) {
        (Some(here), Some(there)) => format!("{here} here, {there} at the server"),
        (Some(here), None) => format!("{here} here"),
        _ => unmeasured(),
    }
}

fn token(report: &Report) -> String {
    let Some(terms) = &report.token else {
        return if report.server.is_some() { "the server asks for none" } else { UNMEASURED }.to_owned();
    };
    let prefixes = terms.prefixes.iter().map(|glob| format!("`{glob}`")).collect::<Vec<_>>().join(", ");
    let prefixes = if prefixes.is_empty() { "every prefix".to_owned() } else { prefixes };
    let ends = terms.ends_in_s.map(|seconds| format!("ends in {}", span(Duration::from_secs(seconds))));
    format!("accepted, for {prefixes}, {}", ends.as_deref().unwrap_or("without an end"))
}

fn prefix(name: &str, state: PrefixState) -> String {
    let state = match state {
        PrefixState::Free => "is free",
        PrefixState::Yields => "is in use, and would be taken over by `connect`",
        PrefixState::Taken => "is in use by another client",
        PrefixState::Forbidden => "is not allowed by the token",
    };
    format!("`{name}` {state}")
}

fn clock(difference: Difference) -> String {
    let Difference { from_ms, to_ms } = difference;
    let range = |least: i64, most: i64| format!("{:.1} to {:.1} s", seconds(least), seconds(most));
    if from_ms > 0 {
        format!("of the other end {} ahead", range(from_ms, to_ms))
    } else if to_ms < 0 {
        format!("of the other end {} behind", range(-to_ms, -from_ms))
    } else {
        format!("the same, to within {:.1} s", seconds(to_ms.max(-from_ms)))
    }
}

fn seconds(ms: i64) -> f64 {
    Duration::from_millis(ms.unsigned_abs()).as_secs_f64()
}

fn holding(direction: Option<&Direction>) -> String {
    match direction.and_then(|direction| direction.holding) {
        None => unmeasured(),
        Some(Holding::Nothing) => "pass as they come".to_owned(),
        Some(Holding::Small { for_ms }) => format!("small pieces are held for {for_ms} ms"),
        Some(Holding::Beginning { bytes }) => format!("are held until up to {} have come, then pass", bytes_of(bytes)),
        Some(Holding::Ends) => "pass if they are small; of larger ones the end is held until more comes".to_owned(),
        Some(Holding::All) => "are held until they are complete, or fill a buffer".to_owned(),
    }
}

fn heads(down: Option<&Direction>) -> String {
    match down.and_then(|down| down.head_held) {
        None => unmeasured(),
        Some(false) => "pass at once".to_owned(),
        Some(true) => "are held until the first byte of the body".to_owned(),
    }
}

fn both(down: Option<&Direction>, up: Option<&Direction>, found: impl Fn(&Direction) -> Option<String>) -> String {
    let found = |direction: Option<&Direction>| direction.and_then(&found).unwrap_or_else(unmeasured);
    format!("down {}, up {}", found(down), found(up))
}

fn flush(direction: &Direction) -> String {
    match (direction.holding, direction.smallest_flush) {
        (None, _) => unmeasured(),
        (Some(_), None) => "none".to_owned(),
        (Some(_), Some(bytes)) => bytes_of(bytes as u64),
    }
}

fn lag(ms: Option<f64>) -> Option<String> {
    ms.map(|ms| format!("{ms:.1} ms"))
}

fn life(life: Life) -> String {
    let age = Duration::from_millis(life.ms).as_secs_f64();
    if life.cut { format!("cut after {age:.1} s") } else { format!("at least {age} s") }
}

fn size(up: &Direction) -> String {
    let found = |largest: Option<Largest>| match largest {
        None => unmeasured(),
        Some(Largest { bytes: 0, .. }) => "less than 16 KiB".to_owned(),
        Some(Largest { bytes, limited: true }) => format!("{}, not twice as much", bytes_of(bytes)),
        Some(Largest { bytes, limited: false }) => format!("at least {}", bytes_of(bytes)),
    };
    format!("complete: {}; streamed: {}", found(up.largest_batch), found(up.largest_stream))
}

fn tunnel(report: &Report) -> String {
    let (Some(down), Some(up)) = (&report.down, &report.up) else {
        return "wire v1, which needs a way that streams both ways; whether this one does was not measured".to_owned();
    };
    let manner = |direction: &Direction| if direction.manner == "stream" { "streams" } else { "batches" };
    let why = |name: &str, direction: &Direction| direction.why.as_ref().map(|why| format!("; {name}: {why}"));
    let whys = [why("down", down), why("up", up)].into_iter().flatten().collect::<String>();
    format!("wire v2: {} down, {} up{whys}", manner(down), manner(up))
}

fn change(advice: &Advice) -> String {
    let mut text = match (advice.program, advice.place) {
        (Some(program), Some(place)) => format!("to make it faster, in {program}, {place}:\n"),
        _ => "to make it faster:\n".to_owned(),
    };
    for line in &advice.lines {
        writeln!(text, "    {line}").expect("writing to a string cannot fail");
    }
    writeln!(text, "{}{}", if advice.lines.is_empty() { "    " } else { "for now " }, advice.why)
        .expect("writing to a string cannot fail");
    text
}

fn bytes_of(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} KiB", bytes / 1_024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v2::measure::TokenTerms;

    #[track_caller]
    fn rows(difference: (i64, i64), expected: &str) {
        let (from_ms, to_ms) = difference;
        assert_eq!(clock(Difference { from_ms, to_ms }), expected);
    }

    #[test]
    fn clocks_are_told_as_well_as_they_are_known() {
        rows((-510, 500), "the same, to within 0.5 s");
        rows((-10, 990), "the same, to within 1.0 s");
        rows((59_490, 60_500), "of the other end 59.5 to 60.5 s ahead");
        rows((-3_510, -2_500), "of the other end 2.5 to 3.5 s behind");
    }

    #[test]
    fn what_was_not_measured_says_so() {
        let report = Report { wires: vec!["v1".to_owned()], http: Some("1.1".to_owned()), ..Report::default() };
        let expected = "\
server           one that cannot be examined, which speaks wire v1
proxy here       none
names itself     nobody
HTTP             1.1 here
token            not measured
clock            not measured
round trip       not measured
requests         not measured
answers          not measured
answers' heads   not measured
smallest flush   down not measured, up not measured
lag of a stream  down not measured, up not measured
lag of a batch   down not measured, up not measured
longest life     down not measured, up not measured
largest request  not measured
tunnel           wire v1, which needs a way that streams both ways; whether this one does was not measured
";
        assert_eq!(print(&report), expected);
    }

    #[test]
    fn a_servers_words_do_nothing_to_a_terminal() {
        let said = "x\n\u{1b}[2J\u{7}\u{9b}31m\u{202e}".to_owned();
        let terms = TokenTerms { prefixes: vec![said.clone()], ends_in_s: None };
        let report = Report {
            server: Some(said.clone()),
            wires: vec![said.clone()],
            between: vec![said.clone()],
            http: Some(said.clone()),
            http_at_server: Some(said),
            token: Some(terms),
            ..Report::default()
        };
        let table = print(&report);
        let plain = print(&Report::default());
        assert_eq!(table.lines().count(), plain.lines().count(), "no line but its own");
        assert!(table.replace('\n', "").bytes().all(|byte| matches!(byte, b' '..=b'~')), "{table:?}");
    }

    #[test]
    fn what_to_change_stands_below() {
        let advice = |program, place, lines| Advice { program, place, lines, why: "it is held" };
        let named = advice(Some("nginx"), Some("in a block"), vec!["a on;", "b off;"]);
        assert_eq!(
            change(&named),
            "to make it faster, in nginx, in a block:\n    a on;\n    b off;\nfor now it is held\n"
        );
        assert_eq!(change(&advice(None, None, Vec::new())), "to make it faster:\n    it is held\n");
    }
}
