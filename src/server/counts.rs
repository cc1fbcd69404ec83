//! What the server counts, and what there is at the moment that somebody asks. Knows no names of metrics.

use std::sync::atomic::Ordering;

use super::cluster::Cluster;
use super::open::Denied;
use super::{Inner, Life, Limits, Server};
use crate::metrics::{Error, Issuance, Metrics, Now, Refusal, Status, Wire};
use crate::proxy::Fault;

/// Counts an exchange that is over: one without a status was left by its visitor before there was an answer.
pub(super) fn exchange(metrics: &Metrics, status: Option<u16>, fault: Option<Fault>) {
    metrics.exchanges.count(status.map_or(Status::Unanswered, Status::of));
    if let Some(fault) = fault {
        metrics.errors.count(fault.into());
        if fault == Fault::Displaced {
            metrics.displaced.count();
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::UnknownPrefix => Self::UnknownPrefix,
            Fault::Undecided => Self::Undecided,
            Fault::ClientOffline | Fault::ClientLost => Self::ClientOffline,
            Fault::TargetRefused => Self::TargetRefused,
            Fault::TargetBadResponse | Fault::TargetSpeaksTls => Self::TargetBadResponse,
            Fault::TargetTimeout => Self::TargetTimeout,
            Fault::Limit | Fault::Displaced | Fault::Stopping => Self::Limit,
            Fault::BadRequest | Fault::UriTooLong | Fault::HeadTooLarge => Self::BadRequest,
            Fault::Unauthorized => Self::Unauthorized,
            Fault::Forbidden => Self::Forbidden,
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Token => Self::Token,
            Denied::Revoked => Self::Revoked,
            Denied::InvalidPrefix | Denied::ForbiddenPrefix => Self::Prefix,
            Denied::PrefixInUse => Self::InUse,
            Denied::TooMany | Denied::TooManyOfToken | Denied::Throttled(_) => Self::Limit,
            Denied::Draining => Self::Stopping,
            Denied::Moving | Denied::Undecided => Self::Undecided,
        }
    }
}

impl Server {
    /// What has been counted so far, as a page that Prometheus reads; [`CONTENT_TYPE`](crate::metrics::CONTENT_TYPE) is its
    /// type.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.0.metrics.page(&self.now())
    }

    /// Notes that no listener has a certificate yet, so that this server is not ready before it has one.
    pub fn await_certificate(&self) {
        self.0.awaits_certificate.store(true, Ordering::Relaxed);
    }

    /// Notes until when the certificate is good that a listener shows.
    pub fn note_certificate(&self, life: Life) {
        self.0.metrics.certificate_until.set(life.until);
        self.0.awaits_certificate.store(false, Ordering::Relaxed);
    }

    pub(super) fn awaits_certificate(&self) -> bool {
        self.0.awaits_certificate.load(Ordering::Relaxed)
    }

    /// Notes what came of asking for a certificate.
    pub fn note_issuance(&self, outcome: Issuance) {
        self.0.metrics.issuances.count(outcome);
    }

    fn now(&self) -> Now {
        let Inner { config, registry, budget, connections, places, traffic, began, .. } = &*self.0;
        let sessions = registry.all();
        let of_wire = |wire| sessions.iter().filter(|session| session.link().wire() == wire).count() as u64;
        let Limits { sessions: most, exchanges, connections: most_connections, replay, .. } = config.limits;
        Now {
            started: *began,
            sessions: [of_wire(Wire::V1), of_wire(Wire::V2)],
            away: sessions.iter().filter(|session| !session.is_attended()).count() as u64,
            exchanges: places.taken() as u64,
            waiting: sessions.iter().map(|session| session.waiting() as u64).sum(),
            connections: connections.number() as u64,
            bytes: [traffic.up(), traffic.down()],
            replay: budget.used() as u64,
            limits: [most, exchanges, most_connections, replay.saturating_mul(1024 * 1024)].map(|most| most as u64),
            cluster: config.cluster.as_ref().map(Cluster::counts).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use tower_service::Service as _;

    use super::*;
    use crate::metrics::Label as _;
    use crate::server::Config;
    use crate::wire;

    #[track_caller]
    fn check(server: &Server, lines: &[&str]) {
        let page = server.metrics();
        for expected in lines {
            assert!(page.lines().any(|line| line == *expected), "{expected}: {page}");
        }
    }

    async fn ask(server: &Server, method: &str, path: &str) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let _ = server.router().call(request).await;
    }

    #[tokio::test]
    async fn what_is_refused_is_counted() {
        let server = Server::new(Config::new(None, || 7));
        check(&server, &["process_start_time_seconds 7", "sendit_limit{of=\"sessions\"} 1000"]);
        ask(&server, "GET", "/nobody").await;
        ask(&server, "GET", "/nobody/else").await;
        ask(&server, "POST", wire::v1::OPEN).await;
        check(
            &server,
            &[
                "sendit_exchanges_total{status=\"4xx\"} 2",
                "sendit_exchange_errors_total{error=\"unknown-prefix\"} 2",
                "sendit_exchange_duration_seconds_count 2",
                "sendit_exchange_answer_seconds_count 0",
                "sendit_exchange_bytes_total{direction=\"down\"} 68",
                "sendit_sessions_refused_total{reason=\"prefix\"} 1",
                "sendit_exchanges_under_way 0",
            ],
        );
    }

    #[test]
    fn a_certificate_has_an_end_once_it_is_shown() {
        let server = Server::new(Config::new(None, || 0));
        let until = "sendit_certificate_expiry_timestamp_seconds";
        check(&server, &[&format!("{until} 0")]);
        server.note_certificate(Life { from: 1, until: 7 });
        server.note_issuance(Issuance::Failed);
        let failed = "sendit_certificates_asked_total{outcome=\"failed\"} 1";
        check(&server, &[&format!("{until} 7"), failed, "sendit_certificates_asked_total{outcome=\"issued\"} 0"]);
    }

    #[test]
    fn a_visitor_who_makes_room_is_counted_as_one_and_as_an_error() {
        let server = Server::new(Config::new(None, || 0));
        for fault in [Fault::Displaced, Fault::Limit] {
            exchange(&server.0.metrics, Some(fault.status().as_u16()), Some(fault));
        }
        check(&server, &["sendit_visitors_displaced_total 1", "sendit_exchange_errors_total{error=\"limit\"} 2"]);
    }

    #[test]
    fn an_error_is_counted_under_the_name_that_visitors_see() {
        for fault in [
            Fault::UnknownPrefix,
            Fault::Undecided,
            Fault::ClientOffline,
            Fault::ClientLost,
            Fault::TargetRefused,
            Fault::TargetBadResponse,
            Fault::TargetSpeaksTls,
            Fault::TargetTimeout,
            Fault::Limit,
            Fault::Displaced,
            Fault::Stopping,
            Fault::BadRequest,
            Fault::UriTooLong,
            Fault::HeadTooLarge,
            Fault::Unauthorized,
            Fault::Forbidden,
        ] {
            assert_eq!(Error::VALUES[Error::from(fault).place()], fault.code(), "{fault:?}");
        }
    }
}
