//! What tells the numbers of one family apart: few words that are known beforehand, and never what a stranger chose. There
//! are as many numbers today as after a year.

/// A closed set of values that a label can have.
pub trait Label: Copy {
    /// The label's name.
    const NAME: &'static str;

    /// Its values, each in its place.
    const VALUES: &'static [&'static str];

    /// Where its word stands among the values.
    fn place(self) -> usize;
}

/// Each value with the word that stands for it.
macro_rules! label {
    ($(#[$about:meta])* $label:ident: $name:literal { $($(#[$of:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $label {
            $($(#[$of])* $value,)+
        }

        impl Label for $label {
            const NAME: &'static str = $name;
            const VALUES: &'static [&'static str] = &[$($word,)+];

            fn place(self) -> usize {
                self as usize
            }
        }
    };
}

label! {
    /// The class of an answer's status.
    Status: "status" {
        /// It was an upgrade.
        Informational = "1xx",
        /// As it should be.
        Success = "2xx",
        /// Somewhere else.
        Redirection = "3xx",
        /// Not with this request.
        Client = "4xx",
        /// Not by this server or service.
        Server = "5xx",
        /// The visitor left before there was an answer.
        Unanswered = "none",
    }
}

impl Status {
    /// The class of a status; what none knows counts as a failure of who said it.
    #[must_use]
    pub fn of(status: u16) -> Self {
        match status {
            100..200 => Self::Informational,
            200..300 => Self::Success,
            300..400 => Self::Redirection,
            400..500 => Self::Client,
            _ => Self::Server,
        }
    }
}

label! {
    /// What `Sendit-Error` says.
    Error: "error" {
        /// No session holds the prefix.
        UnknownPrefix = "unknown-prefix",
        /// Whether one does is not known now.
        Undecided = "undecided",
        /// The session has no client now, or lost it.
        ClientOffline = "client-offline",
        /// The client could not reach its target.
        TargetRefused = "target-refused",
        /// The target's answer is none.
        TargetBadResponse = "target-bad-response",
        /// The target took too long.
        TargetTimeout = "target-timeout",
        /// There is as much to do as is admitted.
        Limit = "limit",
        /// The request cannot be passed on.
        BadRequest = "bad-request",
        /// The tunnel asks for a password.
        Unauthorized = "unauthorized",
        /// The tunnel does not let in who comes from there.
        Forbidden = "forbidden",
    }
}

label! {
    /// Why no session was given.
    Refusal: "reason" {
        /// The token is missing or not accepted.
        Token = "token",
        /// The token has been revoked.
        Revoked = "revoked",
        /// It is no prefix, or none for this token.
        Prefix = "prefix",
        /// Another session holds the prefix.
        InUse = "in-use",
        /// The server, or the token, has as many sessions as may be, or too many wrong tokens have come.
        Limit = "limit",
        /// The server is about to stop.
        Stopping = "stopping",
        /// Several servers cannot say just now which of them has the prefix.
        Undecided = "undecided",
    }
}

label! {
    /// What one of several servers passes on to another.
    Passed: "what" {
        /// An exchange with a visitor.
        Visit = "visit",
        /// What names a session: a carrier, mostly.
        Carrier = "carrier",
        /// A request for a session.
        Open = "open",
    }
}

label! {
    /// What a client presented that was refused for it.
    Uncertified: "certificate" {
        /// Nothing.
        Missing = "missing",
        /// A certificate whose time is over.
        Expired = "expired",
        /// One that is of no use for another reason.
        Unknown = "unknown",
    }
}

label! {
    /// What came of asking for a certificate.
    Issuance: "outcome" {
        /// It was issued, and is shown.
        Issued = "issued",
        /// There is none; it is tried again.
        Failed = "failed",
    }
}

label! {
    /// Which wire a session speaks.
    Wire: "wire" {
        /// That of the Go tool.
        V1 = "v1",
        /// The other.
        V2 = "v2",
    }
}
