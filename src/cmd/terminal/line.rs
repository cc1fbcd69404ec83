//! The line of an exchange, for people: in columns for a terminal, in a row of words for a file. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use super::paint::{Colour, Paint, clean};
use crate::cmd::units::{size, took};
use crate::inspect::api::{Progress, Sort, Summary};

/// How wide the clock is, with the space after it.
const CLOCK: usize = "00:00:00 ".len();

/// How wide the sizes are, with the space after them.
const SIZES: usize = 6 + " in ".len() + 7 + " out ".len();

/// How wide a line's other parts are beside its path, spaces included, and the last column, which stays free.
const OTHERS: usize = METHOD + 1 + "  000 ".len() + 7 + 1 + NUMBER + 1;

/// Room for a usual method.
const METHOD: usize = 6;

/// Room for a usual number.
const NUMBER: usize = 4;

/// The least that a path is given, as long as other parts can be left out.
const MIN_PATH: usize = 16;

/// What a path is given before anything is left free for notes.
const GOOD_PATH: usize = 40;

/// The most that a path is given, so that what follows stays near.
const MAX_PATH: usize = 72;

/// The room that is left for what is rarely said, where there is enough.
const NOTES: usize = 22;

/// The longest path in a row of words.
const LONGEST: usize = 256;

/// From how many ms on a visitor was held, as on the page: who comes before the first carrier waits for a moment.
const HELD: f64 = 100.0;

/// What a width has room for: the same for each line, so that columns stand below each other.
struct Columns {
    clock: bool,
    sizes: bool,
    path: usize,
}

impl Columns {
    fn of(wide: usize) -> Self {
        let sizes = wide >= OTHERS + CLOCK + SIZES + MIN_PATH;
        let clock = wide >= OTHERS + CLOCK + MIN_PATH;
        let taken = OTHERS + if clock { CLOCK } else { 0 } + if sizes { SIZES } else { 0 };
        let room = wide.saturating_sub(taken);
        let path = room.min(GOOD_PATH).max(room.saturating_sub(NOTES)).clamp(1, MAX_PATH);
        Self { clock, sizes, path }
    }
}

/// The line of an exchange in a terminal that is so many characters `wide`. `clock` is when it began. Where notes do not fit
/// they take the place of the sizes, and what then is too long of them is left out.
pub(crate) fn columns(row: &Summary, clock: &str, wide: usize, paint: Paint) -> String {
    let columns = Columns::of(wide);
    let number = format!("{:>NUMBER$}", format!("#{}", row.id));
    let path = columns.path.saturating_sub(number.len() - NUMBER).max(1);
    let method = format!("{:METHOD$}", elided(&visible(&row.method), METHOD));
    // Two spaces before the status.
    let shown = format!("{:path$} ", elided(&visible(&row.path), path));
    let (come, gone) = (size(row.request_bytes), size(row.response_bytes));
    let sizes = (Colour::Dim, format!("{come:>6} in {gone:>7} out"));
    let line = |with_sizes: bool| {
        let clock = columns.clock.then(|| (Colour::Dim, clock.to_owned()));
        let middle = [(Colour::Plain, method.clone()), (Colour::Plain, shown.clone()), status(row)];
        let time = (Colour::Plain, format!("{:>7}", duration(row)));
        let sizes = with_sizes.then(|| sizes.clone());
        let parts = clock.into_iter().chain(middle).chain([time]).chain(sizes);
        parts.chain([(Colour::Dim, number.clone())]).collect::<Vec<_>>()
    };
    let notes: Vec<String> = state(row).into_iter().chain(notes(row)).collect();
    let notes = clean(&notes.join(" ")).into_owned();
    // The space before them, and the last column.
    let left = |line: &[(Colour, String)]| wide.saturating_sub(width(line) + 2);
    let mut parts = line(columns.sizes);
    if columns.sizes && notes.chars().count() > left(&parts) {
        parts = line(false);
    }
    let room = left(&parts);
    if !notes.is_empty() && room > 1 {
        parts.push((Colour::Yellow, shortened(&notes, room)));
    }
    let painted: Vec<String> = parts.into_iter().map(|(colour, text)| paint.paint(colour, text)).collect();
    painted.join(" ")
}

