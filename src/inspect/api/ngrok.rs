//! The part of ngrok's local API that scripts use most, in its shapes: which tunnels there are, what was asked, and asking it
//! again. Ours is in `list.rs`; this knows the same exchanges by other names. (ngrok agent 3, Agent API)

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Api;
use super::answer::{Refusal, done, json};
use super::list::limit;
use super::replay::{given, parse, read};
use super::summary::text;
use crate::inspect::{Exchange, Message};
use crate::wire::stamp;

/// What a tunnel is called that was started from a command line.
const NAME: &str = "command_line";

/// How many are listed where nobody says how many.
const LIMIT: usize = 50;

#[derive(Serialize)]
struct Tunnels {
    tunnels: Vec<Tunnel>,
    uri: &'static str,
}

#[derive(Serialize)]
struct Tunnel {
    name: String,
    #[serde(rename = "ID")]
    id: String,
    uri: String,
    public_url: String,
    proto: String,
    config: Config,
    metrics: Metrics,
}

#[derive(Serialize)]
struct Config {
    addr: String,
    inspect: bool,
}

#[derive(Serialize)]
struct Metrics {
    conns: Rates,
    http: Rates,
}

/// Only the count is kept here.
#[derive(Serialize)]
struct Rates {
    count: u64,
    gauge: u64,
    rate1: f64,
    rate5: f64,
    rate15: f64,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
}

#[derive(Serialize)]
struct Requests {
    requests: Vec<Entry>,
    uri: &'static str,
}

#[derive(Serialize)]
struct Entry {
    uri: String,
    id: String,
    tunnel_name: String,
    remote_addr: String,
    start: String,
    /// In nanoseconds.
    duration: u64,
    request: Asked,
    response: Option<Answered>,
}

#[derive(Serialize)]
struct Asked {
    method: String,
    proto: String,
    headers: BTreeMap<String, Vec<String>>,
    uri: String,
    raw: String,
}

#[derive(Serialize)]
struct Answered {
    status: String,
    status_code: u16,
    proto: String,
    headers: BTreeMap<String, Vec<String>>,
    raw: String,
}

#[derive(Deserialize)]
struct Again {
    id: String,
    #[serde(rename = "tunnel_name", default, deserialize_with = "given")]
    _tunnel_name: Option<String>,
}

pub(super) async fn tunnels(State(api): State<Api>) -> Response {
    json(&Tunnels { tunnels: api.tunnels().map(|tunnel| Tunnel::of(tunnel, &api)).collect(), uri: "/api/tunnels" })
}

pub(super) async fn tunnel(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let unknown = || {
        let names: Vec<_> = api.tunnels().map(|tunnel| format!("`{}`", called(tunnel.name.as_deref()))).collect();
        let sentence = match &names[..] {
            [only] => format!("the only tunnel here is {only}"),
            names => format!("the tunnels here are {}", names.join(", ")),
        };
        Refusal::new(http::StatusCode::NOT_FOUND, sentence)
    };
    let found = api.tunnels().find(|tunnel| called(tunnel.name.as_deref()) == name);
    found.map(|tunnel| json(&Tunnel::of(tunnel, &api))).ok_or_else(unknown)
}

pub(super) async fn requests(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let (mut count, mut wanted) = (LIMIT, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "limit" => count = limit(&value)?,
            "tunnel_name" if !value.is_empty() => wanted = Some(value),
            _ => {}
        }
    }
    let is_wanted =
        |exchange: &Exchange| wanted.as_ref().is_none_or(|name| called(exchange.tunnel.as_deref()) == *name);
    let entry = |exchange: &Exchange| is_wanted(exchange).then(|| Entry::of(exchange));
    let requests = api.0.inspector.store().newest(count, None, entry);
    Ok(json(&Requests { requests, uri: "/api/requests/http" }))
}

pub(super) async fn request(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Refusal> {
    Ok(json(&Entry::of(&*api.exchange(&id)?)))
}

pub(super) async fn replay(State(api): State<Api>, body: Body) -> Result<Response, Refusal> {
    let bytes = read(body).await?;
    api.send_again(&parse::<Again>(&bytes)?.id).await?;
    Ok(done())
}

/// What a tunnel is called here.
fn called(name: Option<&str>) -> &str {
    name.unwrap_or(NAME)
}

impl Tunnel {
    fn of(tunnel: &super::Tunnel, api: &Api) -> Self {
        let name = called(tunnel.name.as_deref());
        // Those of all tunnels are counted together.
        let seen = api.0.inspector.store().totals().seen;
        let rates = |count| Rates {
            count,
            gauge: 0,
            rate1: 0.0,
            rate5: 0.0,
            rate15: 0.0,
            p50: 0.0,
            p90: 0.0,
            p95: 0.0,
            p99: 0.0,
        };
        Self {
            name: name.to_owned(),
            id: name.to_owned(),
            uri: format!("/api/tunnels/{name}"),
            public_url: tunnel.url.clone(),
            proto: tunnel.url.split(':').next().unwrap_or_default().to_owned(),
            config: Config { addr: tunnel.target.clone(), inspect: true },
            metrics: Metrics { conns: rates(seen), http: rates(seen) },
        }
    }
}

impl Entry {
    fn of(exchange: &Exchange) -> Self {
        let Exchange { id, request, response, timing, .. } = exchange;
        let visitor = request.header("x-forwarded-for").map(text).unwrap_or_default();
        Self {
            uri: format!("/api/requests/http/{id}"),
            id: id.to_string(),
            tunnel_name: called(exchange.tunnel.as_deref()).to_owned(),
            remote_addr: visitor.split(',').next().unwrap_or_default().trim().to_owned(),
            start: text(&stamp(exchange.started)),
            duration: timing.ended.map_or(0, |ended| u64::try_from(ended.as_nanos()).unwrap_or(u64::MAX)),
            request: Asked {
                method: text(request.method()),
                proto: word(request, 2),
                headers: headers(request),
                uri: text(request.path()),
                raw: raw(request),
            },
            response: response.as_ref().map(Answered::of),
        }
    }
}

impl Answered {
    fn of(response: &Message) -> Self {
        Self {
            status: text(response.start_line())
                .split_once(' ')
                .map(|(_, status)| status.to_owned())
                .unwrap_or_default(),
            status_code: response.status().unwrap_or_default(),
            proto: word(response, 0),
            headers: headers(response),
            raw: raw(response),
        }
    }
}

fn word(message: &Message, at: usize) -> String {
    message.start_line().split(|byte| *byte == b' ').nth(at).map(text).unwrap_or_default()
}

/// The values of each header, by its name as Go writes it.
fn headers(message: &Message) -> BTreeMap<String, Vec<String>> {
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in message.headers() {
        headers.entry(canonical(&text(name))).or_default().push(text(value));
    }
    headers
}

/// Each word of it begins with a capital.
fn canonical(name: &str) -> String {
    let mut begins = true;
    let turned = |c: char| {
        let turned = if begins { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        begins = c == '-';
        turned
    };
    name.chars().map(turned).collect()
}

/// Head and body, in base64.
fn raw(message: &Message) -> String {
    STANDARD.encode([message.head.as_slice(), &message.body.kept].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_go_writes_them() {
        for (name, expected) in
            [("content-type", "Content-Type"), ("X-GITHUB-event", "X-Github-Event"), ("", ""), ("-a", "-A")]
        {
            assert_eq!(canonical(name), expected);
        }
    }
}
