//! Values of the fault proxy's flags.

use std::ops::RangeInclusive;
use std::time::Duration;

use trials::faults::{Copy, Cut, Kind, Loss, Then};

/// Words with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

/// A range of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Between(pub(crate) RangeInclusive<Duration>);

const CUTS: [(&str, Cut); 3] = [("fin", Cut::Fin), ("rst", Cut::Rst), ("hole", Cut::Hole)];

const THENS: [(&str, Then); 4] = [
    ("fin", Then::Cut(Cut::Fin)),
    ("rst", Then::Cut(Cut::Rst)),
    ("stall", Then::Stall),
    ("black-hole", Then::BlackHole),
];

fn word<T: Clone>(words: &[(&str, T)], text: &str) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| value.clone());
    let known = || words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("`{text}` is none of {}", known()))
}

fn list<T: Clone>(words: &[(&str, T)], text: &str) -> Result<List<T>, String> {
    text.split(',').map(|text| word(words, text)).collect::<Result<_, _>>().map(List)
}

pub(super) fn losses(text: &str) -> Result<List<Loss>, String> {
    list(&[("read", Loss::Read), ("write", Loss::Write), ("both", Loss::Both), ("any", Loss::Any)], text)
}

pub(super) fn cuts(text: &str) -> Result<List<Cut>, String> {
    list(&CUTS, text)
}

pub(super) fn kinds(text: &str) -> Result<List<Kind>, String> {
    list(&[("read", Kind::Read), ("write", Kind::Write), ("other", Kind::Other)], text)
}

pub(super) fn copy(text: &str) -> Result<Copy, String> {
    word(&[("first", Copy::AnswerFirst), ("second", Copy::AnswerSecond)], text)
}

pub(super) fn after(text: &str) -> Result<(u64, Then), String> {
    let (bytes, then) = text.split_once(':').ok_or_else(|| format!("`{text}` is not like `1000:stall`"))?;
    let bytes = bytes.parse().map_err(|_| format!("`{bytes}` is no number of bytes"))?;
    Ok((bytes, word(&THENS, then)?))
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or_default(), 1.0),
    };
    let seconds = number.parse::<f64>().ok().and_then(|number| Duration::try_from_secs_f64(number * unit).ok());
    seconds.ok_or_else(|| format!("`{text}` is no time; write it like `50ms` or `2s`"))
}

pub(crate) fn between(text: &str) -> Result<Between, String> {
    let (start, end) = text.split_once("..").unwrap_or((text, text));
    let (start, end) = (duration(start)?, duration(end)?);
    if start.is_zero() || end < start {
        return Err(format!("`{text}` is no range of time; write it like `50ms..2s`"));
    }
    Ok(Between(start..=end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(parsed: &Result<T, String>, expected: &Result<T, &str>) {
        assert_eq!(parsed.as_ref().map_err(String::as_str), expected.as_ref().map_err(|error| *error));
    }

    #[test]
    fn values() {
        let ms = Duration::from_millis;
        check(&losses("read,both"), &Ok(List(vec![Loss::Read, Loss::Both])));
        check(&losses("read,"), &Err("`` is none of `read`, `write`, `both`, `any`"));
        check(&cuts("rst"), &Ok(List(vec![Cut::Rst])));
        check(&kinds("other"), &Ok(List(vec![Kind::Other])));
        check(&copy("second"), &Ok(Copy::AnswerSecond));
        check(&after("0:black-hole"), &Ok((0, Then::BlackHole)));
        check(&after("stall"), &Err("`stall` is not like `1000:stall`"));
        check(&after("x:stall"), &Err("`x` is no number of bytes"));
        check(&duration("50ms"), &Ok(ms(50)));
        check(&duration("1.5s"), &Ok(ms(1500)));
        check(&duration("-1s"), &Err("`-1s` is no time; write it like `50ms` or `2s`"));
        check(&between("50ms..2s"), &Ok(Between(ms(50)..=ms(2000))));
        check(&between("1s"), &Ok(Between(ms(1000)..=ms(1000))));
        check(&between("2s..1s"), &Err("`2s..1s` is no range of time; write it like `50ms..2s`"));
        check(&between("0s"), &Err("`0s` is no range of time; write it like `50ms..2s`"));
    }
}
