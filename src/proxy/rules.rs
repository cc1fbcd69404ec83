//! What a tunnel's hop does beyond what every hop does, as its client has asked for it and its server allows.

use http::HeaderValue;

use super::{Access, Trusted};

/// What one hop does. By default no more than every hop.
#[derive(Default)]
pub struct Rules {
    /// Whose word on where a visitor comes from is believed.
    pub trusted: Trusted,
    /// Who is let in.
    pub access: Access,
    /// What the target is told as its host; the visitor's word for it where there is none.
    pub host: Option<HeaderValue>,
    /// What becomes of the tunnel's own path.
    pub path: Path,
    /// What the target speaks.
    pub protocol: Protocol,
}

/// What becomes of the path below which visitors find the tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// The target sees it.
    #[default]
    Kept,
    /// The target does not, and what it says of its own paths is translated.
    Stripped,
}

/// What the target speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, on as many streams as there are exchanges at a time.
    #[default]
    Http1,
    /// HTTP/2 from the first byte on, on one stream.
    Http2,
}

/// What is left of a visitor's path and query below the tunnel's own path; none where it is not below. A path ends at a
/// segment: `/foo` is not above `/foobar`.
pub(super) fn strip(path_and_query: &str, place: &str) -> Option<String> {
    match path_and_query.strip_prefix(place)? {
        rest if rest.starts_with('/') => Some(rest.to_owned()),
        rest if rest.is_empty() || rest.starts_with('?') => Some(format!("/{rest}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, place: &str, expected: Option<&str>) {
        assert_eq!(strip(path, place).as_deref(), expected, "{path}");
    }

    #[test]
    fn a_path_ends_at_a_segment() {
        check("/foo/x?y", "/foo", Some("/x?y"));
        check("/foo/", "/foo", Some("/"));
        check("/foo", "/foo", Some("/"));
        check("/foo?y=/z", "/foo", Some("/?y=/z"));
        check("/foo//x/../%2F", "/foo", Some("//x/../%2F"));
        check("/a/foo/foo/x", "/a/foo", Some("/foo/x"));
        check("/foobar", "/foo", None);
        check("/foobar/x", "/foo", None);
        check("/", "/foo", None);
        check("/bar/foo/x", "/foo", None);
        check("*", "/foo", None);
    }
}
