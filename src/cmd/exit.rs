//! How a command can end: the one table of exit codes, and the failure that carries a code and the sentence for the
//! person who typed. Knows no command's inside.

use std::fmt;
use std::io;

/// What the process tells its caller by its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The command did what was asked, or was told to stop.
    Success = 0,
    /// What no other code describes.
    Unexpected = 1,
    /// The command line or the environment cannot be meant.
    Usage = 2,
    /// The server does not accept the token.
    Unauthorized = 3,
    /// The server does not give the prefix.
    Prefix = 4,
    /// What answers at the URL is no sendit server.
    NotSendit = 5,
    /// The address cannot be listened on.
    Listen = 6,
    /// A file cannot be read or written.
    File = 7,
    /// The server cannot do what was asked of it.
    NotGranted = 8,
    /// The server, the service, or the client that is asked, cannot be reached.
    Unreachable = 9,
    /// An answer is not as expected.
    Answer = 10,
    /// Whoever runs the server has ended the session.
    Dismissed = 11,
    /// A second signal came before the command had stopped.
    Interrupted = 130,
}

/// A row of [`TABLE`].
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    /// The exit code.
    pub exit: Exit,
    /// What it says, as help and manual print it.
    pub text: &'static str,
    /// The subcommands that can end so.
    pub commands: &'static [&'static str],
}

/// Every exit code there is, in ascending order.
pub const TABLE: &[Meaning] = &[
    Meaning { exit: Exit::Success, text: "success, or stopped by a signal", commands: EVERY },
    Meaning { exit: Exit::Unexpected, text: "unexpected failure", commands: EVERY },
    Meaning { exit: Exit::Usage, text: "wrong flag, argument or environment variable", commands: EVERY },
    Meaning {
        exit: Exit::Unauthorized,
        text: "the server refuses the token",
        commands: &["connect", "doctor", "sessions"],
    },
    Meaning { exit: Exit::Prefix, text: "the server does not give the prefix", commands: &["connect", "doctor"] },
    Meaning { exit: Exit::NotSendit, text: "no sendit server at the URL", commands: &["connect", "doctor"] },
    Meaning { exit: Exit::Listen, text: "cannot listen on the address", commands: &["serve", "demo"] },
    Meaning {
        exit: Exit::File,
        text: "a file cannot be read or written",
        commands: &["serve", "connect", "doctor", "sessions", "record", "play", "token", "install-links"],
    },
    Meaning { exit: Exit::NotGranted, text: "the server cannot do what a flag asks for", commands: &["connect"] },
    Meaning {
        exit: Exit::Unreachable,
        text: "the server, the service, or the running client that is asked, cannot be reached",
        commands: &["doctor", "sessions", "requests", "replay", "record", "play"],
    },
    Meaning { exit: Exit::Answer, text: "an answer is not as expected", commands: &["play"] },
    Meaning { exit: Exit::Dismissed, text: "whoever runs the server has ended the session", commands: &["connect"] },
    Meaning {
        exit: Exit::Interrupted,
        text: "a second signal ended it at once",
        commands: &["serve", "connect", "record", "demo"],
    },
];

const EVERY: &[&str] = &[
    "serve",
    "connect",
    "doctor",
    "sessions",
    "requests",
    "replay",
    "record",
    "play",
    "token",
    "demo",
    "install-links",
];

impl Exit {
    /// The number that the process returns.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command ended without success: the exit code, and one sentence that says what is wrong and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) sentence: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into() }
    }

    /// The person has to type something else.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    /// Nobody reads what the command prints: there is nobody to tell either.
    pub(crate) fn unheard() -> Self {
        Self::new(Exit::Unexpected, "")
    }

    /// Whether there is something to tell.
    pub(crate) fn is_told(&self) -> bool {
        !self.sentence.is_empty()
    }

    /// A file is in the way.
    pub(crate) fn file(sentence: impl Into<String>) -> Self {
        Self::new(Exit::File, sentence)
    }
}

/// Nothing that the person did wrong: what was being done, and then each cause, with a colon between them.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::Unexpected, format!("{error:#}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// An error of the operating system in the words of this program's messages, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "it lies below what is no directory".to_owned(),
        io::ErrorKind::AlreadyExists => "it is there already".to_owned(),
        // The system's number says nothing to whoever reads the sentence.
        _ => {
            let text = error.to_string();
            text.split(" (os error ").next().unwrap_or_default().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_expected_says_its_causes_last() {
        let error = anyhow::Error::new(io::Error::other("broken pipe")).context("cannot write to standard output");
        let sentence = "cannot write to standard output: broken pipe";
        assert_eq!(Failure::from(error), Failure::new(Exit::Unexpected, sentence));
    }

    #[test]
    fn the_systems_numbers_are_not_told() {
        for (number, sentence) in
            [(17, "it is there already"), (28, "No space left on device"), (2, "there is no such file or directory")]
        {
            assert_eq!(reason(&io::Error::from_raw_os_error(number)), sentence);
        }
    }

    #[test]
    fn the_table_is_in_order_and_names_each_code_once() {
        let codes: Vec<u8> = TABLE.iter().map(|row| row.exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 130]);
    }
}
