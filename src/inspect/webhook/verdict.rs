//! What is said of a signature. Knows no sender.

use std::fmt::Display;

use crate::inspect::exchange::{Exchange, Message};

/// Whether a signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// It does.
    Valid,
    /// It does not.
    Invalid,
    /// Nobody knows.
    Unchecked,
}

impl Signature {
    /// In one word, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unchecked => "unchecked",
        }
    }
}

/// Whether a signature holds, and what helps whoever wonders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds.
    pub signature: Signature,
    /// Why it does not, or is not known to, in a sentence without a full stop; where it does, why a service may refuse it all
    /// the same.
    pub reason: Option<String>,
    /// Whether its sender signed it, though at another time than may be.
    pub(super) untimely: bool,
}

impl Verdict {
    pub(super) const VALID: Self = Self { signature: Signature::Valid, reason: None, untimely: false };

    pub(super) fn noted(note: impl Display) -> Self {
        Self { reason: Some(note.to_string()), ..Self::VALID }
    }

    pub(super) fn invalid(reason: impl Display) -> Self {
        Self { signature: Signature::Invalid, ..Self::noted(reason) }
    }

    pub(super) fn untimely(reason: impl Display) -> Self {
        Self { untimely: true, ..Self::invalid(reason) }
    }

    /// Whether it was signed by who knows the secret, whenever that was.
    #[must_use]
    pub fn is_genuine(&self) -> bool {
        self.signature == Signature::Valid || self.untimely
    }

    pub(super) fn unchecked(reason: impl Display) -> Self {
        Self { signature: Signature::Unchecked, ..Self::noted(reason) }
    }

    pub(super) fn missing(header: &str) -> Self {
        Self::invalid(format_args!("there is no header `{header}`"))
    }

    pub(super) fn malformed(header: &str, form: &str) -> Self {
        Self::invalid(format_args!("the header `{header}` is malformed: it has to be {form}"))
    }

    /// What holds and was refused is what people ask about: then there is something to say.
    #[must_use]
    pub fn with_the_answer(self, exchange: &Exchange) -> Self {
        let status = exchange.response.as_ref().and_then(Message::status);
        match status {
            Some(status @ (400 | 401 | 403)) if self.signature == Signature::Valid => {
                let why =
                    self.reason.as_deref().unwrap_or("it may know another secret, or check the body after parsing it");
                Self::noted(format_args!("the service answered {status} all the same: {why}"))
            }
            // That other URLs would not do is of no interest where nobody asked.
            _ if self.signature == Signature::Valid => Self::VALID,
            _ => self,
        }
    }
}
