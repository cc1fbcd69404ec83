//! A target's words on its own addresses, in terms of those by which visitors reach it, where its path or its host is
//! not what visitors see. Pure functions of text; bodies are never touched.

use std::borrow::Cow;

use http::header::{CONTENT_LOCATION, HeaderMap, HeaderValue, LOCATION};
use http::uri::PathAndQuery;
use url::Url;

use super::cookies;
use super::forwarded::{Called, X_FORWARDED_PREFIX};
use super::headers::has;
use super::rules::Path;

/// How a tunnel looks to the visitor of one exchange, and how to its target.
#[derive(Clone, Debug)]
pub(super) struct Outside<'a> {
    /// Whether the host is the tunnel's own.
    own_host: bool,
    /// Below which path visitors find the tunnel; without a slash at its end.
    place: Cow<'a, str>,
    path: Path,
    /// By which scheme and host visitors call, and which host the target is told. Few answers need any of this, so it is kept
    /// as it came.
    called: Called,
    /// The path that the target is asked for.
    asked: PathAndQuery,
}

impl<'a> Outside<'a> {
    /// How a tunnel at `place` looks that is `called` so. Of `headers`, in which the visitor has been introduced, a proxy
    /// that has stripped a path is heeded. `asked` is the target's path.
    pub(super) fn of(called: Called, headers: &HeaderMap, place: &'a str, path: Path, asked: &PathAndQuery) -> Self {
        let own_host = place.is_empty();
        // There is nothing to take off.
        let path = if own_host { Path::Kept } else { path };
        let place = match path {
            Path::Kept => place.into(),
            // A proxy of ours may have stripped a path as well, which comes before this one.
            Path::Stripped => format!("{}{place}", plain_path(text(headers.get(X_FORWARDED_PREFIX)))).into(),
        };
        Self { own_host, place, path, called, asked: asked.clone() }
    }

    /// Below which path visitors find the tunnel; without a slash at its end.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The path that the target was asked for.
    pub(super) fn asked(&self) -> &str {
        self.asked.as_str()
    }

    /// Translates what an answer says of addresses.
    pub(super) fn translate(&self, headers: &mut HeaderMap) {
        for name in [LOCATION, CONTENT_LOCATION] {
            if !has(headers, &name) {
                continue;
            }
            let said = headers.get(&name).and_then(|value| value.to_str().ok());
            if let Some(Ok(location)) = said.and_then(|text| self.location(text)).map(HeaderValue::try_from) {
                headers.insert(name, location);
            }
        }
        if self.own_host {
            cookies::keep_to_the_host(headers);
        } else if self.path == Path::Stripped {
            cookies::confine(headers, self);
        }
    }

    /// Where a reference leads, in the visitor's terms; none where it is right as it stands, or leads elsewhere.
    fn location(&self, reference: &str) -> Option<String> {
        let Some(authority) = Authority::of(reference) else { return self.relative(reference) };
        let rest = &reference[authority.end..];
        let host = text(self.called.host.as_ref());
        if authority.is(host) {
            return (self.path == Path::Stripped)
                .then(|| format!("{}{}", &reference[..authority.end], self.below(rest)));
        }
        // It names the host that it was told, which visitors do not know.
        let scheme = text(self.called.scheme.as_ref());
        authority.is(text(self.called.told.as_ref())).then(|| format!("{scheme}://{host}{}", self.below(rest)))
    }

