//! What a client may ask that only measures the path: a session without a prefix, and paced bodies each way. Whatever
//! it asks is bounded, and takes as much proving as a carrier.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, VIA};
use http::{StatusCode, Version};
use tokio::time::{sleep, timeout};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::open::{asked, bearer, millis, refusal};
use super::uploads::MAX_BATCH;
use super::{json, octets, prove, refused};
use crate::auth::{Claims, Glob};
use crate::pipe::v2::{Marks, Paced, marks};
use crate::server::Server;
use crate::server::public::{caller, origin};
use crate::wire::Prefix;
use crate::wire::v2::measure::{
    Arrival, Examined, MAX_MEASURE, MAX_PLAN_MS, MEASURE_DOWN, MEASURE_UP, Mark, Plan, TokenTerms, Wanted,
};
use crate::wire::v2::{Given, Manner};

/// How long a measured request may take as a whole, however slowly it moves.
const DEADLINE: Duration = Duration::from_millis(MAX_PLAN_MS);

/// How many `Via` headers are repeated.
const MAX_VIA: usize = 8;

/// `POST examine`: a session to measure with.
pub(in crate::server) async fn open(State(server): State<Server>, request: Request) -> Response {
    let token = bearer(request.headers());
    let from = origin(&server, &request);
    let claims = match server.admit(&token, caller(&request).address()).await {
        Ok(claims) => claims,
        Err(denied) => return refusal(&server, denied),
    };
    let wanted: Wanted = match asked(request.into_body()).await {
        Ok(wanted) => wanted,
        Err(refusal) => return *refusal,
    };
    let prefix = match wanted.prefix.map(|prefix| prefix.parse::<Prefix>()).transpose() {
        Ok(None) => None,
        Ok(Some(prefix)) => Some(server.prefix_state(claims.as_ref(), &token, &prefix).await),
        Err(_) => return refusal(&server, crate::server::open::Denied::InvalidPrefix),
    };
    let terms = claims.as_ref().map(|claims| terms(claims, (server.0.config.clock)()));
    match server.open_examination(claims, &token, from) {
        Ok((session, attendance)) => {
            let examined = Examined {
                given: Given {
                    session: session.id().to_string(),
                    secret: attendance.secret.reveal().to_owned(),
                    grace_ms: millis(attendance.grace()),
                    batch: MAX_BATCH,
                    hold_ms: 0,
                    url: None,
                    carriers: None,
                    granted: Vec::new(),
                },
                server: concat!("sendit/", env!("CARGO_PKG_VERSION")).to_owned(),
                wires: ["v1", "v2"].map(ToOwned::to_owned).to_vec(),
                token: terms,
                prefix,
            };
            json(StatusCode::OK, &examined)
        }
        Err(denied) => refusal(&server, denied),
    }
}

fn terms(claims: &Claims, now: u64) -> TokenTerms {
    let prefixes = claims.prefixes.iter().map(Glob::as_str).map(ToOwned::to_owned).collect();
    TokenTerms { prefixes, ends_in_s: claims.expiry.map(|expiry| expiry.saturating_sub(now)) }
}

/// `POST measure/down`: an answer as it was asked for. A trial's comes piece by piece, a batch's complete, once its
/// time has come.
pub(in crate::server) async fn down(State(server): State<Server>, request: Request) -> Response {
    let proved = match prove(&server, MEASURE_DOWN, request.headers()) {
        Ok(proved) => proved,
        Err(refusal) => return *refusal,
    };
    let plan: Plan = match asked(request.into_body()).await {
        Ok(plan) => plan,
        Err(refusal) => return *refusal,
    };
    if !plan.is_bounded() {
        return refused(StatusCode::BAD_REQUEST, "bad-request", "the plan is longer than a server goes along with");
    }
    let pieces = plan.pieces.iter().map(|piece| (Duration::from_millis(piece.after_ms), piece.bytes));
    if proved.carrier.manner != Manner::Batch {
        let ended = Box::pin(proved.session.ended().clone().cancelled_owned());
        return octets(Body::new(Lasting { body: Paced::new(pieces.collect()), ended }));
    }
    let (mut wait, mut bytes) = (Duration::ZERO, 0);
    for (after, more) in pieces {
        (wait, bytes) = (wait + after, MAX_BATCH.min(bytes + more));
    }
    tokio::select! {
        () = sleep(wait) => octets(Body::from(Bytes::from(vec![0; bytes]))),
        () = proved.session.ended().cancelled() => over(),
    }
}

fn over() -> Response {
    refused(StatusCode::GONE, "unknown-session", "the session has ended")
}

/// A paced answer for as long as its session lasts.
struct Lasting {
    body: Paced,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl http_body::Body for Lasting {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        let this = self.get_mut();
        if this.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())));
        }
        Pin::new(&mut this.body).poll_frame(cx).map_err(|never| match never {})
    }
}

