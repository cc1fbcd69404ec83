//! Who may ask. Whatever runs in a browser on this machine can send requests here: any page that its user has open. So a
//! request has to name this place as its host, may not come from another origin, and has to show a token where it changes
//! something. Knows heads alone.

use std::net::SocketAddr;

use http::header::{HOST, HeaderName, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use subtle::ConstantTimeEq as _;

use super::answer::Refusal;

/// The header that a request shows the token in.
const TOKEN: &str = "sendit-token";

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What whoever changes something has to know: made for each run, told to the page and to whoever may read the status.
/// It has no `Debug`, so that it cannot reach a log.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new one, of 128 bits.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bits))))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares in a time that tells nothing of where they differ.
    fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}

/// What is asked of every request.
pub(super) struct Guard {
    /// The names under which this place is known, with their port.
    hosts: Vec<String>,
    token: Token,
}

impl Guard {
    /// The guard of what listens at `addr`.
    pub(super) fn new(addr: SocketAddr, token: Token) -> Self {
        let port = addr.port();
        let mut hosts: Vec<String> = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}")).into();
        hosts.push(addr.to_string());
        if port == 80 {
            // The one that is left out.
            hosts.extend(hosts.clone().iter().filter_map(|host| host.strip_suffix(":80").map(ToOwned::to_owned)));
        }
        Self { hosts, token }
    }

    /// Lets a request in, or says why not.
    pub(super) fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        let refused = |sentence| Err(Refusal::new(StatusCode::FORBIDDEN, sentence));
        if !self.is_for_this_place(head) {
            return refused(
                "this place goes by its address alone, such as `127.0.0.1:4040`; no other `Host` is answered",
            );
        }
        if !self.is_of_this_origin(&head.headers) || (is_of_another_site(&head.headers) && !is_visit(head)) {
            return refused("pages of another origin get no answer here");
        }
        if head.headers.contains_key(UPGRADE) {
            return refused("nothing else than HTTP/1.1 is spoken here");
        }
        if !matches!(head.method, Method::GET | Method::HEAD) && !self.shows_token(&head.headers) {
            return refused("this takes the header `Sendit-Token`, with the token that `/api/status` tells");
        }
        Ok(())
    }

    /// A name that somebody else's server gave this machine's address is none of ours: that is how a foreign page would
    /// become one of this origin (DNS rebinding).
    fn is_for_this_place(&self, head: &Parts) -> bool {
        let named = match head.uri.authority() {
            Some(authority) => self.is_own(authority.as_str()),
            None => true,
        };
        named && only(&head.headers, &HOST).is_some_and(|host| self.is_own(host))
    }

    fn is_own(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Browsers name the origin of whatever could change something; what names none is no page, or asks for its own.
    fn is_of_this_origin(&self, headers: &HeaderMap) -> bool {
        if !headers.contains_key(ORIGIN) {
            return true;
        }
        only(headers, &ORIGIN).and_then(|origin| origin.strip_prefix("http://")).is_some_and(|host| self.is_own(host))
    }

    fn shows_token(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(TOKEN).iter();
        shown.next().is_some_and(|token| self.token.is(token.as_bytes())) && shown.next().is_none()
    }
}

/// The value of a header that stands once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// `none` is what a person typed; `same-site` may be another port of this machine. (Fetch Metadata, section 2.3)
fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.get_all(FETCH_SITE).iter().any(|site| site != "same-origin" && site != "none")
}

