//! What a server counts, and how that is written down for Prometheus. Pure: numbers that are added up, and a text that is
//! made of them. Knows no server, no clock and no connection.

mod count;
mod families;
mod label;
mod text;

#[cfg(test)]
mod tests;

pub use count::{Counter, Counters, Histogram, Setting};
pub use families::{FAMILIES, Family, Kind};
pub use label::{Error, Issuance, Label, Passed, Refusal, Status, Uncertified, Wire};
pub use text::CONTENT_TYPE;

/// All that is counted as it happens, from the beginning of the process on.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Exchanges that are over.
    pub exchanges: Counters<Status>,
    /// Those of them that the server answered itself, and why.
    pub errors: Counters<Error>,
    /// How long the head of an answer took.
    pub answered: Histogram,
    /// How long an exchange took.
    pub ended: Histogram,
    /// Visitors who waited for a client that was gone, or late.
    pub held: Counter,
    /// Those of them whose wait ended otherwise than by its coming back.
    pub held_in_vain: Counter,
    /// Visitors who only listened, and made room for others.
    pub displaced: Counter,
    /// What was passed on to others of several servers.
    pub passed_on: Counters<Passed>,
    /// Sessions that were opened.
    pub opened: Counters<Wire>,
    /// Opens that were refused.
    pub refused: Counters<Refusal>,
    /// Requests of clients without the certificate that they have to have.
    pub uncertified: Counters<Uncertified>,
    /// Sessions that were lost, not closed.
    pub lost: Counter,
    /// Clients that were gone and came back to their session.
    pub resumed: Counter,
    /// Carriers that took over from another as they were to.
    pub renewed: Counters<Wire>,
    /// Certificates that the server asked for itself.
    pub issuances: Counters<Issuance>,
    /// Until when the certificate is good that is shown, in Unix seconds.
    pub certificate_until: Setting,
}

/// What there is at the moment, and what others count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// When the process began, in Unix seconds.
    pub started: u64,
    /// Sessions, by wire.
    pub sessions: [u64; 2],
    /// Those of them whose client is gone.
    pub away: u64,
    /// Exchanges under way, those of visitors who wait among them.
    pub exchanges: u64,
    /// Visitors who wait.
    pub waiting: u64,
    /// Connections.
    pub connections: u64,
    /// Bytes of visitors and of targets, so far.
    pub bytes: [u64; 2],
    /// Bytes that are kept until clients acknowledge them.
    pub replay: u64,
    /// How many there may be of sessions, exchanges, connections, and bytes that are kept.
    pub limits: [u64; 4],
    /// What it has to do with others of several servers: nothing where it is alone.
    pub cluster: Cluster,
}

/// What one of several servers knows of the others, and has asked of the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Servers that there are, this one among them.
    pub nodes: u64,
    /// Whether this one may answer for what it has.
    pub may_answer: bool,
    /// Prefixes that were looked for, and those of them that were known.
    pub lookups: [u64; 2],
    /// Claims that were given, and those that were not.
    pub claims: [u64; 2],
    /// Claims that others have by now.
    pub claims_lost: u64,
    /// Renewals of the lease, and tries that came to nothing.
    pub renewals: [u64; 2],
    /// Leases that the engine no longer knew.
    pub leases_lost: u64,
}

impl Metrics {
    /// The page that Prometheus reads.
    #[must_use]
    pub fn page(&self, now: &Now) -> String {
        text::page(self, now)
    }
}
