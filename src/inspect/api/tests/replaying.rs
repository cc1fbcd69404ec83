//! Replays: what reaches the target, and what is refused before anything does.

use super::*;

const ORIGINAL: &str = "POST /orders HTTP/1.1\r\nHost: app.example\r\nX-Case: kEpT\r\nContent-Length: 4\r\n\r\nbody";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn place() -> Place {
    let place = Place::answering(OK).await;
    place.passed(ORIGINAL, OK);
    place
}

impl Place {
    fn reached(&self) -> String {
        String::from_utf8(self.reached.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn as_it_was() {
    let place = place().await;
    let answered = place.post("/api/requests/1/replay", b"").await;
    assert_eq!((answered.status, answered.text()), (200, r#"{"id":2,"signed":false}"#));
    assert_eq!(place.reached(), ORIGINAL.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    let new = place.get("/api/requests/2").await.json();
    assert_eq!((&new["replay_of"], &new["status"], &new["state"]), (&1.into(), &200.into(), &"done".into()));
    assert_eq!(new["response"]["body"]["text"], "ok");
}

#[tokio::test]
async fn edited() {
    let place = place().await;
    let edits = br#"{"method":"PUT","path":"/other?x=1","headers":[["Host","app.example"],["X-New","\u00e4"]],"body":"more than before"}"#;
    assert_eq!(place.post("/api/requests/1/replay", edits).await.status, 200);
    let expected = "PUT /other?x=1 HTTP/1.1\r\nHost: app.example\r\nX-New: ä\r\nContent-Length: 16\r\n\
                    Connection: close\r\n\r\nmore than before";
    assert_eq!(place.reached(), expected);
}

#[tokio::test]
async fn by_bytes_and_by_ngroks_path() {
    let one = place().await;
    assert_eq!(one.post("/api/requests/1/replay", br#"{"body_base64":"AAEC"}"#).await.status, 200);
    assert!(one.reached().ends_with("\r\n\r\n\0\x01\x02"));
    let other = place().await;
    let answered = other.post("/api/requests/http", br#"{"id":"1","tunnel_name":"command_line"}"#).await;
    assert_eq!((answered.status, answered.text()), (204, ""));
    assert!(other.reached().starts_with("POST /orders HTTP/1.1\r\n"));
}

#[tokio::test]
async fn what_cannot_be_meant_reaches_nobody() {
    let place = place().await;
    place.inspector.connection(Duration::ZERO).down(b"POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
    for (edits, status, sentence) in [
        ("{", 400, "the body cannot be meant: EOF"),
        (r#"{"url":"http://evil.example/"}"#, 400, "the body cannot be meant: unknown field `url`"),
        (r#"{"path":"http://evil.example/"}"#, 400, "`path` begins with `/`"),
        (r#"{"path":"/ HTTP/1.1\r\nX: y"}"#, 400, "is no path"),
        (r#"{"method":"GET /"}"#, 400, "is no method"),
        (r#"{"headers":[["a b","c"]]}"#, 400, "is no name of a header"),
        (r#"{"headers":[["a","b\r\nc: d"]]}"#, 400, "is more than a line"),
        (r#"{"body":"a","body_base64":"YQ=="}"#, 400, "and not both"),
        (r#"{"body":null}"#, 400, "the body cannot be meant: invalid type: null"),
        (r#"{"body_base64":"?"}"#, 400, "is no base64"),
    ] {
        let answered = place.post("/api/requests/1/replay", edits.as_bytes()).await;
        assert_eq!(answered.status, status, "{edits}: {}", answered.text());
        assert!(answered.error().contains(sentence), "{edits}: {}", answered.text());
    }
    assert_eq!(place.post("/api/requests/9/replay", b"").await.status, 404);
    assert_eq!(place.post("/api/requests/http", br#"{"id":"x"}"#).await.status, 404);
    assert_eq!(place.post("/api/requests/http", b"").await.status, 400);
    assert!(place.reached().is_empty());
}

#[tokio::test]
async fn of_a_body_that_was_cut_another_is_wanted() {
    let place = place().await;
    let tap = place.inspector.connection(Duration::ZERO);
    tap.down(b"POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n");
    tap.down(&vec![b'x'; 1_048_577]);
    tap.up(OK.as_bytes());
    let answered = place.post("/api/requests/2/replay", b"").await;
    assert_eq!(answered.status, 409);
    assert_eq!(answered.error(), "of that request's body only the beginning was kept; give one with the replay");
    let line = place.get("/api/requests/2/curl").await;
    assert_eq!((line.status, place.get("/api/requests/1/curl").await.status), (409, 200), "{}", line.text());
    assert_eq!(place.post("/api/requests/2/replay", br#"{"body":"new"}"#).await.status, 200);
    assert!(place.reached().ends_with("\r\n\r\nnew"));
}

#[tokio::test]
async fn a_target_that_is_down_is_told() {
    let place = Place::alone().await;
    place.passed(ORIGINAL, OK);
    let answered = place.post("/api/requests/1/replay", b"").await;
    assert_eq!((answered.status, answered.error().as_str()), (502, "nothing listens there"));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let place = place().await;
    let body = vec![b' '; replay::MAX_BODY + 1];
    let answered = place.post("/api/requests/1/replay", &body).await;
    assert_eq!(answered.status, 413, "{}", answered.text());
    assert!(place.reached().is_empty());
}

/// GitHub's request with this signature of `[]`, by the secret of these tests where it holds.
fn push(signature: &str) -> String {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: push\r\nContent-Length: 2\r\n";
    format!("{head}X-Hub-Signature-256: sha256={signature}\r\n\r\n[]")
}

/// What reached the target of a replay of that request, and what was answered.
async fn pushed(signature: &str, edits: &str) -> (String, String) {
    let place = place().await;
    place.passed(&push(signature), OK);
    let answered = place.post("/api/requests/2/replay", edits.as_bytes()).await;
    assert_eq!(answered.status, 200, "{}", answered.text());
    (place.reached(), answered.text().to_owned())
}

const SIGNED: &str = "53364a07fcc563e712f42cfc9de1e28e1e2d39f236cee430f112203e557aea3f";
const OF_BRACES: &str = "77325902caca812dc259733aacd046b73817372c777b8d95b402647474516e13";

#[tokio::test]
async fn webhooks_are_signed_afresh() {
    let (reached, answered) = pushed(SIGNED, r#"{"body":"{}"}"#).await;
    assert!(reached.contains(&format!("X-Hub-Signature-256: sha256={OF_BRACES}\r\n")), "{reached}");
    assert_eq!(answered, r#"{"id":3,"signed":true}"#);
    let (reached, answered) = pushed(SIGNED, r#"{"body":"{}","sign":false}"#).await;
    assert!(reached.contains(&format!("sha256={SIGNED}\r\n")), "{reached}");
    assert_eq!(answered, r#"{"id":3,"signed":false}"#);
}

/// A secret signs nothing that it has not signed before, nor over what somebody has put in its place.
#[tokio::test]
async fn forgeries_stay_forgeries() {
    for edits in ["", r#"{"body":"{}"}"#, r#"{"path":"/x","sign":true}"#] {
        let (reached, answered) = pushed("00", edits).await;
        assert!(reached.contains("X-Hub-Signature-256: sha256=00\r\n"), "{edits}: {reached}");
        assert_eq!(answered, r#"{"id":3,"signed":false}"#);
    }
    for (header, sent) in [("X-Hub-Signature-256", "sha256=01\r\n"), ("X-Other", "X-Other: sha256=01\r\n")] {
        let edits = format!(r#"{{"headers":[["X-GitHub-Event","push"],["{header}","sha256=01"]]}}"#);
        let (reached, answered) = pushed(SIGNED, &edits).await;
        assert!(reached.contains(sent) && !reached.contains(SIGNED), "{reached}");
        assert_eq!(answered, r#"{"id":3,"signed":false}"#);
    }
}

/// What was signed long ago was signed by its sender all the same.
#[tokio::test]
async fn an_old_webhook_is_signed_afresh() {
    let place = place().await;
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nStripe-Signature: t=1000,v1=";
    place.passed(&format!("{head}026360fb6284f077f1148b1ae7c62679730497810a6a0321574de01e8b009e7a\r\n\r\n{{}}"), OK);
    let webhook = place.get("/api/requests/2").await.json()["webhook"].clone();
    assert_eq!((&webhook["signature"], &webhook["renews"][0]), (&"invalid".into(), &"Stripe-Signature".into()));
    assert_eq!(place.post("/api/requests/2/replay", b"").await.text(), r#"{"id":3,"signed":true}"#);
    assert!(place.reached().contains("Stripe-Signature: t=1800000000,v1="), "{}", place.reached());
}
