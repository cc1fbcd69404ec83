//! Every number by its name: what is documented, and what is written. One table, so that the two cannot differ.

use super::{Counters, Error, Histogram, Issuance, Label, Metrics, Now, Passed, Refusal, Status, Uncertified, Wire};

/// What a family's numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow.
    Counter,
    /// They come and go.
    Gauge,
    /// They are counts of lengths of time.
    Histogram,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Numbers of one name.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The name.
    pub name: &'static str,
    /// What the numbers do.
    pub kind: Kind,
    /// What they say.
    pub help: &'static str,
    /// What tells them apart, and the values that it has. A family without is one number.
    pub label: Option<(&'static str, &'static [&'static str])>,
    pub(super) read: fn(&Metrics, &Now) -> Numbers,
}

/// The numbers of a family.
pub(super) enum Numbers {
    /// One for each value of the label, or one.
    Each(Vec<u64>),
    /// How many took as long as each bound at most, and how long all took, in microseconds.
    Times(Vec<u64>, u64),
}

impl Numbers {
    fn one(number: u64) -> Self {
        Self::Each(vec![number])
    }

    fn of<L: Label>(counters: &Counters<L>) -> Self {
        Self::Each(counters.get())
    }

    fn times(histogram: &Histogram) -> Self {
        Self::Times(histogram.up_to_each(), histogram.micros())
    }
}

const fn values<L: Label>() -> (&'static str, &'static [&'static str]) {
    (L::NAME, L::VALUES)
}

/// A row of the table; what stands in parentheses is the label.
macro_rules! family {
    ($kind:ident $name:literal ($label:expr), $help:literal, $read:expr) => {
        Family { name: $name, kind: Kind::$kind, help: $help, label: $label, read: $read }
    };
}

/// Every family, in the order in which they are written.
pub const FAMILIES: &[Family] = &[
    family!(Gauge "sendit_build_info" (Some(("version", &[env!("CARGO_PKG_VERSION")]))),
        "The version that runs; always 1.", |_, _| Numbers::one(1)),
    family!(Gauge "process_start_time_seconds" (None),
        "When the process began, in Unix seconds.", |_, now| Numbers::one(now.started)),
    family!(Gauge "sendit_sessions" (Some(values::<Wire>())),
        "Sessions that there are, those of sendit doctor among them.", |_, now| Numbers::Each(now.sessions.into())),
    family!(Gauge "sendit_sessions_away" (None),
        "Sessions whose client is gone, and may come back.", |_, now| Numbers::one(now.away)),
    family!(Counter "sendit_sessions_opened_total" (Some(values::<Wire>())),
        "Sessions that were opened.", |metrics, _| Numbers::of(&metrics.opened)),
    family!(Counter "sendit_sessions_refused_total" (Some(values::<Refusal>())),
        "Requests for a session that were refused.", |metrics, _| Numbers::of(&metrics.refused)),
    family!(Counter "sendit_clients_uncertified_total" (Some(values::<Uncertified>())),
        "Requests of clients that were refused, each carrier's among them, by the certificate that was presented.", |metrics, _| Numbers::of(&metrics.uncertified)),
    family!(Counter "sendit_sessions_lost_total" (None),
        "Sessions that ended because their link broke or their client stayed away.", |metrics, _| Numbers::one(metrics.lost.get())),
    family!(Counter "sendit_sessions_resumed_total" (None),
        "Times that a client which was gone came back to its session.", |metrics, _| Numbers::one(metrics.resumed.get())),
    family!(Counter "sendit_carriers_renewed_total" (Some(values::<Wire>())),
        "Streaming carriers that followed another as planned; on v1 pairs of them.", |metrics, _| Numbers::of(&metrics.renewed)),
    family!(Counter "sendit_exchanges_total" (Some(values::<Status>())),
        "Exchanges with visitors that are over, by the class of their status.", |metrics, _| Numbers::of(&metrics.exchanges)),
    family!(Counter "sendit_exchange_errors_total" (Some(values::<Error>())),
        "Exchanges that the server answered itself, by what Sendit-Error said.", |metrics, _| Numbers::of(&metrics.errors)),
    family!(Gauge "sendit_exchanges_under_way" (None),
        "Exchanges under way, those of visitors who wait among them.", |_, now| Numbers::one(now.exchanges)),
    family!(Histogram "sendit_exchange_answer_seconds" (None),
        "How long the head of an answer took, from that of its request on; what the server answered itself is not in it.", |metrics, _| Numbers::times(&metrics.answered)),
    family!(Histogram "sendit_exchange_duration_seconds" (None),
        "How long an exchange took to its last byte, from the head of its request on.", |metrics, _| Numbers::times(&metrics.ended)),
    family!(Counter "sendit_exchange_bytes_total" (Some(("direction", &["up", "down"]))),
        "Bytes of visitors (up) and of services (down), of bodies and of what follows an upgrade, as they pass.", |_, now| Numbers::Each(now.bytes.into())),
    family!(Counter "sendit_visitors_held_total" (None),
        "Visitors who waited for a client that was gone, or late.", |metrics, _| Numbers::one(metrics.held.get())),
    family!(Counter "sendit_visitors_held_in_vain_total" (None),
        "Those of them whose wait ended before it was back.", |metrics, _| Numbers::one(metrics.held_in_vain.get())),
    family!(Counter "sendit_visitors_displaced_total" (None),
        "Visitors who only listened for an answer, and made room for others.", |metrics, _| Numbers::one(metrics.displaced.get())),
    family!(Counter "sendit_cluster_passed_total" (Some(values::<Passed>())),
        "Requests that another of several servers was passed, which counts them as exchanges.", |metrics, _| Numbers::of(&metrics.passed_on)),
    family!(Gauge "sendit_cluster_nodes" (None),
        "Servers behind one address that this one knows, itself among them; 0 where it is alone.", |_, now| Numbers::one(now.cluster.nodes)),
    family!(Gauge "sendit_cluster_may_answer" (None),
        "Whether one of several servers may answer for the tunnels that it has; 0 also where it is alone.", |_, now| Numbers::one(now.cluster.may_answer.into())),
    family!(Counter "sendit_cluster_lookups_total" (None),
        "Prefixes of which one of several servers had to find out who has them.", |_, now| Numbers::one(now.cluster.lookups[0])),
    family!(Counter "sendit_cluster_lookups_known_total" (None),
        "Those of them that it knew, and did not ask the engine for.", |_, now| Numbers::one(now.cluster.lookups[1])),
    family!(Counter "sendit_cluster_claims_total" (Some(("outcome", &["granted", "refused"]))),
        "Prefixes that one of several servers asked the engine for, by what came of it.", |_, now| Numbers::Each(now.cluster.claims.into())),
    family!(Counter "sendit_cluster_claims_lost_total" (None),
        "Prefixes that it had and another server took, while it could not answer.", |_, now| Numbers::one(now.cluster.claims_lost)),
    family!(Counter "sendit_cluster_renewals_total" (Some(("outcome", &["kept", "failed"]))),
        "Renewals of the lease that one of several servers has at the engine, by what came of them.", |_, now| Numbers::Each(now.cluster.renewals.into())),
    family!(Counter "sendit_cluster_leases_lost_total" (None),
        "Leases that the engine no longer knew: it was emptied, or the server was away for too long.", |_, now| Numbers::one(now.cluster.leases_lost)),
    family!(Gauge "sendit_visitors_waiting" (None),
        "Visitors who wait for a client that is gone, or for another exchange to end.", |_, now| Numbers::one(now.waiting)),
    family!(Gauge "sendit_connections" (None),
        "Connections, of visitors and clients.", |_, now| Numbers::one(now.connections)),
    family!(Gauge "sendit_replay_bytes" (None),
        "Bytes that are kept for all clients until they acknowledge them.", |_, now| Numbers::one(now.replay)),
    family!(Gauge "sendit_certificate_expiry_timestamp_seconds" (None),
        "Until when the certificate is good that is shown, in Unix seconds; 0 where none is.", |metrics, _| Numbers::one(metrics.certificate_until.get())),
    family!(Counter "sendit_certificates_asked_total" (Some(values::<Issuance>())),
        "Certificates that the server asked a directory for, by what came of it.", |metrics, _| Numbers::of(&metrics.issuances)),
    family!(Gauge "sendit_limit" (Some(("of", &["sessions", "exchanges", "connections", "replay_bytes"]))),
        "How many there may be.", |_, now| Numbers::Each(now.limits.into())),
];
