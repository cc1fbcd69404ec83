//! Colours, where there are some. What is painted has to be harmless before.

use std::borrow::Cow;
use std::fmt::Display;

use crate::cmd::output::harmless;

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Coloured,
    Plain,
}

/// A colour, of the sixteen that a terminal's theme chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Paint {
    /// `text` in a colour, and whatever a stranger has put into it made harmless.
    pub(crate) fn paint(self, colour: Colour, text: impl Display) -> String {
        let text = text.to_string();
        let text = clean(&text);
        let code = match colour {
            Colour::Plain => return text.into_owned(),
            Colour::Bold => 1,
            Colour::Dim => 2,
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Cyan => 36,
        };
        match self {
            Self::Plain => text.into_owned(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// `text` as a part of a line that may have colours.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    harmless(text, false)
}
