//! Lengths of time as they are typed: Go's spelling (`1m30s`, `500ms`, `1.5h`), and `d` for days of 24 hours. Knows
//! no flag.

use std::time::Duration;

/// Why a text is no length of time. The text names it and says how to write one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDuration {
    /// It does not follow the spelling.
    #[error("`{0}` is no length of time; write it like `15s`, `1m30s`, `500ms` or `30d`")]
    Syntax(String),
    /// A number stands without a unit.
    #[error("`{0}` has no unit; write it like `15s`, `1m30s`, `500ms` or `30d`")]
    Unit(String),
    /// Nothing, or less.
    #[error("`{0}` is no use: the length of time must be more than zero")]
    NotPositive(String),
    /// More than Go's `time.Duration` can say.
    #[error("`{0}` is too long: 292 years are the most")]
    Overflow(String),
}

/// Nanoseconds in a unit. Go accepts the micro sign (U+00B5) and the Greek letter (U+03BC) alike.
const UNITS: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
    ("d", 86_400 * SECOND),
];

const SECOND: u128 = 1_000_000_000;

/// The longest that Go can say, so that both implementations take the same values.
const MAX: u128 = i64::MAX as u128;

/// Reads a length of time that is more than zero.
pub(crate) fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let owned = || text.to_owned();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut rest = unsigned;
    let mut nanos = 0_u128;
    while !rest.is_empty() || unsigned.is_empty() {
        let number = take_while(&mut rest, |byte| byte.is_ascii_digit() || byte == b'.');
        let unit = take_while(&mut rest, |byte| !byte.is_ascii_digit() && byte != b'.');
        if unit.is_empty() && number.bytes().any(|byte| byte.is_ascii_digit()) {
            return Err(if unsigned == "0" { InvalidDuration::NotPositive } else { InvalidDuration::Unit }(owned()));
        }
        let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
        let scale = scale.ok_or_else(|| InvalidDuration::Syntax(owned()))?;
        let part = scaled(number, scale).ok_or_else(|| InvalidDuration::Syntax(owned()))?;
        nanos = nanos.saturating_add(part);
    }
    match u64::try_from(nanos) {
        Ok(0) => Err(InvalidDuration::NotPositive(owned())),
        _ if text.starts_with('-') => Err(InvalidDuration::NotPositive(owned())),
        Ok(nanos) if u128::from(nanos) <= MAX => Ok(Duration::from_nanos(nanos)),
        _ => Err(InvalidDuration::Overflow(owned())),
    }
}

/// Splits off the longest head whose bytes all fit; both sets hold whole characters, so the cut falls between two.
fn take_while<'a>(rest: &mut &'a str, fits: impl Fn(u8) -> bool) -> &'a str {
    let end = rest.bytes().position(|byte| !fits(byte)).unwrap_or(rest.len());
    let (head, tail) = rest.split_at(end);
    *rest = tail;
    head
}

/// A decimal number of units in nanoseconds, at the most [`u128::MAX`]; nothing where it is no number. What is
/// smaller than a nanosecond is cut, as Go does.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits = |text: &str| {
        text.bytes().fold(0_u128, |sum, digit| sum.saturating_mul(10).saturating_add(u128::from(digit - b'0')))
    };
    // A day has 14 digits of nanoseconds: no later one counts, and 15 keep the product far below the bound.
    let fraction = &fraction[..fraction.len().min(15)];
    let power = (0..fraction.len()).fold(1_u128, |power, _| power * 10);
    Some(digits(whole).saturating_mul(scale).saturating_add(digits(fraction) * scale / power))
}

/// A length of time in the largest unit that says enough of it.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Duration, &str>) {
        assert_eq!(parse(text).map_err(|error| error.to_string()), expected.map_err(ToOwned::to_owned), "{text:?}");
    }

    #[track_caller]
    fn refused(text: &str, kind: fn(String) -> InvalidDuration) {
        assert_eq!(parse(text), Err(kind(text.to_owned())));
    }

    #[test]
    fn what_go_reads() {
        check("15s", Ok(Duration::from_secs(15)));
        check("1m30s", Ok(Duration::from_secs(90)));
        check("500ms", Ok(Duration::from_millis(500)));
        check("1.5h", Ok(Duration::from_secs(5_400)));
        check("+5s", Ok(Duration::from_secs(5)));
        check("1h0m0s", Ok(Duration::from_secs(3_600)));
        check(".5s", Ok(Duration::from_millis(500)));
        check("1.s", Ok(Duration::from_secs(1)));
        check("1.0000000019s", Ok(Duration::from_nanos(1_000_000_001)));
        check("0.33333333333333333333h", Ok(Duration::from_nanos(1_199_999_999_999)));
        check("10us", Ok(Duration::from_micros(10)));
        check("10\u{b5}s", Ok(Duration::from_micros(10)));
        check("10\u{3bc}s", Ok(Duration::from_micros(10)));
        check("7ns", Ok(Duration::from_nanos(7)));
        check("9223372036854775807ns", Ok(Duration::from_nanos(i64::MAX.unsigned_abs())));
    }

    #[test]
    fn days() {
        check("30d", Ok(Duration::from_secs(30 * 86_400)));
        check("1d12h", Ok(Duration::from_secs(36 * 3_600)));
    }

    #[test]
    fn refusals() {
        check("x", Err("`x` is no length of time; write it like `15s`, `1m30s`, `500ms` or `30d`"));
        check("15", Err("`15` has no unit; write it like `15s`, `1m30s`, `500ms` or `30d`"));
        check("0s", Err("`0s` is no use: the length of time must be more than zero"));
        check("300000d", Err("`300000d` is too long: 292 years are the most"));
        for text in
            ["", "-", "+", "s", ".s", ".", "1..5s", "15 s", " 15s", "15S", "1y", "1e3s", "--1s", "5s-", "\u{b5}"]
        {
            refused(text, InvalidDuration::Syntax);
        }
        for text in ["1", "1.5", "1m30", "-5"] {
            refused(text, InvalidDuration::Unit);
        }
        for text in ["0", "0s", "0h0m", "-1s", "0.1ns", "-0"] {
            refused(text, InvalidDuration::NotPositive);
        }
        for text in ["9223372036854775808ns", "999999999999999999999999999999999999999999999d", "99999999999h"] {
            refused(text, InvalidDuration::Overflow);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_is_trouble(text in "[-+0-9.a-zµ ]{0,12}|\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn parts_add_up(hours in 0_u64..1_000, minutes in 0_u64..1_000, millis in 1_u64..100_000) {
            let expected = Duration::from_millis(hours * 3_600_000 + minutes * 60_000 + millis);
            prop_assert_eq!(parse(&format!("{hours}h{minutes}m{millis}ms")), Ok(expected));
        }
    }

    #[track_caller]
    fn spans(seconds: u64, expected: &str) {
        assert_eq!(span(Duration::from_secs(seconds)), expected);
    }

    #[test]
    fn times() {
        spans(1, "1 second");
        spans(119, "119 seconds");
        spans(3_600, "60 minutes");
        spans(7_200, "2 hours");
        spans(30 * 86_400, "30 days");
    }
}
