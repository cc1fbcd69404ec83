//! What heads say of the framing of their messages, and of what follows them.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Status};

use super::Why;

/// How many headers are looked for at first, on the stack.
const FEW: usize = 64;

/// How many there may be.
const MAX_HEADERS: usize = 4_096;

/// How the end of a body is found. (RFC 9112, section 6.3)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// What of a request decides on the framing of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An answer has no body, whatever it says.
    Head,
    /// An answer of 2xx makes a tunnel of the connection.
    Connect,
    Other,
}

/// A request's head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) asked: Asked,
    pub(crate) framing: Framing,
    /// Its body may never come, for the answer is waited for before. (RFC 9110, section 10.1.1)
    pub(crate) expects: bool,
}

/// An answer's head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// Another follows.
    Interim,
    /// The connection goes over to another protocol.
    Upgraded(Upgrade),
    /// A body follows, a stream of events perhaps.
    Final { framing: Framing, events: bool },
}

/// What follows after an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upgrade {
    WebSocket,
    Other,
}

impl Request {
    /// The head that bytes begin with, and its length. None where it is not whole.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(usize, Self)>, Why> {
        let whole = few_or_many(|headers| {
            let mut request = httparse::Request::new(&mut []);
            let status = request.parse_with_uninit_headers(bytes, headers)?;
            let asked = match request.method {
                Some("HEAD") => Asked::Head,
                Some("CONNECT") => Asked::Connect,
                _ => Asked::Other,
            };
            Ok(complete(status).map(|length| (length, asked, Said::of(request.headers))))
        });
        let preface = bytes.starts_with(b"PRI * HTTP/2.0\r\n");
        let whole = whole.map_err(|error| if preface { "it is HTTP/2" } else { malformed(error) })?;
        let Some((length, asked, said)) = whole else { return Ok(None) };
        let framing = match said.framing? {
            None => Framing::Length(0),
            Some(Framing::UntilClose) => return Err("nothing says where the request ends"),
            Some(framing) => framing,
        };
        Ok(Some((length, Self { asked, framing, expects: said.expects })))
    }
}

impl Response {
    /// The same of an answer to such a request.
    pub(crate) fn parse(bytes: &[u8], asked: Asked) -> Result<Option<(usize, Self)>, Why> {
        let whole = few_or_many(|headers| {
            let mut response = httparse::Response::new(&mut []);
            let config = httparse::ParserConfig::default();
            let status = config.parse_response_with_uninit_headers(&mut response, bytes, headers)?;
            let code = response.code.unwrap_or_default();
            Ok(complete(status).map(|length| (length, code, Said::of(response.headers))))
        });
        let Some((length, code, said)) = whole.map_err(malformed)? else { return Ok(None) };
        let response = match (code, asked) {
            (101, _) => Self::Upgraded(said.upgrade),
            (100..200, _) => Self::Interim,
            (200..300, Asked::Connect) => Self::Upgraded(Upgrade::Other),
            (204 | 304, _) | (_, Asked::Head) => Self::Final { framing: Framing::Length(0), events: false },
            _ => Self::Final { framing: said.framing?.unwrap_or(Framing::UntilClose), events: said.events },
        };
        Ok(Some((length, response)))
    }
}

/// What headers say that matters here.
struct Said {
    /// None where nothing is said.
    framing: Result<Option<Framing>, Why>,
    expects: bool,
    upgrade: Upgrade,
    events: bool,
}

impl Said {
    fn of(headers: &[Header<'_>]) -> Self {
        let (mut length, mut coding, mut encoded) = (Ok(None), None, false);
        let mut said = Self { framing: Ok(None), expects: false, upgrade: Upgrade::Other, events: false };
        for Header { name, value } in headers {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            // Most are told apart by their length alone.
            match name.len() {
                6 if is("expect") => said.expects |= value.eq_ignore_ascii_case(b"100-continue"),
                7 if is("upgrade") && value.eq_ignore_ascii_case(b"websocket") => said.upgrade = Upgrade::WebSocket,
                12 if is("content-type") => said.events = is_event_stream(value),
                14 if is("content-length") => length = and_length(length, value),
                16 if is("content-encoding") => encoded |= !value.eq_ignore_ascii_case(b"identity"),
                17 if is("transfer-encoding") => coding = Some(*value),
                _ => {}
            }
        }
        said.events &= !encoded;
        // What is coded for the transfer has no other length. (RFC 9112, section 6.3)
        said.framing = coding.map_or(length, |coding| Ok(Some(framing_of(coding))));
        said
    }
}

/// A length beside those before it: they may be repeated, never differ.
fn and_length(before: Result<Option<Framing>, Why>, value: &[u8]) -> Result<Option<Framing>, Why> {
    let mut length = before?;
    for one in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        let digits = Some(one).filter(|one| one.iter().all(u8::is_ascii_digit));
        let one = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).map(Framing::Length);
        if one.is_none() || length.is_some_and(|length| Some(length) != one) {
            return Err("its length is none");
        }
        length = one;
    }
    Ok(length)
}

fn framing_of(coding: &[u8]) -> Framing {
    let last = coding.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
    if last.eq_ignore_ascii_case(b"chunked") { Framing::Chunked } else { Framing::UntilClose }
}

fn is_event_stream(value: &[u8]) -> bool {
    let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// Parses with room for a few headers, and where these are more, with room for many.
fn few_or_many<'b, T>(mut parse: impl FnMut(&mut [MaybeUninit<Header<'b>>]) -> Result<T, Error>) -> Result<T, Error> {
    match parse(&mut [const { MaybeUninit::uninit() }; FEW]) {
        Err(Error::TooManyHeaders) => parse(&mut vec![MaybeUninit::uninit(); MAX_HEADERS]),
        parsed => parsed,
    }
}

fn complete(status: Status<usize>) -> Option<usize> {
    if let Status::Complete(length) = status { Some(length) } else { None }
}

fn malformed(error: Error) -> Why {
    match error {
        Error::HeaderName => "a header's name is malformed",
        Error::HeaderValue => "a header's value is malformed",
        Error::NewLine => "a line of its head ends oddly",
        Error::Status => "its status is malformed",
        Error::Token => "its first line is malformed",
        Error::TooManyHeaders => "it has too many headers",
        Error::Version => "it is not HTTP/1.1",
    }
}