/// `POST measure/up`: says how the request arrived.
pub(in crate::server) async fn up(State(server): State<Server>, request: Request) -> Response {
    let proved = match prove(&server, MEASURE_UP, request.headers()) {
        Ok(proved) => proved,
        Err(refusal) => return *refusal,
    };
    let (version, headers) = (request.version(), request.headers().clone());
    let seen = tokio::select! {
        seen = timeout(DEADLINE, marks(request.into_body(), MAX_MEASURE)) => seen,
        () = proved.session.ended().cancelled() => return over(),
    };
    match seen {
        Ok(seen) if seen.bytes() > MAX_MEASURE => {
            refused(StatusCode::PAYLOAD_TOO_LARGE, "bad-request", "the measure is longer than 16 MiB")
        }
        Ok(seen) if seen.whole => json(StatusCode::OK, &arrival(version, &headers, &seen)),
        Ok(_) => refused(StatusCode::BAD_REQUEST, "bad-request", "the measure was cut"),
        Err(_) => refused(StatusCode::REQUEST_TIMEOUT, "bad-request", "the measure did not end within 10 min"),
    }
}

fn arrival(version: Version, headers: &HeaderMap, seen: &Marks) -> Arrival {
    let via = headers.get_all(VIA).iter().filter_map(|value| value.to_str().ok());
    let mark = |(at, bytes): &(Duration, u64)| Mark { at_ms: millis(*at), bytes: *bytes };
    Arrival {
        http: format!("{version:?}").trim_start_matches("HTTP/").to_owned(),
        length_known: headers.contains_key(CONTENT_LENGTH),
        via: via.take(MAX_VIA).map(ToOwned::to_owned).collect(),
        marks: seen.marks.iter().map(mark).collect(),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::time::Instant;
    use tower_service::Service as _;

    use super::*;
    use crate::server::Config;
    use crate::wire::v2::{self, Carrier, Given, Secret};

    async fn post(server: &Server, path: &str, proof: Option<(&Carrier, &Secret)>, body: Body) -> Response {
        let mut request = Request::builder().method("POST").uri(path);
        if let Some((carrier, secret)) = proof {
            request = request
                .header(v2::SESSION_HEADER, carrier.session.as_str())
                .header(v2::EPOCH_HEADER, carrier.epoch)
                .header(v2::OFFSET_HEADER, carrier.offset)
                .header(v2::MANNER_HEADER, carrier.manner.as_str())
                .header(v2::PROOF_HEADER, secret.prove(path, carrier));
        }
        server.router().call(request.body(body).unwrap()).await.unwrap()
    }

    async fn examined(server: &Server) -> (Carrier, Secret) {
        let answer = post(server, v2::measure::EXAMINE, None, Body::from("{}")).await;
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let Examined { given: Given { session, secret, .. }, .. } = serde_json::from_slice(&body).unwrap();
        let (session, secret) = (session.parse().unwrap(), secret.parse().unwrap());
        (Carrier { session, epoch: 1, offset: 0, manner: Manner::Trial, digest: None }, secret)
    }

    #[tokio::test(start_paused = true)]
    async fn an_examination_holds_no_prefix_and_ends_without_its_client() {
        let server = Server::new(Config::new(None, || 0));
        let (carrier, _) = examined(&server).await;
        let session = server.0.registry.by_id(&carrier.session).expect("it is there");
        assert!(server.0.registry.by_prefix(session.prefix().as_str()).is_none());
        let begin = Instant::now();
        session.ended().cancelled().await;
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_measured_is_proved_and_bounded() {
        let server = Server::new(Config::new(None, || 0));
        let (carrier, secret) = examined(&server).await;
        let proof = Some((&carrier, &secret));
        let plan = |count| format!("{{\"pieces\":[{}]}}", vec!["{\"after_ms\":250,\"bytes\":12}"; count].join(","));
        for (proof, count, expected) in [(None, 1, 400), (proof, 129, 400), (proof, 2, 200)] {
            let answer = post(&server, MEASURE_DOWN, proof, Body::from(plan(count))).await;
            assert_eq!(answer.status(), expected, "{count}");
            if expected == 200 {
                let begin = Instant::now();
                assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), 24);
                assert_eq!(begin.elapsed(), Duration::from_millis(500));
            }
        }
        let most = usize::try_from(MAX_MEASURE).unwrap();
        for (bytes, expected) in [(0, 200), (most, 200), (most + 1, 413)] {
            let answer = post(&server, MEASURE_UP, proof, Body::from(vec![0; bytes])).await;
            assert_eq!(answer.status(), expected, "{bytes}");
        }
        assert_eq!(post(&server, MEASURE_UP, None, Body::empty()).await.status(), 400);
        let other = Secret::from_random([9; 32]);
        assert_eq!(post(&server, MEASURE_UP, Some((&carrier, &other)), Body::empty()).await.status(), 401);
    }
}
