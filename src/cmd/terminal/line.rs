//! The line of an exchange, for people: in columns for a terminal, in a row of words for a file. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use super::paint::{Colour, Paint, clean};
use super::row::{Kind, Progress, Row};
use crate::cmd::units::{size, took};

/// How wide a line's parts are that are always there, spaces included.
const FIXED: usize = "00:00:00 ".len() + METHOD + 1 + "  000 ".len() + 7 + 1 + 6 + " in ".len() + 7 + " out ".len() + 5;

/// Room for a usual method.
const METHOD: usize = 6;

/// The least that a path is given.
const MIN_PATH: usize = 16;

/// The most that a path is given, so that what follows stays near.
const MAX_PATH: usize = 72;

/// The room that is left for what is rarely said, where there is enough.
const NOTES: usize = 22;

/// The longest path in a row of words.
const LONGEST: usize = 256;

/// The line of an exchange in a terminal that is so many characters `wide`. `clock` is when it began.
pub(crate) fn columns(row: &Row, clock: &str, wide: usize, paint: Paint) -> String {
    let room = wide.saturating_sub(FIXED);
    let path = (if room > MIN_PATH + NOTES { room - NOTES } else { room }).clamp(MIN_PATH, MAX_PATH);
    let method = elided(&visible(&row.method), METHOD);
    let mut line = format!("{} {method:METHOD$} ", paint.paint(Colour::Dim, clock));
    let shown = elided(&visible(&row.path), path);
    let _ = write!(line, "{shown:path$}  {}", status(row, paint));
    let _ = write!(line, " {:>7}", duration(row));
    let (come, gone) = (size(row.request_bytes), size(row.response_bytes));
    let _ = write!(line, " {}", paint.paint(Colour::Dim, format!("{come:>6} in {gone:>7} out")));
    let _ = write!(line, " {}", paint.paint(Colour::Dim, format!("{:>4}", format!("#{}", row.id))));
    for note in notes(row) {
        let _ = write!(line, " {}", paint.paint(Colour::Yellow, note));
    }
    line
}

/// The same in words, without colours. `stamp` is when it began.
pub(crate) fn words(row: &Row, stamp: &str) -> String {
    let path = elided(&visible(&row.path), LONGEST);
    let mut line = format!("{stamp} #{} {} {path}", row.id, elided(&visible(&row.method), 32));
    let _ = match row.status {
        Some(status) => write!(line, " {status}"),
        None => write!(line, " -"),
    };
    let _ = write!(line, " {} {} in {} out", duration(row), size(row.request_bytes), size(row.response_bytes));
    for note in notes(row) {
        let _ = write!(line, ", {}", clean(&note));
    }
    line
}

fn status(row: &Row, paint: Paint) -> String {
    let Some(status) = row.status else { return paint.paint(Colour::Red, format!("{:>3}", "-")) };
    let colour = match status {
        ..300 => Colour::Green,
        300..400 => Colour::Cyan,
        400..500 => Colour::Yellow,
        500.. => Colour::Red,
    };
    paint.paint(colour, format!("{status:>3}"))
}

fn duration(row: &Row) -> String {
    match row.duration_ms {
        Some(ms) => took(Duration::from_secs_f64((ms / 1_000.0).clamp(0.0, 1e9))),
        None if matches!(row.state, Progress::Answering) => "open".to_owned(),
        None => "-".to_owned(),
    }
}

fn notes(row: &Row) -> Vec<String> {
    let cause = row.cause.as_deref().unwrap_or_default();
    let state = match row.state {
        Progress::Cut if cause.is_empty() => Some("cut".to_owned()),
        Progress::Cut => Some(format!("cut: {cause}")),
        Progress::Unreachable => Some(format!("not reached: {cause}")),
        Progress::Opaque => Some(format!("not understood: {cause}")),
        Progress::Asked | Progress::Answering | Progress::Done => None,
    };
    let kind = match row.kind {
        Kind::Http => None,
        Kind::WebSocket => Some("WebSocket".to_owned()),
        Kind::Sse => Some("events".to_owned()),
    };
    let held = row.held_ms.map(|ms| Duration::from_secs_f64((ms / 1_000.0).clamp(0.0, 1e9)));
    let held = held.map(|held| format!("held {}", took(held)));
    let resumed = row.resumed.then(|| "resumed".to_owned());
    let replay = row.replay_of.map(|of| format!("replay of #{of}"));
    let is_bad = row.webhook.as_ref().is_some_and(|webhook| webhook.signature == "invalid");
    let signature = is_bad.then(|| "signature does not hold".to_owned());
    [kind, held, resumed, replay, signature, state].into_iter().flatten().collect()
}

/// What a stranger has put into a head, in characters that each take one place: others as URLs write them.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            shown.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(shown, "%{byte:02X}");
        }
    }
    shown
}