/// How wide parts are with a space between each two.
fn width(parts: &[(Colour, String)]) -> usize {
    parts.iter().map(|(_, text)| text.chars().count() + 1).sum::<usize>().saturating_sub(1)
}

/// Cut at the end to so many characters.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room - 1).chain(['…']).collect()
}

/// The same in words, without colours. `stamp` is when it began.
pub(crate) fn words(row: &Summary, stamp: &str) -> String {
    let path = elided(&visible(&row.path), LONGEST);
    let mut line = format!("{stamp} #{} {} {path}", row.id, elided(&visible(&row.method), 32));
    let _ = match row.status {
        Some(status) => write!(line, " {status}"),
        None => write!(line, " -"),
    };
    let _ = write!(line, " {} {} in {} out", duration(row), size(row.request_bytes), size(row.response_bytes));
    for note in notes(row).into_iter().chain(state(row)) {
        let _ = write!(line, ", {}", clean(&note));
    }
    line
}

fn status(row: &Summary) -> (Colour, String) {
    let Some(status) = row.status else { return (Colour::Red, format!("{:>3}", "-")) };
    let colour = match status {
        ..300 => Colour::Green,
        300..400 => Colour::Cyan,
        400..500 => Colour::Yellow,
        500.. => Colour::Red,
    };
    (colour, format!("{status:>3}"))
}

fn duration(row: &Summary) -> String {
    match row.duration_ms {
        Some(ms) => took(Duration::from_secs_f64((ms / 1_000.0).clamp(0.0, 1e9))),
        None if matches!(row.state, Progress::Answering) => "open".to_owned(),
        None => "-".to_owned(),
    }
}

/// What has become of it, where that is not the usual.
fn state(row: &Summary) -> Option<String> {
    let cause = row.cause.as_deref().unwrap_or_default();
    match row.state {
        Progress::Cut if cause.is_empty() => Some("cut".to_owned()),
        Progress::Cut => Some(format!("cut: {cause}")),
        Progress::Unreachable => Some(format!("not reached: {cause}")),
        Progress::Opaque => Some(format!("not understood: {cause}")),
        Progress::Asked | Progress::Answering | Progress::Done => None,
    }
}

