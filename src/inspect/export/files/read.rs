//! From a text to the requests that it holds: those of [`super::write`], and what a person has made of them or written by hand.

use super::{ANSWER, BESIDE, Recorded, SEPARATOR, is_comment};
use crate::inspect::Replay;

/// Why a text holds no requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Unreadable {
    /// The number of the line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// The requests of a text, in their order. `beside` gives what a file beside it holds, or says why it cannot.
///
/// # Errors
/// Where a request cannot be meant, or what it names is not there.
pub fn read(text: &[u8], mut beside: impl FnMut(&str) -> Result<Vec<u8>, String>) -> Result<Vec<Recorded>, Unreadable> {
    let mut found: Vec<Recorded> = Vec::new();
    let mut rest = Lines { rest: text, number: 0 };
    while let Some((number, line)) = rest.next() {
        if let Some(answer) = line.strip_prefix(ANSWER) {
            if let Some(last) = found.last_mut() {
                last.status = last.status.or_else(|| status(answer));
            }
        } else if !line.is_empty() && !line.starts_with(SEPARATOR) && !is_comment(line) {
            let request = request(number, line, &mut rest, &mut beside)?;
            found.push(Recorded { request, status: None });
        }
    }
    Ok(found)
}

fn request(
    number: usize,
    line: &[u8],
    rest: &mut Lines<'_>,
    beside: &mut impl FnMut(&str) -> Result<Vec<u8>, String>,
) -> Result<Replay, Unreadable> {
    let (method, target) = first(line).ok_or_else(|| {
        wrong(number, "a request begins with a method and a path, such as `POST /my-app/hook HTTP/1.1`")
    })?;
    let (host, path) = origin(target);
    let mut headers = Vec::new();
    let ended = loop {
        match rest.peek() {
            None => break true,
            Some((_, line)) if line.starts_with(SEPARATOR) => break true,
            Some((_, [])) => break false,
            Some((_, line)) if is_comment(line) => {}
            Some((number, line)) => {
                let header = header(line).ok_or_else(|| wrong(number, "a header is `Name: value`"))?;
                headers.push(header);
            }
        }
        rest.next();
    };
    let is_host = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"host");
    if let Some(host) = host.filter(|_| !headers.iter().any(is_host)) {
        headers.insert(0, (b"Host".to_vec(), host.to_vec()));
    }
    let body = if ended { Vec::new() } else { body(rest, beside)? };
    Ok(Replay { method: method.to_vec(), path: path.to_vec(), headers, body })
}

/// Method and target of a request's first line. The version may be missing.
fn first(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (method, target, version) = (words.next()?, words.next()?, words.next());
    let good = version.is_none_or(|version| version.starts_with(b"HTTP/")) && words.next().is_none();
    good.then_some((method, target))
}

/// Host and path of a target, which may be a whole URL.
fn origin(target: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let scheme = [&b"http://"[..], b"https://"].into_iter().find_map(|scheme| target.strip_prefix(scheme));
    let Some(rest) = scheme else { return (None, target) };
    match rest.iter().position(|byte| *byte == b'/') {
        Some(at) => (Some(&rest[..at]), &rest[at..]),
        None => (Some(rest), b"/"),
    }
}

fn header(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = line.iter().position(|byte| *byte == b':')?;
    let name = &line[..at];
    let plain = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    plain.then(|| (name.to_vec(), line[at + 1..].trim_ascii().to_vec()))
}

/// All up to the line that ends the request, without the end of the last line; or what a file holds.
fn body(rest: &mut Lines<'_>, beside: &mut impl FnMut(&str) -> Result<Vec<u8>, String>) -> Result<Vec<u8>, Unreadable> {
    // The line that ends the head.
    rest.next();
    let begin = rest.rest;
    let (number, first) = rest.peek().unwrap_or_default();
    while rest.peek().is_some_and(|(_, line)| !line.starts_with(SEPARATOR)) {
        rest.next();
    }
    if let Some(name) = first.strip_prefix(BESIDE) {
        let name = std::str::from_utf8(name).map(str::trim_end).ok().filter(|name| is_beside(name));
        let name = name.ok_or_else(|| wrong(number, "`< ./NAME` names a file of the same folder"))?;
        return beside(name).map_err(|why| wrong(number, &why));
    }
    let body = &begin[..begin.len() - rest.rest.len()];
    Ok(body.strip_suffix(b"\n").unwrap_or(body).to_vec())
}

/// Nothing from anywhere else gets into a request.
fn is_beside(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', ':']) && name != ".."
}

fn status(answer: &[u8]) -> Option<u16> {
    let mut words = answer.split(|byte| *byte == b' ');
    words.next()?.starts_with(b"HTTP/").then_some(())?;
    std::str::from_utf8(words.next()?).ok()?.parse().ok().filter(|status| (100..1_000).contains(status))
}

fn wrong(line: usize, why: &str) -> Unreadable {
    Unreadable { line, why: why.to_owned() }
}

/// Lines without their ends, and what follows them.
#[derive(Clone, Copy)]
struct Lines<'a> {
    rest: &'a [u8],
    /// Of the line before.
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        (self.rest, self.number) = (rest, self.number + 1);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some((self.number, line.strip_suffix(b"\r").unwrap_or(line)))
    }

    fn peek(mut self) -> Option<(usize, &'a [u8])> {
        self.next()
    }
}