/// Cut in the middle to so many characters: both ends of a path say most. `text` is ASCII.
fn elided(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let kept = room - 1;
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    format!("{}…{}", &text[..head], &text[text.len() - tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            id: 7,
            started: 0,
            method: "GET".to_owned(),
            path: "/my-app/hello".to_owned(),
            status: Some(200),
            state: Progress::Done,
            cause: None,
            kind: Kind::Http,
            duration_ms: Some(12.34),
            request_bytes: 0,
            response_bytes: 1_234,
            held_ms: None,
            resumed: false,
            replay_of: None,
            webhook: None,
        }
    }

    #[track_caller]
    fn check(row: &Row, wide: usize, expected: &str) {
        assert_eq!(columns(row, "12:34:56", wide, Paint::Plain), expected);
    }

    #[test]
    fn columns_stand_below_each_other() {
        check(&row(), 80, "12:34:56 GET    /my-app/hello            200   12 ms    0 B in  1.2 kB out   #7");
        let long = Row {
            method: "PROPFIND".to_owned(),
            path: format!("/my-app/{}/end", "x".repeat(100)),
            status: None,
            state: Progress::Unreachable,
            cause: Some("connection refused".to_owned()),
            held_ms: Some(1_800.0),
            resumed: true,
            replay_of: Some(3),
            id: 1_234,
            duration_ms: Some(75_000.0),
            ..row()
        };
        check(
            &long,
            80,
            "12:34:56 PRO…ND /my-app/xxx…xxxxxxx/end    -    75 s    0 B in  1.2 kB out #1234 held 1.8 s resumed replay of #3 not reached: connection refused",
        );
    }

    /// Whatever the width, a usual line fits, and its status stands in the same column.
    #[test]
    fn lines_fit_the_terminal() {
        for wide in FIXED + MIN_PATH..240 {
            let short = columns(&row(), "12:34:56", wide, Paint::Plain);
            let long = Row { path: "/y".repeat(200), ..row() };
            let long = columns(&long, "12:34:56", wide, Paint::Plain);
            assert!(short.chars().count() < wide && long.chars().count() < wide, "{wide}: {long}");
            let column = |line: &str| line.chars().position(|c| c == '2').map(|_| line.chars().count());
            assert_eq!(column(&short), column(&long));
        }
    }

    #[test]
    fn hostile_words_do_nothing() {
        let hostile = Row {
            method: "G\u{1b}[2J".to_owned(),
            path: "/\u{1b}]0;x\u{7}\r\n\u{202e}é\u{9b}".to_owned(),
            state: Progress::Unreachable,
            cause: Some("\u{1b}[31m\n".to_owned()),
            ..row()
        };
        let line = columns(&hostile, "12:34:56", 200, Paint::Plain);
        assert!(line.contains("/%1B]0;x%07%0D%0A%E2%80%AE%C3%A9%C2%9B "), "{line}");
        assert!(!line.contains(char::is_control), "{line}");
        // With colours, the only control characters are our own.
        let coloured = columns(&hostile, "12:34:56", 200, Paint::Coloured);
        for piece in coloured.split('\u{1b}').skip(1) {
            assert!(["[0m", "[2m", "[31m", "[32m", "[33m"].iter().any(|own| piece.starts_with(own)), "{piece:?}");
        }
        assert!(!words(&hostile, "stamp").contains(char::is_control));
    }

    #[test]
    fn words_for_a_file() {
        let row = Row { held_ms: Some(250.0), state: Progress::Cut, ..row() };
        let expected = "stamp #7 GET /my-app/hello 200 12 ms 0 B in 1.2 kB out, held 250 ms, cut";
        assert_eq!(words(&row, "stamp"), expected);
        let open =
            Row { duration_ms: None, state: Progress::Answering, kind: Kind::WebSocket, status: Some(101), ..row };
        let expected = "stamp #7 GET /my-app/hello 101 open 0 B in 1.2 kB out, WebSocket, held 250 ms";
        assert_eq!(words(&open, "stamp"), expected);
        let closed =
            Row { state: Progress::Cut, cause: Some("the target closed".to_owned()), kind: Kind::Http, ..open };
        assert!(words(&closed, "stamp").ends_with(", held 250 ms, cut: the target closed"));
    }

    #[test]
    fn a_bad_signature_is_noted() {
        let signed = |signature: &str| {
            let webhook = serde_json::json!({ "provider": "github", "signature": signature, "renews": [] });
            words(&Row { webhook: serde_json::from_value(webhook).unwrap(), ..row() }, "stamp")
        };
        assert!(signed("invalid").ends_with(" 1.2 kB out, signature does not hold"));
        assert!(signed("valid").ends_with(" 1.2 kB out") && signed("unchecked").ends_with(" 1.2 kB out"));
    }

    #[test]
    fn a_status_has_its_colour() {
        for (code, colour) in [(101, 32), (204, 32), (304, 36), (404, 33), (502, 31)] {
            let row = Row { status: Some(code), ..row() };
            assert!(status(&row, Paint::Coloured).starts_with(&format!("\u{1b}[{colour}m{code}")), "{code}");
        }
    }
}
