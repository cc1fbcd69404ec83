//! What a target says to a browser that would hold for the whole origin, which all tunnels of a server share: it is
//! confined to the target's own tunnel. A pure function of the headers.

use http::HeaderName;
use http::header::{HeaderMap, HeaderValue};

use super::headers::{drop_all, has};
use super::rewrite::Outside;

const SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");
const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");

/// Whether a header is good for the origin or not at all, so that it goes.
fn is_origin_wide(name: &str) -> bool {
    matches!(
        name,
        // Takes cookies, storage and cache from every tunnel of the server, with one visit to one of them.
        "clear-site-data"
        // Leads the visitors of every tunnel to another port or host; what the target says of its own ports is wrong at
        // the public address anyway.
        | "alt-svc"
        // Has browsers report the addresses of every tunnel, where something fails there, to whom the target names.
        | "nel"
    )
}

/// How a visitor's request bears on what the answer may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// For a service worker's script, at the tunnel's path without a slash behind it.
    WorkerAtThePlace,
    /// For anything else.
    Other,
}

impl Asks {
    /// What a request, whose visitor sees `path`, asks for at a tunnel that is at `place`.
    pub(super) fn of(headers: &HeaderMap, path: &str, place: &str) -> Self {
        if path == place && has(headers, &SERVICE_WORKER) { Self::WorkerAtThePlace } else { Self::Other }
    }
}

/// Confines an answer.
pub(super) fn confine(headers: &mut HeaderMap, outside: &Outside, asks: Asks) {
    drop_all(headers, is_origin_wide);
    // Without the header a script may serve what is below its own folder. For one at `/my-app` that is `/`: every
    // tunnel. (Service Workers, "Update", step on the maximum scope)
    let said = if has(headers, &SERVICE_WORKER_ALLOWED) { headers.remove(SERVICE_WORKER_ALLOWED) } else { None };
    if said.is_some() || asks == Asks::WorkerAtThePlace {
        let text = said.as_ref().and_then(|value| value.to_str().ok());
        let scope = text.and_then(|text| scope(text, outside));
        let scope = scope.unwrap_or_else(|| format!("{}/", outside.place()));
        if let Ok(scope) = HeaderValue::try_from(scope) {
            headers.insert(SERVICE_WORKER_ALLOWED, scope);
        }
    }
}

/// The part of a service worker's scope that is the tunnel's; none where that is all of it. A scope is compared
/// letter by letter, so `/my-app` without a slash would be good for `/my-apps` too.
fn scope(text: &str, outside: &Outside) -> Option<String> {
    let scope = outside.inside(text)?;
    scope.strip_prefix(outside.place()).is_some_and(|rest| rest.starts_with('/')).then_some(scope)
}

#[cfg(test)]
mod tests {
    use super::super::forwarded::Called;
    use super::super::rules::Path;
    use super::*;

    #[track_caller]
    fn check(path: Path, asked: &str, asks: Asks, before: &[(&'static str, &str)], scope: Option<&str>) {
        let named = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        let mut headers: HeaderMap = before.iter().map(named).collect();
        headers.insert("x-other", HeaderValue::from_static("1"));
        let outside = Outside::of(Called::default(), &HeaderMap::new(), "/my-app", path, &asked.parse().unwrap());
        confine(&mut headers, &outside, asks);
        let mut expected = HeaderMap::from_iter([(HeaderName::from_static("x-other"), HeaderValue::from_static("1"))]);
        expected.extend(scope.map(|scope| (SERVICE_WORKER_ALLOWED, scope.parse().unwrap())));
        assert_eq!(headers, expected, "{path:?} {before:?}");
    }

    #[test]
    fn what_holds_for_the_origin_goes() {
        let all = [("clear-site-data", "\"*\""), ("alt-svc", "h3=\":443\""), ("nel", "{}")];
        check(Path::Kept, "/my-app/x", Asks::Other, &all, None);
        check(Path::Stripped, "/x", Asks::Other, &all, None);
    }

    #[test]
    fn service_workers_stay_below_the_tunnel() {
        for (said, scope) in [
            ("/", "/my-app/"),
            ("/my-app", "/my-app/"),
            ("/my-app/", "/my-app/"),
            ("/my-app/x", "/my-app/x"),
            ("/my-apps/", "/my-app/"),
            ("/my-app/../other/", "/my-app/"),
            ("/other/", "/my-app/"),
            ("../", "/my-app/"),
            ("./", "/my-app/js/"),
            ("https://b.example/my-app/", "/my-app/"),
            ("", "/my-app/js/sw.js"),
        ] {
            check(Path::Kept, "/my-app/js/sw.js", Asks::Other, &[("service-worker-allowed", said)], Some(scope));
        }
        for (said, scope) in [
            ("/", "/my-app/"),
            ("/x/", "/my-app/x/"),
            ("/my-app", "/my-app/"),
            ("/my-app/x", "/my-app/x"),
            ("/my-apps/", "/my-app/my-apps/"),
            ("/../other/", "/my-app/other/"),
            ("../../", "/my-app/"),
            ("./", "/my-app/js/"),
            ("//b.example/", "/my-app/"),
        ] {
            check(Path::Stripped, "/js/sw.js", Asks::Other, &[("service-worker-allowed", said)], Some(scope));
        }
        check(Path::Stripped, "/js/sw.js", Asks::Other, &[], None);
    }

    #[test]
    fn a_script_at_the_tunnels_own_path_serves_no_more_than_the_tunnel() {
        check(Path::Kept, "/my-app", Asks::WorkerAtThePlace, &[], Some("/my-app/"));
        check(Path::Stripped, "/", Asks::WorkerAtThePlace, &[("service-worker-allowed", "/")], Some("/my-app/"));
        let script = HeaderMap::from_iter([(SERVICE_WORKER, HeaderValue::from_static("script"))]);
        assert_eq!(Asks::of(&script, "/my-app", "/my-app"), Asks::WorkerAtThePlace);
        assert_eq!(Asks::of(&script, "/my-app/", "/my-app"), Asks::Other);
        assert_eq!(Asks::of(&HeaderMap::new(), "/my-app", "/my-app"), Asks::Other);
    }
}
