//! Prometheus's text format, version 0.0.4: what each family is, then a line for each of its numbers.

use std::fmt::{self, Display, Write as _};

use super::count::BOUNDS;
use super::families::{FAMILIES, Family, Numbers};
use super::{Metrics, Now};

/// The type of the page, as its readers ask for it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn page(metrics: &Metrics, now: &Now) -> String {
    let mut page = Page::default();
    for family in FAMILIES {
        page.family(family, &(family.read)(metrics, now));
    }
    page.0
}

/// A page that is written. Writing to a string cannot fail.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    fn family(&mut self, family: &Family, numbers: &Numbers) {
        let Family { name, kind, help, .. } = family;
        let _ = writeln!(self.0, "# HELP {name} {}\n# TYPE {name} {}", Escaped(help), kind.word());
        match numbers {
            Numbers::Times(up_to_each, micros) => self.times(name, up_to_each, *micros),
            Numbers::Each(numbers) => match family.label {
                None => numbers.iter().for_each(|number| self.number(name, None, number)),
                Some((label, values)) => {
                    let labelled = values.iter().zip(numbers);
                    labelled.for_each(|(value, number)| self.number(name, Some((label, value)), number));
                }
            },
        }
    }

    pub(super) fn number(&mut self, name: &str, label: Option<(&str, &str)>, number: impl Display) {
        let _ = match label {
            None => writeln!(self.0, "{name} {number}"),
            Some((label, value)) => writeln!(self.0, "{name}{{{label}=\"{}\"}} {number}", Escaped(value)),
        };
    }

    fn times(&mut self, name: &str, up_to_each: &[u64], micros: u64) {
        let all = up_to_each.last().copied().unwrap_or_default();
        let bounds = BOUNDS.iter().map(|bound| Seconds(*bound).to_string()).chain(["+Inf".to_owned()]);
        for (bound, number) in bounds.zip(up_to_each) {
            self.number(&format!("{name}_bucket"), Some(("le", &bound)), number);
        }
        self.number(&format!("{name}_sum"), None, Seconds(micros));
        self.number(&format!("{name}_count"), None, all);
    }

    #[cfg(test)]
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Microseconds, written in seconds without rounding and without needless noughts.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if micros == 0 {
            return write!(to, "{whole}");
        }
        let digits = format!("{micros:06}");
        write!(to, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// A text in which no reader finds an end that is none.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => to.write_str("\\\\"),
            '"' => to.write_str("\\\""),
            '\n' => to.write_str("\\n"),
            c => to.write_char(c),
        })
    }
}