    fn relative(&self, text: &str) -> Option<String> {
        let has_scheme = text.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':'));
        if self.path == Path::Kept || has_scheme || text.is_empty() {
            return None;
        }
        if text.starts_with('/') {
            return Some(self.below(text));
        }
        // Resolved against the path that the target knows: against the visitor's, `..` would leave the tunnel.
        self.resolve(text).map(|path| format!("{}{path}", self.place))
    }

    /// A path of the target's, with what may follow it, as visitors see it. One that begins with the tunnel's path
    /// already comes of a target that heeds `X-Forwarded-Prefix`.
    fn below(&self, rest: &str) -> String {
        if self.path == Path::Kept {
            return rest.to_owned();
        }
        // What begins with two slashes is a path here, and no host.
        let resolved = || Some(after_host(&Url::parse(&format!("http://target{rest}")).ok()?));
        let resolved = if has_dots(rest) { resolved() } else { None };
        let rest = resolved.as_deref().unwrap_or(rest);
        match rest {
            _ if self.is_above(rest) => rest.to_owned(),
            _ if rest.starts_with('/') => format!("{}{rest}", self.place),
            _ => format!("{}/{rest}", self.place),
        }
    }

    /// A reference to somewhere at the target, as a path that visitors see; none where it leads to another host.
    pub(super) fn inside(&self, reference: &str) -> Option<String> {
        self.resolve(reference).map(|path| self.below(&path))
    }

    /// Path, query and fragment of a reference, from the target's point of view; none where it leads to another host.
    fn resolve(&self, reference: &str) -> Option<String> {
        let base = Url::parse(&format!("http://target{}", self.asked)).ok()?;
        let url = base.join(reference).ok()?;
        let same = url.scheme() == "http" && url.host_str() == Some("target") && url.port().is_none();
        same.then(|| after_host(&url))
    }

    /// Whether a path is the tunnel's or below it, whatever follows it.
    pub(super) fn is_above(&self, path: &str) -> bool {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        path.strip_prefix(self.place()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn text(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Host and port of a reference that has them.
struct Authority<'a> {
    text: &'a str,
    /// Where it ends in the reference.
    end: usize,
}

impl<'a> Authority<'a> {
    fn of(reference: &'a str) -> Option<Self> {
        let schemes = ["http://", "https://", "//"];
        let begin = schemes
            .into_iter()
            .find(|scheme| reference.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)))?;
        let text = reference[begin.len()..].split(['/', '?', '#', '\\']).next().unwrap_or_default();
        Some(Self { text, end: begin.len() + text.len() })
    }

    /// Whether it is that host. A scheme's own port may be left out.
    fn is(&self, host: &str) -> bool {
        let bare = |text: &'a str| text.strip_suffix(":80").or_else(|| text.strip_suffix(":443")).unwrap_or(text);
        let other = host.strip_suffix(":80").or_else(|| host.strip_suffix(":443")).unwrap_or(host);
        !other.is_empty() && bare(self.text).eq_ignore_ascii_case(other)
    }
}

/// Path, query and fragment.
fn after_host(url: &Url) -> String {
    url[url::Position::BeforePath..].to_owned()
}

/// Whether there are segments that a browser resolves, in any spelling. (WHATWG URL, section 4.1)
fn has_dots(rest: &str) -> bool {
    let path = rest.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    ["/.", "%2e", "\\"].iter().any(|dots| path.contains(dots))
}

