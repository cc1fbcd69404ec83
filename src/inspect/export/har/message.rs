//! Requests and answers, as an archive has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::cookies::{self, Cookie};
use crate::inspect::address::{Address, Site};
use crate::inspect::exchange::{Body, Message};
use crate::inspect::request::Request;
use crate::inspect::show::show;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    method: String,
    url: String,
    http_version: String,
    cookies: Vec<Cookie>,
    headers: Vec<Pair>,
    query_string: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<Posted>,
    headers_size: usize,
    body_size: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answered {
    status: u16,
    status_text: String,
    http_version: String,
    cookies: Vec<Cookie>,
    headers: Vec<Pair>,
    content: Content,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
    headers_size: i64,
    body_size: i64,
}

#[derive(Debug, Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    mime_type: String,
    params: Vec<Pair>,
    text: String,
    /// The standard has no place for bytes that are no text in what is asked.
    #[serde(rename = "_encoding", skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: u64,
    /// How many bytes were saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<i128>,
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl Asked {
    pub(super) fn of(message: &Message, site: Option<&Site>) -> Self {
        let request = Request::of(message);
        // Without a host there is no URL, and a URL there has to be.
        let unknown = || format!("http://unknown.invalid{}", String::from_utf8_lossy(request.path));
        let query = form_urlencoded::parse(request.query());
        Self {
            method: lossy(request.method),
            url: Address::of(&request, site).map_or_else(unknown, |address| address.to_string()),
            http_version: lossy(message.start_line().split(|byte| *byte == b' ').nth(2).unwrap_or_default()),
            cookies: cookies::asked(message),
            headers: pairs(message),
            query_string: query.map(|(name, value)| Pair { name: name.into(), value: value.into() }).collect(),
            post_data: (message.body.size > 0).then(|| Posted::of(message, &request)),
            headers_size: message.head.len(),
            body_size: message.body.size,
        }
    }
}

impl Posted {
    fn of(message: &Message, request: &Request<'_>) -> Self {
        let (text, encoding) = text(&message.body.kept);
        let fields = request.form().into_iter().flatten();
        Self {
            mime_type: media_type(message),
            params: fields.map(|(name, value)| Pair { name: name.into(), value: value.into() }).collect(),
            text,
            encoding,
            comment: cut(&message.body),
        }
    }
}

impl Answered {
    pub(super) fn of(message: &Message) -> Self {
        let mut words = message.start_line().splitn(3, |byte| *byte == b' ');
        let (version, reason) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        let location = message.header("location").unwrap_or_default();
        Self {
            status: message.status().unwrap_or_default(),
            status_text: lossy(reason),
            http_version: lossy(version),
            cookies: cookies::answered(message),
            headers: pairs(message),
            content: Content::of(message),
            redirect_url: lossy(location),
            headers_size: message.head.len().try_into().unwrap_or(-1),
            body_size: message.body.size.try_into().unwrap_or(-1),
        }
    }

    /// Browsers write a status of 0 where there was no answer.
    pub(super) fn none() -> Self {
        Self { headers_size: -1, body_size: -1, ..Self::of(&Message::default()) }
    }
}

impl Content {
    /// Inflated where that can be, as the standard wants it.
    fn of(message: &Message) -> Self {
        let (body, shown) = (&message.body, show(message));
        let inflated = shown.decoded.then_some(shown.bytes);
        let size = inflated.as_ref().map_or(body.size, |bytes| bytes.len() as u64);
        let is_something = body.size > 0;
        let (text, encoding) = text(inflated.as_deref().unwrap_or(&body.kept));
        let remarks: Vec<_> = [cut(body), shown.problem.filter(|_| is_something)].into_iter().flatten().collect();
        Self {
            size,
            compression: inflated.is_some().then(|| i128::from(size) - i128::from(body.size)),
            mime_type: media_type(message),
            text: is_something.then_some(text),
            encoding: encoding.filter(|_| is_something),
            comment: (!remarks.is_empty()).then(|| remarks.join("; ")),
        }
    }
}

pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn media_type(message: &Message) -> String {
    lossy(message.header("content-type").unwrap_or_default())
}

fn pairs(message: &Message) -> Vec<Pair> {
    message.headers().map(|(name, value)| Pair { name: lossy(name), value: lossy(value) }).collect()
}

/// A body, in base64 where it is no text.
fn text(body: &[u8]) -> (String, Option<&'static str>) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (STANDARD.encode(body), Some("base64")),
    }
}

fn cut(body: &Body) -> Option<String> {
    body.is_cut().then(|| format!("only {} of {} bytes were kept", body.kept.len(), body.size))
}
