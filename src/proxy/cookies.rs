//! Cookies of a target whose path is stripped: they get no wider than its tunnel. A pure function of the headers.

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

use super::headers::has;
use super::rewrite::Outside;

/// Confines each cookie that an answer sets.
pub(super) fn confine(headers: &mut HeaderMap, outside: &Outside) {
    let cookies: Vec<_> = headers.get_all(SET_COOKIE).into_iter().map(|value| confined(value, outside)).collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
}

/// Keeps each cookie to the host that is the tunnel's own: one for the domain above it would be every tunnel's. What names
/// no domain is for the one host. (RFC 6265, section 5.3)
pub(super) fn keep_to_the_host(headers: &mut HeaderMap) {
    if !has(headers, &SET_COOKIE) {
        return;
    }
    let cookies: Vec<_> = headers.get_all(SET_COOKIE).into_iter().map(of_the_host).collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
}

fn of_the_host(value: &HeaderValue) -> HeaderValue {
    let mut parts = value.as_bytes().split(|byte| *byte == b';');
    let mut cookie = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
        if !name.trim_ascii().eq_ignore_ascii_case(b"domain") {
            cookie.push(b';');
            cookie.extend(part);
        }
    }
    HeaderValue::from_bytes(&cookie).unwrap_or_else(|_| value.clone())
}

/// A cookie for no more than the tunnel. A path that is missing or is none is the folder of what was asked for
/// (RFC 6265, section 5.1.4), and of several the last counts.
///
/// One with the name `__Host-…` browsers take for `/` alone; they refuse it then, which is better than that the other
/// tunnels of the server get it.
fn confined(value: &HeaderValue, outside: &Outside) -> HeaderValue {
    let mut parts = value.as_bytes().split(|byte| *byte == b';');
    let mut cookie = parts.next().unwrap_or_default().to_vec();
    let mut has_path = false;
    for part in parts {
        let (name, path) = part.split_at(part.iter().position(|byte| *byte == b'=').unwrap_or(part.len()));
        if name.trim_ascii().eq_ignore_ascii_case(b"path") {
            has_path = true;
            push_path(&mut cookie, path.get(1..).unwrap_or_default(), outside);
        } else {
            cookie.push(b';');
            cookie.extend(part);
        }
    }
    if !has_path {
        push_path(&mut cookie, b"", outside);
    }
    HeaderValue::from_bytes(&cookie).unwrap_or_else(|_| value.clone())
}

fn push_path(cookie: &mut Vec<u8>, path: &[u8], outside: &Outside) {
    let folder = outside.asked().split('?').next().and_then(|path| path.rsplit_once('/')).map_or("", |cut| cut.0);
    let path = path.trim_ascii();
    let is_above = std::str::from_utf8(path).is_ok_and(|path| outside.is_above(path));
    cookie.extend(b"; Path=");
    match path {
        // A target that heeds `X-Forwarded-Prefix`.
        _ if is_above => cookie.extend(path),
        b"/" => cookie.extend(outside.place().as_bytes()),
        _ if path.starts_with(b"/") => cookie.extend([outside.place().as_bytes(), path].concat()),
        _ => cookie.extend([outside.place(), folder].concat().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::forwarded::Called;
    use super::super::rules::Path;
    use super::*;

    #[track_caller]
    fn check(asked: &str, said: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, said.parse().unwrap());
        headers.append(SET_COOKIE, "z=1; Path=/my-app/z".parse().unwrap());
        let outside =
            Outside::of(Called::default(), &HeaderMap::new(), "/my-app", Path::Stripped, &asked.parse().unwrap());
        confine(&mut headers, &outside);
        let seen: Vec<&HeaderValue> = headers.get_all(SET_COOKIE).into_iter().collect();
        assert_eq!(seen, [expected, "z=1; Path=/my-app/z"], "{said}");
    }

    #[test]
    fn cookies_get_no_wider_than_the_tunnel() {
        check("/x", "a=b; Path=/; Secure", "a=b; Path=/my-app; Secure");
        check("/x", "a=b;path = /admin/ ;HttpOnly", "a=b; Path=/my-app/admin/;HttpOnly");
        check("/x", "a=b; Path=/my-app", "a=b; Path=/my-app");
        check("/x", "a=b; PATH=/my-app/admin", "a=b; Path=/my-app/admin");
        check("/x", "a=b; Path=/my-apps", "a=b; Path=/my-app/my-apps");
        check("/", "a=b", "a=b; Path=/my-app");
        check("/x", "a=b; Secure", "a=b; Secure; Path=/my-app");
        check("/x/y/z?q=/r/", "a=b", "a=b; Path=/my-app/x/y");
        check("/x/y", "a=b; Path=here", "a=b; Path=/my-app/x");
        check("/x/y", "a=b; Path", "a=b; Path=/my-app/x");
        check("/x", "a=b; Path=/my-app; Path=/", "a=b; Path=/my-app; Path=/my-app");
        check("/x", "a=Path=/; Domain=a.example", "a=Path=/; Domain=a.example; Path=/my-app");
        check("/x", "", "; Path=/my-app");
    }

    #[test]
    fn a_cookie_is_no_other_hosts() {
        for (said, expected) in [
            ("a=b", "a=b"),
            ("a=b; Path=/x; Secure", "a=b; Path=/x; Secure"),
            ("a=b; Domain=t.example; Secure", "a=b; Secure"),
            ("a=b;domain = .t.example;HttpOnly;DOMAIN=x", "a=b;HttpOnly"),
            ("a=b; Domain", "a=b"),
            ("Domain=t.example", "Domain=t.example"),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(SET_COOKIE, said.parse().unwrap());
            headers.append(SET_COOKIE, "z=1".parse().unwrap());
            keep_to_the_host(&mut headers);
            let seen: Vec<&HeaderValue> = headers.get_all(SET_COOKIE).into_iter().collect();
            assert_eq!(seen, [expected, "z=1"], "{said}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_cookie_gets_out(
            said in "[a-z]{0,2}=?[a-z]{0,2}(; ?(Path|path|PATH|Secure|Domain) ?(= ?[/.a-z-]{0,12})?){0,4}",
            asked in "(/[a-z]{0,3}){1,3}",
        ) {
            let outside = Outside::of(Called::default(), &HeaderMap::new(), "/my-app", Path::Stripped, &asked.parse().unwrap());
            let cookie = confined(&said.parse().unwrap(), &outside);
            let attributes = cookie.to_str().unwrap().split(';').skip(1);
            let paths = attributes.filter_map(|attribute| attribute.split_once('=')).map(|(name, path)| (name.trim(), path.trim()));
            let last = paths.filter(|(name, _)| name.eq_ignore_ascii_case("path")).last().expect("a path").1.to_owned();
            prop_assert!(outside.is_above(&last), "{said} {cookie:?}");
        }
    }
}
