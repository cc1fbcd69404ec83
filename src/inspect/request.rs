//! A request by its parts, whoever keeps them: one that was seen, or one that is about to be sent. Knows nothing of what
//! they mean.

use std::borrow::Cow;

use super::exchange::Message;
use super::replay::Replay;

/// How many fields of a form are looked at where a webhook may be in it.
const MAX_FIELDS: usize = 1_000;

/// The parts of a request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a [u8],
    /// What it asks for: a path, with its query.
    pub path: &'a [u8],
    /// Names and values, in their order.
    pub headers: Vec<(&'a [u8], &'a [u8])>,
    /// Its body, or as much of it as is known.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// One that was seen.
    #[must_use]
    pub fn of(message: &'a Message) -> Self {
        Self {
            method: message.method(),
            path: message.path(),
            headers: message.headers().collect(),
            body: &message.body.kept,
        }
    }

    /// One that is to be sent.
    #[must_use]
    pub fn of_replay(replay: &'a Replay) -> Self {
        let headers = replay.headers.iter().map(|(name, value)| (name.as_slice(), value.trim_ascii()));
        Self { method: &replay.method, path: &replay.path, headers: headers.collect(), body: &replay.body }
    }

    /// The value of the first header of that name. What is no UTF-8 counts as empty.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))?;
        Some(std::str::from_utf8(value).unwrap_or_default())
    }

    /// The part of the path behind the first question mark.
    pub(super) fn query(&self) -> &'a [u8] {
        let mark = self.path.iter().position(|byte| *byte == b'?');
        mark.map(|mark| &self.path[mark + 1..]).unwrap_or_default()
    }

    /// The fields of the body, where it is a form.
    pub(super) fn form(&self) -> Option<impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a>> {
        let media_type = self.header("content-type")?.split(';').next()?.trim();
        let is_form = media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        is_form.then(|| form_urlencoded::parse(self.body))
    }

    /// The first fields of the body, where it is a form: more than any sender of webhooks has, and no more than can be gone
    /// through again and again, for anybody may send a form of very many.
    pub(super) fn first_fields(&self) -> Option<impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a>> {
        Some(self.form()?.take(MAX_FIELDS))
    }

    /// The first field of that name among the first of the body, where it is a form.
    pub(super) fn field(&self, name: &str) -> Option<Cow<'a, str>> {
        self.first_fields()?.find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: usize, expected: Option<&str>) {
        let headers = vec![(b"content-type".as_slice(), b"application/x-www-form-urlencoded".as_slice())];
        let body = ["a=&".repeat(before).as_bytes(), b"name=value"].concat();
        let request = Request { method: b"POST", path: b"/", headers, body: &body };
        assert_eq!(request.field("name").as_deref(), expected);
    }

    #[test]
    fn a_form_without_end_is_not_gone_through() {
        check(0, Some("value"));
        check(MAX_FIELDS - 1, Some("value"));
        check(MAX_FIELDS, None);
    }
}
