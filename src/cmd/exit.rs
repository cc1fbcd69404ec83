//! How a command can end: the one table of exit codes, and the failure that carries a code and the sentence for the
//! person who typed. Knows no command's inside.

use std::fmt;
use std::io;

/// What the process tells its caller by its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command did what was asked, or was told to stop.
    Success,
    /// What no other code describes.
    Unexpected,
    /// The command line or the environment cannot be meant.
    Usage,
    /// The server does not accept the token.
    Unauthorized,
    /// The server does not give the prefix.
    Prefix,
    /// What answers at the URL is no sendit server.
    NotSendit,
    /// The address cannot be listened on.
    Listen,
    /// A file cannot be read or written.
    File,
    /// The server cannot do what was asked of it.
    NotGranted,
    /// The server, the service, or the client that is asked, cannot be reached.
    Unreachable,
    /// An answer is not as expected.
    Answer,
    /// Whoever runs the server has ended the session.
    Dismissed,
    /// A certificate, or its key, cannot be used, or the server asks for another.
    Certificate,
    /// The program that was to be run is no program.
    NotExecutable,
    /// There is no such program.
    NotFound,
    /// A second signal came before the command had stopped.
    Interrupted,
    /// The program that was run ended so.
    Program(u8),
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
    Meaning { exit: Exit::Usage, text: "wrong flag, argument, environment variable or configuration", commands: EVERY },
    Meaning {
        exit: Exit::Unauthorized,
        text: "the server refuses the token",
        commands: &["connect", "start", "run", "doctor", "sessions"],
    },
    Meaning { exit: Exit::Prefix, text: "the server does not give the prefix", commands: OPENING },
    Meaning { exit: Exit::NotSendit, text: "no sendit server at the URL", commands: OPENING },
    Meaning {
        exit: Exit::Listen,
        text: "cannot listen on the address, or the port is taken",
        commands: &["serve", "run", "config", "demo"],
    },
    Meaning {
        exit: Exit::File,
        text: "a file cannot be read or written",
        commands: &[
            "serve",
            "connect",
            "start",
            "run",
            "config",
            "doctor",
            "sessions",
            "record",
            "play",
            "token",
            "install-links",
        ],
    },
    Meaning { exit: Exit::NotGranted, text: "the server cannot do what a flag asks for", commands: CLIENTS },
    Meaning {
        exit: Exit::Unreachable,
        text: "the server, the service, or the running client that is asked, cannot be reached",
        commands: &["doctor", "sessions", "requests", "replay", "record", "play"],
    },
    Meaning { exit: Exit::Answer, text: "an answer is not as expected", commands: &["play"] },
    Meaning { exit: Exit::Dismissed, text: "whoever runs the server has ended the session", commands: CLIENTS },
    Meaning {
        exit: Exit::Certificate,
        text: "a certificate, or its key, cannot be used, or the server asks for another",
        commands: &["serve", "connect", "start", "run", "config", "doctor"],
    },
    Meaning { exit: Exit::NotExecutable, text: "the program cannot be started", commands: &["run"] },
    Meaning { exit: Exit::NotFound, text: "there is no such program", commands: &["run"] },
    Meaning {
        exit: Exit::Interrupted,
        text: "a second signal ended it at once",
        commands: &["serve", "connect", "start", "record", "demo"],
    },
    Meaning {
        exit: Exit::Program(0),
        text: "that of the program that was run, or 128 and the number of the signal that ended it",
        commands: &["run"],
    },
];

const EVERY: &[&str] = &[
    "serve",
    "connect",
    "start",
    "run",
    "config",
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

const CLIENTS: &[&str] = &["connect", "start", "run"];
const OPENING: &[&str] = &["connect", "start", "run", "doctor"];

impl Exit {
    /// The number that the process returns.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Unauthorized => 3,
            Self::Prefix => 4,
            Self::NotSendit => 5,
            Self::Listen => 6,
            Self::File => 7,
            Self::NotGranted => 8,
            Self::Unreachable => 9,
            Self::Answer => 10,
            Self::Dismissed => 11,
            Self::Certificate => 12,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
            Self::Interrupted => 130,
            Self::Program(code) => code,
        }
    }

    /// The same as pages have it, where it is no single number.
    #[must_use]
    pub fn term(self) -> String {
        match self {
            Self::Program(_) => "any".to_owned(),
            exit => exit.code().to_string(),
        }
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
        let terms: Vec<String> = TABLE.iter().map(|row| row.exit.term()).collect();
        let expected = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "126", "127", "130", "any"];
        assert_eq!(terms, expected);
    }
}