/// Whether somebody follows a link to the page, which then is all that the window shows.
fn is_visit(head: &Parts) -> bool {
    let says = |name: &HeaderName, value: &str| only(&head.headers, name) == Some(value);
    head.method == Method::GET
        && head.uri.path() == "/"
        && says(&FETCH_MODE, "navigate")
        && says(&FETCH_DEST, "document")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// What is answered to a head, and which rule it breaks.
    #[track_caller]
    fn check(addr: &str, head: &str, expected: Result<(), &str>) {
        let guard = Guard::new(addr.parse().unwrap(), Token("secret".to_owned()));
        let (first, headers) = head.split_once(' ').unwrap();
        let mut words = headers.split('|');
        let mut request = Request::builder().method(first).uri(words.next().unwrap());
        for word in words {
            let (name, value) = word.split_once(':').unwrap();
            request = request.header(name, value);
        }
        let seen = guard.admit(&request.body(()).unwrap().into_parts().0);
        let seen = seen.as_ref().map_err(|refusal| refusal.sentence.as_str());
        match (seen, expected) {
            (Ok(&()), Ok(())) => {}
            (Err(seen), Err(expected)) if seen.contains(expected) => {}
            other => panic!("{addr} {head}: {other:?}"),
        }
    }

    #[test]
    fn hosts() {
        const HERE: &str = "127.0.0.1:4040";
        for host in ["127.0.0.1:4040", "localhost:4040", "LocalHost:4040", "[::1]:4040"] {
            check(HERE, &format!("GET /|host:{host}"), Ok(()));
        }
        for host in
            ["127.0.0.1", "127.0.0.1:4041", "evil.example:4040", "localhost.evil.example:4040", "127.0.0.2:4040", ""]
        {
            check(HERE, &format!("GET /|host:{host}"), Err("no other `Host`"));
        }
        check(HERE, "GET /", Err("no other `Host`"));
        check(HERE, "GET /|host:127.0.0.1:4040|host:127.0.0.1:4040", Err("no other `Host`"));
        check(HERE, "GET http://evil.example/|host:127.0.0.1:4040", Err("no other `Host`"));
        check(HERE, "GET http://localhost:4040/|host:localhost:4040", Ok(()));
        check("127.0.0.7:80", "GET /|host:127.0.0.7", Ok(()));
        check("[::1]:80", "GET /|host:[::1]", Ok(()));
    }

    #[test]
    fn origins() {
        let own = |rest: &str| format!("GET /api/requests|host:localhost:1|{rest}");
        check("127.0.0.1:1", &own("origin:http://localhost:1"), Ok(()));
        for origin in
            ["null", "http://evil.example", "https://localhost:1", "http://localhost:2", "http://localhost", ""]
        {
            check("127.0.0.1:1", &own(&format!("origin:{origin}")), Err("another origin"));
        }
        check("127.0.0.1:1", &own("origin:http://localhost:1|origin:http://localhost:1"), Err("another origin"));
        for site in ["cross-site", "same-site", "other"] {
            check("127.0.0.1:1", &own(&format!("sec-fetch-site:{site}")), Err("another origin"));
        }
        for site in ["same-origin", "none"] {
            check("127.0.0.1:1", &own(&format!("sec-fetch-site:{site}")), Ok(()));
        }
    }

    #[test]
    fn links_to_the_page_are_followed_and_nothing_else() {
        let visit = |method: &str, path: &str, mode: &str, dest: &str| {
            format!(
                "{method} {path}|host:localhost:1|sec-fetch-site:cross-site|sec-fetch-mode:{mode}|sec-fetch-dest:{dest}"
            )
        };
        check("127.0.0.1:1", &visit("GET", "/", "navigate", "document"), Ok(()));
        check("127.0.0.1:1", &visit("GET", "/?a", "navigate", "document"), Ok(()));
        check("127.0.0.1:1", &visit("GET", "/", "navigate", "iframe"), Err("another origin"));
        check("127.0.0.1:1", &visit("GET", "/", "no-cors", "script"), Err("another origin"));
        check("127.0.0.1:1", &visit("GET", "/api/requests", "navigate", "document"), Err("another origin"));
        check("127.0.0.1:1", &visit("POST", "/", "navigate", "document"), Err("another origin"));
    }

    #[test]
    fn whoever_changes_something_shows_the_token() {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let with = |token: &str| format!("{method} /|host:localhost:1{token}");
            check("127.0.0.1:1", &with(""), Err("`Sendit-Token`"));
            check("127.0.0.1:1", &with("|sendit-token:secreu"), Err("`Sendit-Token`"));
            check("127.0.0.1:1", &with("|sendit-token:secrets"), Err("`Sendit-Token`"));
            check("127.0.0.1:1", &with("|sendit-token:secret|sendit-token:secret"), Err("`Sendit-Token`"));
            check("127.0.0.1:1", &with("|sendit-token:secret"), Ok(()));
            check("127.0.0.1:1", &with("|sendit-token:secret|origin:http://evil.example"), Err("another origin"));
        }
        check("127.0.0.1:1", "HEAD /|host:localhost:1", Ok(()));
        check("127.0.0.1:1", "GET /|host:localhost:1|upgrade:websocket", Err("nothing else than HTTP/1.1"));
    }

    #[test]
    fn each_run_has_a_token_of_its_own() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!((one.0.len(), other.0.len()), (32, 32));
        assert!(!one.is(other.as_str().as_bytes()));
    }
}
