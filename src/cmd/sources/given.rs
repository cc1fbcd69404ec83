//! What somebody has said of a setting, and where. Knows places and texts, and not what they mean; as the texts may be secrets,
//! nothing here has `Debug`.

use std::fmt;
use std::path::PathBuf;

use crate::cmd::config::keys::name;
use crate::cmd::config::{Origin, Position};
use crate::cmd::exit::Failure;

/// What somebody has said, and where.
pub(crate) struct Given {
    pub(crate) text: String,
    pub(super) place: Place,
}

#[derive(Clone)]
pub(super) enum Place {
    Flag(&'static str),
    Variable(&'static str),
    File(Position),
}

impl Given {
    /// What was typed behind a flag.
    pub(crate) fn typed(flag: &'static str, text: String) -> Self {
        Self { text, place: Place::Flag(flag) }
    }

    /// What the text means; where it cannot be meant, who said it is named.
    pub(crate) fn read<T, E: fmt::Display>(&self, read: impl Fn(&str) -> Result<T, E>) -> Result<T, Failure> {
        read(&self.text).map_err(|cause| self.wrong(cause))
    }

    /// Whether a flag or a variable says it, and no file.
    pub(crate) fn is_typed(&self) -> bool {
        !matches!(self.place, Place::File(_))
    }

    /// Whether a variable says it.
    pub(crate) fn is_variable(&self) -> bool {
        matches!(self.place, Place::Variable(_))
    }

    /// The file that says it, where one does.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match &self.place {
            Place::File(position) => Some(position.origin()),
            Place::Flag(_) | Place::Variable(_) => None,
        }
    }

    /// The same, where that merely lies in the working folder.
    pub(crate) fn here(&self) -> Option<&Origin> {
        self.origin().filter(|origin| origin.is_here())
    }

    /// Who says it.
    pub(crate) fn place(&self) -> impl fmt::Display {
        &self.place
    }

    /// That it cannot be meant.
    pub(crate) fn wrong(&self, cause: impl fmt::Display) -> Failure {
        Failure::usage(format!("wrong {}: {cause}", self.place))
    }

    /// That it cannot stand beside what else is said, in a sentence that names flags: the line of a file is named before.
    pub(crate) fn contradicts(&self, sentence: impl fmt::Display) -> Failure {
        match &self.place {
            Place::File(position) => Failure::usage(format!("wrong {position}: {sentence}")),
            Place::Flag(_) | Place::Variable(_) => Failure::usage(sentence.to_string()),
        }
    }

    /// A setting as whoever says this would write it.
    pub(crate) fn spelled(&self, flag: &str) -> String {
        match self.place {
            Place::File(_) => format!("`{}`", name(flag)),
            Place::Flag(_) | Place::Variable(_) => format!("`{flag}`"),
        }
    }

    /// Who says it, as the subject of a sentence.
    pub(crate) fn subject(&self) -> String {
        match &self.place {
            Place::File(position) => format!("{position},"),
            place => place.to_string(),
        }
    }

    /// That it says nothing where another setting is missing.
    pub(crate) fn useless_without(&self, flag: &str) -> Failure {
        Failure::usage(format!("{} is of no use without {}", self.subject(), self.spelled(flag)))
    }

    /// The text as the path of a file; what the configuration says begins at its own folder.
    pub(crate) fn path(&self) -> Result<PathBuf, Failure> {
        self.beside(&self.text)
    }

    /// A part of the text as such a path.
    pub(crate) fn beside(&self, path: &str) -> Result<PathBuf, Failure> {
        match &self.place {
            Place::File(position) => position.beside(path),
            Place::Flag(_) | Place::Variable(_) => Ok(PathBuf::from(path)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "`{flag}`"),
            Self::Variable(name) => write!(f, "environment variable `{name}`"),
            Self::File(position) => position.fmt(f),
        }
    }
}