/// A path of plain segments without the slash at its end, or nothing.
fn plain_path(text: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let valid = text.starts_with('/') && !text.starts_with("//") && text.bytes().all(plain);
    if valid { text.trim_end_matches('/') } else { "" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A tunnel at `/my-app`, called as `https://a.example`, whose target is told `told`.
    fn outside(path: Path, told: &str, asked: &str) -> Outside<'static> {
        let said = |text: &str| HeaderValue::from_str(text).ok();
        let called = Called { scheme: said("https"), host: said("a.example"), told: said(told) };
        Outside::of(called, &HeaderMap::new(), "/my-app", path, &asked.parse().unwrap())
    }

    #[track_caller]
    fn check(outside: &Outside, said: &str, expected: &str) {
        let mut headers = HeaderMap::from_iter([LOCATION, CONTENT_LOCATION].map(|name| (name, said.parse().unwrap())));
        outside.translate(&mut headers);
        assert_eq!(headers[LOCATION], expected, "{said}");
        assert_eq!(headers[CONTENT_LOCATION], expected, "{said}");
    }

    #[test]
    fn locations_below_a_stripped_path() {
        let stripped = outside(Path::Stripped, "a.example", "/x/y?z");
        for [said, expected] in [
            ["/", "/my-app/"],
            ["/login?next=/x#top", "/my-app/login?next=/x#top"],
            ["/a%2Fb//c", "/my-app/a%2Fb//c"],
            ["/a|b?c=/../\"d\"", "/my-app/a|b?c=/../\"d\""],
            ["https://a.example/login", "https://a.example/my-app/login"],
            ["http://A.Example:80/login", "http://A.Example:80/my-app/login"],
            ["//a.example/login", "//a.example/my-app/login"],
            ["https://a.example", "https://a.example/my-app/"],
            ["https://a.example?q", "https://a.example/my-app/?q"],
            // A target that heeds `X-Forwarded-Prefix`.
            ["/my-app", "/my-app"],
            ["/my-app/login", "/my-app/login"],
            ["/my-app?q", "/my-app?q"],
            ["https://a.example/my-app/login", "https://a.example/my-app/login"],
            ["/my-apps", "/my-app/my-apps"],
            // What `..` means is the target's affair.
            ["/../other/", "/my-app/other/"],
            ["/my-app/../../other", "/my-app/other"],
            ["/a/%2e%2E/%2e./other", "/my-app/other"],
            ["https://a.example/my-app/../other", "https://a.example/my-app/other"],
            ["/a\\..\\..\\other", "/my-app/other"],
            ["https://a.example//b.example/../../../../other", "https://a.example/my-app/other"],
            ["z", "/my-app/x/z"],
            ["../z", "/my-app/z"],
            ["../../../z", "/my-app/z"],
            ["./", "/my-app/x/"],
            ["?q", "/my-app/x/y?q"],
            ["#f", "/my-app/x/y?z#f"],
            // Elsewhere.
            ["https://b.example/login", "https://b.example/login"],
            ["https://a.example:444/login", "https://a.example:444/login"],
            ["https://u@a.example/login", "https://u@a.example/login"],
            ["https://a.example.b.example/", "https://a.example.b.example/"],
            ["//b.example/login", "//b.example/login"],
            ["\\\\b.example/login", "\\\\b.example/login"],
            ["mailto:a@a.example", "mailto:a@a.example"],
            ["my.app:/path", "my.app:/path"],
            ["", ""],
        ] {
            check(&stripped, said, expected);
        }
        // At the tunnel's own path without a slash the visitor's folder is another than the target's.
        check(&outside(Path::Stripped, "a.example", "/"), "z", "/my-app/z");
        check(&outside(Path::Stripped, "a.example", "//b.example/x"), "../z", "/my-app//z");
        check(&outside(Path::Stripped, "a.example", "//"), "/.%2E/", "/my-app/");
    }

    #[test]
    fn locations_at_a_host_that_visitors_do_not_know() {
        let stripped = outside(Path::Stripped, "localhost:3000", "/x");
        check(&stripped, "http://localhost:3000/login", "https://a.example/my-app/login");
        check(&stripped, "//LOCALHOST:3000/login", "https://a.example/my-app/login");
        check(&stripped, "http://localhost:3001/login", "http://localhost:3001/login");
        check(&stripped, "https://a.example/login", "https://a.example/my-app/login");
        let kept = outside(Path::Kept, "localhost:3000", "/my-app/x");
        check(&kept, "http://localhost:3000/my-app/login", "https://a.example/my-app/login");
        check(&kept, "http://localhost:3000", "https://a.example");
        for same in ["https://a.example/login", "/login", "/../x", "../x", "https://b.example/"] {
            check(&kept, same, same);
        }
        for same in ["http://localhost:3000/x", "https://a.example/x", "/x"] {
            check(&outside(Path::Kept, "a.example", "/my-app/x"), same, same);
        }
    }

    #[test]
    fn a_path_that_a_proxy_has_stripped_comes_first() {
        for (outer, place) in [
            ("/outer", "/outer/my-app"),
            ("/outer/", "/outer/my-app"),
            ("/", "/my-app"),
            ("outer", "/my-app"),
            ("//b.example", "/my-app"),
            ("/a, /b", "/my-app"),
        ] {
            let headers = HeaderMap::from_iter([(X_FORWARDED_PREFIX, outer.parse().unwrap())]);
            let outside =
                Outside::of(Called::default(), &headers, "/my-app", Path::Stripped, &PathAndQuery::from_static("/"));
            assert_eq!(outside.place(), place, "{outer}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// As a browser resolves it.
        #[test]
        fn a_reference_to_a_path_stays_in_the_tunnel(
            said in "/?([a-z%2eE.]{1,4}/){0,4}[.a-z\\\\]{0,3}(\\?[/.]{0,4})?",
            asked in "(/[a-z]{0,3}){1,3}",
        ) {
            let stripped = outside(Path::Stripped, "a.example", &asked);
            let visitor = Url::parse(&format!("https://a.example/my-app{asked}")).unwrap();
            // What no browser can follow leads nowhere.
            let Ok(led) = visitor.join(&stripped.location(&said).unwrap_or(said.clone())) else { return Ok(()) };
            prop_assert!(said.is_empty() || led.host_str() != Some("a.example") || stripped.is_above(led.path()), "{said} {led}");
        }

        #[test]
        fn no_text_is_trouble(said in "\\PC*", asked in "/\\PC{0,9}") {
            if asked.parse::<PathAndQuery>().is_ok() {
                let _ = outside(Path::Stripped, "b.example", &asked).location(&said);
            }
        }
    }
}
