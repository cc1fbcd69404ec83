//! Where a session's carriers go: to where `open` was answered or, where several servers stand behind that address, straight to
//! the one that has the session.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Url;

/// The ways to a session's server.
#[derive(Debug)]
pub(super) struct Way {
    /// What stands before `/.well-known` where `open` was answered.
    asked: Url,
    /// The same at the server that has the session, where it has an address of its own.
    straight: Option<Url>,
    /// Nobody was reached there, as a firewall may have it, or that server's end. Any other brings carriers there as well.
    is_shut: AtomicBool,
}

impl Way {
    /// To where `open` was answered at `asked`, whose path ends in `path`; and, where that is as safe, straight to the URL that
    /// the answer names.
    pub(super) fn new(asked: &Url, path: &str, straight: Option<&str>) -> Self {
        let mut base = asked.clone();
        base.set_path(asked.path().strip_suffix(path).unwrap_or_default());
        base.set_query(None);
        let is_safe = |url: &Url| url.scheme() == "https" || url.scheme() == base.scheme() && url.scheme() == "http";
        let straight = straight.and_then(|url| Url::parse(url).ok()).filter(is_safe);
        Self { straight: straight.filter(Url::has_host), asked: base, is_shut: AtomicBool::new(false) }
    }

    /// The URL of a control endpoint, and whether it leads straight there.
    pub(super) fn to(&self, path: &str) -> (Url, bool) {
        let straight = self.straight.as_ref().filter(|_| !self.is_shut.load(Ordering::Relaxed));
        let mut url = straight.unwrap_or(&self.asked).clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        (url, straight.is_some())
    }

    /// Nobody was reached straight: carriers go the other way from now on.
    pub(super) fn shut(&self) {
        if !self.is_shut.swap(true, Ordering::Relaxed) {
            tracing::debug!("the server that has the session is not reached straight");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, straight: Option<&str>, first: &str, then: &str) {
        let way = Way::new(&asked.parse().unwrap(), "/open", straight);
        let is_straight = first != then;
        assert_eq!(way.to("/read"), (first.parse().unwrap(), is_straight), "{asked} {straight:?}");
        way.shut();
        assert_eq!(way.to("/read"), (then.parse().unwrap(), false), "{asked} {straight:?}");
    }

    #[test]
    fn carriers_go_straight_where_that_is_as_safe_until_nobody_is_reached() {
        let there = "https://a.example/below/read";
        check("https://a.example/below/open", None, there, there);
        check("https://a.example/below/open", Some("https://n1.example"), "https://n1.example/read", there);
        check(
            "https://a.example/below/open",
            Some("https://n1.example/below/"),
            "https://n1.example/below/read",
            there,
        );
        check("https://a.example/below/open", Some("http://n1.example"), there, there);
        check("https://a.example/below/open", Some("ftp://n1.example"), there, there);
        check("https://a.example/below/open", Some("no url"), there, there);
        check("http://a:1/open", Some("http://b:2"), "http://b:2/read", "http://a:1/read");
        check("http://a:1/open", Some("https://b"), "https://b/read", "http://a:1/read");
    }
}
