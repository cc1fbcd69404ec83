//! Cookies, as an archive has them: by their parts. (RFC 6265, sections 4.1.1 and 4.2.1)

use serde::Serialize;

use crate::inspect::exchange::Message;

/// One cookie.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cookie {
    name: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    http_only: bool,
    secure: bool,
}

/// Those that a request brings.
pub(super) fn asked(message: &Message) -> Vec<Cookie> {
    values(message, "cookie").flat_map(|line| line.split(';').filter_map(named).collect::<Vec<_>>()).collect()
}

/// Those that an answer sets.
pub(super) fn answered(message: &Message) -> Vec<Cookie> {
    values(message, "set-cookie").filter_map(|line| set(&line)).collect()
}

fn values(message: &Message, name: &'static str) -> impl Iterator<Item = String> {
    let lines = message.headers().filter(move |(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
    lines.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

fn named(pair: &str) -> Option<Cookie> {
    let (name, value) = pair.trim().split_once('=')?;
    Some(Cookie { name: name.trim().to_owned(), value: value.trim().to_owned(), ..Cookie::default() })
}

fn set(line: &str) -> Option<Cookie> {
    let mut parts = line.split(';');
    let mut cookie = named(parts.next()?)?;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "path" => cookie.path = Some(value.to_owned()),
            "domain" => cookie.domain = Some(value.to_owned()),
            "httponly" => cookie.http_only = true,
            "secure" => cookie.secure = true,
            _ => {}
        }
    }
    Some(cookie)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(lines: &str) -> Message {
        Message { head: format!("x\r\n{lines}\r\n").into_bytes(), ..Message::default() }
    }

    #[test]
    fn cookies_by_their_parts() {
        let seen = asked(&message("Cookie: a=1; b = 2=3; c; ;d=\r\ncookie: e=5\r\n"));
        let seen: Vec<_> = seen.iter().map(|cookie| (cookie.name.as_str(), cookie.value.as_str())).collect();
        assert_eq!(seen, [("a", "1"), ("b", "2=3"), ("d", ""), ("e", "5")]);

        let seen = answered(&message("Set-Cookie: a=1; Path=/x; Domain=b.example; HttpOnly; SECURE; Max-Age=1\r\n"));
        let full = Cookie {
            name: "a".to_owned(),
            value: "1".to_owned(),
            path: Some("/x".to_owned()),
            domain: Some("b.example".to_owned()),
            http_only: true,
            secure: true,
        };
        assert_eq!(seen, [full]);
        assert_eq!(answered(&message("Set-Cookie: nothing\r\nSet-Cookie:\r\n")), []);
    }
}