fn notes(row: &Summary) -> Vec<String> {
    let kind = match row.kind {
        Sort::Http => None,
        Sort::WebSocket => Some("WebSocket".to_owned()),
        Sort::Sse => Some("events".to_owned()),
    };
    let held = row.held_ms.filter(|ms| *ms >= HELD).map(|ms| Duration::from_secs_f64((ms / 1_000.0).clamp(0.0, 1e9)));
    let held = held.map(|held| format!("held {}", took(held)));
    let resumed = row.resumed.then(|| "resumed".to_owned());
    let replay = row.replay_of.map(|of| format!("replay of #{of}"));
    let is_bad = row.webhook.as_ref().is_some_and(|webhook| webhook.signature == "invalid");
    let signature = is_bad.then(|| "signature does not hold".to_owned());
    [row.tunnel.clone(), kind, held, resumed, replay, signature].into_iter().flatten().collect()
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
    let kept = room.saturating_sub(1);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    format!("{}…{}", &text[..head], &text[text.len() - tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Summary {
        Summary {
            id: 7,
            started: 0,
            method: "GET".to_owned(),
            path: "/my-app/hello".to_owned(),
            host: String::new(),
            status: Some(200),
            state: Progress::Done,
            cause: None,
            kind: Sort::Http,
            duration_ms: Some(12.34),
            request_bytes: 0,
            response_bytes: 1_234,
            held_ms: None,
            resumed: false,
            replay_of: None,
            tunnel: None,
            webhook: None,
        }
    }

    #[track_caller]
    fn check(row: &Summary, wide: usize, expected: &str) {
        assert_eq!(columns(row, "12:34:56", wide, Paint::Plain), expected);
    }

    #[test]
    fn columns_stand_below_each_other() {
        check(&row(), 80, "12:34:56 GET    /my-app/hello            200   12 ms    0 B in  1.2 kB out   #7");
        let long = Summary {
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
        check(&long, 80, "12:34:56 PRO…ND /my-app/xxx…xxxxxx/end    -    75 s #1234 not reached: connect…");
        check(&long, 40, "PRO…ND /my-ap…xx/end    -    75 s #1234");
    }

    /// Whatever the width, no line is as wide, all of its kind are as long, and a wider terminal has no less of a path.
    #[test]
    fn lines_fit_the_terminal() {
        let mut last = Columns::of(OTHERS + 4);
        for wide in OTHERS + 4..240 {
            let long = Summary { path: "/y".repeat(200), id: 123_456, ..row() };
            let noted = Summary {
                state: Progress::Unreachable,
                cause: Some("nothing listens at `http://localhost:3000`; is the service running?".to_owned()),
                ..long.clone()
            };
            let lines = [&row(), &long, &noted].map(|row| columns(row, "12:34:56", wide, Paint::Plain));
            assert!(lines.iter().all(|line| line.chars().count() < wide), "{wide}: {lines:?}");
            let status = |line: &str| line.find("  200 ");
            assert!(status(&lines[1]).is_some() && status(&lines[1]) == status(&lines[2]), "{wide}: {lines:?}");
            let Columns { clock, sizes, path } = Columns::of(wide);
            assert!(path >= last.path || (clock, sizes) != (last.clock, last.sizes), "{wide}");
            last = Columns { clock, sizes, path };
        }
        assert!(columns(&row(), "12:34:56", 73, Paint::Plain).contains(" in "));
    }

    #[test]
    fn hostile_words_do_nothing() {
        let hostile = Summary {
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
        let row = Summary { held_ms: Some(250.0), state: Progress::Cut, ..row() };
        let expected = "stamp #7 GET /my-app/hello 200 12 ms 0 B in 1.2 kB out, held 250 ms, cut";
        assert_eq!(words(&row, "stamp"), expected);
        let open =
            Summary { duration_ms: None, state: Progress::Answering, kind: Sort::WebSocket, status: Some(101), ..row };
        let expected = "stamp #7 GET /my-app/hello 101 open 0 B in 1.2 kB out, WebSocket, held 250 ms";
        assert_eq!(words(&open, "stamp"), expected);
        let closed =
            Summary { state: Progress::Cut, cause: Some("the target closed".to_owned()), kind: Sort::Http, ..open };
        assert!(words(&closed, "stamp").ends_with(", held 250 ms, cut: the target closed"));
        let moment = Summary { held_ms: Some(99.0), ..closed };
        assert!(words(&moment, "stamp").ends_with(" out, cut: the target closed"));
    }

    #[test]
    fn a_bad_signature_is_noted() {
        let signed = |signature: &str| {
            let webhook = serde_json::json!({ "provider": "github", "signature": signature, "renews": [] });
            words(&Summary { webhook: serde_json::from_value(webhook).unwrap(), ..row() }, "stamp")
        };
        assert!(signed("invalid").ends_with(" 1.2 kB out, signature does not hold"));
        assert!(signed("valid").ends_with(" 1.2 kB out") && signed("unchecked").ends_with(" 1.2 kB out"));
    }

    #[test]
    fn a_status_has_its_colour() {
        for (code, colour) in [(101, 32), (204, 32), (304, 36), (404, 33), (502, 31)] {
            let row = Summary { status: Some(code), ..row() };
            let (painted, text) = status(&row);
            let painted = Paint::Coloured.paint(painted, text);
            assert!(painted.starts_with(&format!("\u{1b}[{colour}m{code}")), "{code}");
        }
    }
}
