//! Hostile clients of wire v2, played by hand: what they bring is refused with a clear answer, at most their own session
//! ends by it, and nothing of theirs or of others is found in the log.

use serde_json::json;

use crate::v2::answer::{Answer, head, raw};
use crate::v2::record::{ack, attached, batch, data, last, record, skip, wanted};
use crate::v2::{Carrier, OPEN, READ, SECRET, Session, Stage, WRITE, ask, token};

/// A session of one's own may be ended by a lie, and nothing else.
#[tokio::test]
async fn lies_are_refused_and_end_at_most_the_session_of_who_tells_them() {
    let mut stage = Stage::set(&["--max-sessions-per-token", "100"]).await;
    let begun = [attached(0), ack(0)].concat();
    let after = |records: &[Vec<u8>]| [begun.clone(), records.concat()].concat();
    let far = 5 * 1024 * 1024;
    let lies = [
        // It has what it takes.
        ("honest", 0, batch(0, b""), "200", "", true),
        ("behind what has come", 0, after(&[last(0)]), "200", "", true),
        ("acknowledged ahead", 0, after(&[ack(1 << 40), last(0)]), "400", "bad-carrier", false),
        ("wanted ahead", 0, [attached(1 << 40), last(0)].concat(), "400", "bad-carrier", false),
        ("an unknown type", 0, after(&[record(9, b"x"), last(0)]), "400", "bad-carrier", false),
        ("an absurd length", 0, after(&[vec![5, 0xff, 0xff, 0xff], last(0)]), "400", "bad-carrier", false),
        ("a length that is not its type's", 0, after(&[record(2, b"1234567"), last(0)]), "400", "bad-carrier", false),
        ("a text that is none", 0, after(&[record(7, &[1, 0xff])]), "400", "bad-carrier", false),
        ("bytes after the last", 0, after(&[last(0), data(b"x")]), "400", "bad-carrier", false),
        ("passed over", 0, after(&[skip(9), last(9)]), "400", "bad-carrier", false),
        ("no frames of yamux", 0, batch(0, &[0xff; 100]), "200", "", false),
        ("ended early", 0, after(&[data(b"x")]), "400", "bad-carrier", true),
        ("another end than was reached", 0, after(&[last(1)]), "400", "bad-carrier", true),
        ("a header alone", 0, after(&[vec![0, 0]]), "400", "bad-carrier", true),
        ("nothing", 0, Vec::new(), "400", "bad-carrier", true),
        ("ahead of what is wanted", far, batch(far, b"x"), "200", "", true),
        ("at the end of all offsets", u64::MAX, after(&[data(b"x"), last(u64::MAX)]), "409", "gap", true),
    ];
    let mut secrets = Vec::new();
    for (number, (lie, offset, body, status, code, lives)) in lies.iter().enumerate() {
        let session = Session::open(&stage.server, &token("liar"), &format!("liar-{number}")).await;
        let carrier = session.carrier(WRITE, 1, *offset, "batch", body);
        let answer = session.send(&carrier).await;
        assert_eq!((answer.status(), &*answer.code()), (*status, *code), "{lie}");
        assert_eq!(session.ends_unless(*lives).await, *lives, "{lie}");
        secrets.extend([session.secret, carrier.proof]);
    }
    let session = Session::open(&stage.server, &token("liar"), "liar").await;
    let answer = session.send(&session.carrier(READ, 1, 1 << 40, "batch", b"")).await;
    assert_eq!((answer.status(), &*answer.code()), ("400", "bad-offset"));
    assert!(!session.ends_unless(false).await);
    secrets.extend([token("liar"), session.secret]);
    stage.unharmed(&secrets).await;
}

impl Session {
    /// Whether it lives, once it has had the time to end where that is awaited.
    async fn ends_unless(&self, lives: bool) -> bool {
        let ended = async { while self.lives().await {} };
        if lives { self.lives().await } else { tokio::time::timeout(crate::world::PATIENCE, ended).await.is_err() }
    }
}

#[track_caller]
fn check(answer: &Answer, what: &str, expected: (&str, &str)) {
    assert_eq!((answer.status(), &*answer.code()), expected, "{what}");
}

/// None of these ends a session, for whoever sends them has not proved to be its client.
#[tokio::test]
async fn a_carrier_that_is_not_proved_changes_nothing() {
    let mut stage = Stage::set(&[]).await;
    let mine = Session::open(&stage.server, &token("thief"), "mine").await;
    let theirs = Session::open(&stage.server, &token("owner"), "theirs").await;
    let write = |epoch| theirs.carrier(WRITE, epoch, 0, "batch", &batch(0, b""));
    check(&theirs.send(&write(5)).await, "honest", ("200", ""));
    let stream = [attached(0), ack(0), last(0)].concat();
    let stream = theirs.carrier(WRITE, 6, 0, "stream", &stream);
    check(&theirs.send(&stream).await, "honest", ("200", ""));
    let foreign = mine.carrier(WRITE, 7, 0, "batch", &batch(0, b""));
    let read = theirs.carrier(READ, 7, 0, "batch", b"");
    let (victim, unknown) = (stage.victim().await, "a5".repeat(32));
    let carriers = [
        ("of another's session", ("401", "bad-proof"), Carrier { session: victim.clone(), ..foreign.clone() }),
        ("proved with one's own secret", ("401", "bad-proof"), mine.prove(Carrier { session: victim, ..write(7) })),
        ("with another's proof", ("401", "bad-proof"), Carrier { proof: foreign.proof.clone(), ..write(7) }),
        ("with the proof of another path", ("401", "bad-proof"), Carrier { path: WRITE, ..read.clone() }),
        ("with a proof of another time", ("401", "bad-proof"), Carrier { proof: write(6).proof, ..write(7) }),
        ("in another manner", ("401", "bad-proof"), Carrier { manner: "stream", ..write(7) }),
        ("for another offset", ("401", "bad-proof"), Carrier { offset: "1".to_owned(), ..write(7) }),
        ("of another digest", ("401", "bad-proof"), Carrier { digest: foreign.digest.replace('A', "B") + "A", ..read }),
        ("without its digest", ("401", "bad-proof"), Carrier { digest: String::new(), ..write(7) }),
        (
            "without a digest to prove",
            ("400", "bad-digest"),
            theirs.prove(Carrier { digest: String::new(), ..write(7) }),
        ),
        ("without a proof", ("401", "bad-proof"), Carrier { proof: String::new(), ..write(7) }),
        ("with no base64", ("401", "bad-proof"), Carrier { proof: "&".repeat(43), ..write(7) }),
        ("once more", ("409", "stale"), stream),
        ("of an old epoch", ("409", "stale"), write(5)),
        ("of no session", ("410", "unknown-session"), mine.prove(Carrier { session: unknown, ..write(7) })),
        ("of a name that is none", ("400", "bad-carrier"), Carrier { session: "../x".to_owned(), ..write(7) }),
        ("of a signed epoch", ("400", "bad-carrier"), Carrier { epoch: "+7".to_owned(), ..write(7) }),
        ("of too large an epoch", ("400", "bad-carrier"), Carrier { epoch: "9".repeat(30), ..write(7) }),
        ("of an offset that is none", ("400", "bad-carrier"), Carrier { offset: "0x1".to_owned(), ..write(7) }),
        ("in no manner", ("400", "bad-carrier"), Carrier { manner: "torrent", ..write(7) }),
        ("without headers", ("400", "bad-carrier"), Carrier { session: String::new(), ..write(7) }),
    ];
    let mut secrets = vec![mine.secret.clone(), theirs.secret.clone(), token("thief"), token("owner")];
    for (what, expected, carrier) in carriers {
        let expected = if what == "of another digest" { ("400", "bad-carrier") } else { expected };
        check(&theirs.send(&carrier).await, what, expected);
        secrets.extend(Some(carrier.proof).filter(|proof| proof.len() > 1 && !proof.starts_with('&')));
    }
    assert!(mine.lives().await && theirs.lives().await);
    stage.unharmed(&secrets).await;
}

/// The link may be read by others where there is no TLS: a batch that was recorded can be sent again, and is then known
/// already; it cannot be sent with another body.
#[tokio::test]
async fn who_has_seen_the_head_of_a_batch_cannot_bring_another() {
    let mut stage = Stage::set(&[]).await;
    let session = Session::open(&stage.server, &token("owner"), "theirs").await;
    // Half of a frame's header, for which the multiplexer waits.
    let seen = session.carrier(WRITE, 1, 0, "batch", &batch(0, &[0, 1, 0, 1]));
    let close = [attached(0), ack(0), record(7, b"\x02gone"), last(0)].concat();
    let longer = batch(0, &[0, 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    for body in [close, longer, Vec::new()] {
        // Before it has come itself, and after.
        check(&session.send(&Carrier { body: body.clone(), ..seen.clone() }).await, "forged", ("400", "bad-digest"));
        assert_eq!(wanted(&session.send(&seen).await.body), 4, "the batch itself");
        check(&session.send(&Carrier { body, ..seen.clone() }).await, "forged", ("400", "bad-digest"));
    }
    assert!(session.lives().await);
    let long = session.carrier(WRITE, 1, 0, "batch", &vec![0; 600_000]);
    check(&session.send(&long).await, "too long", ("413", "too-large"));
    assert!(session.lives().await);
    stage.unharmed(&[session.secret, seen.proof]).await;
}

/// A trial can be sent again as often as anybody likes, and its proof does not cover its body.
#[tokio::test]
async fn who_has_seen_the_head_of_a_trial_changes_nothing() {
    let mut stage = Stage::set(&[]).await;
    let session = Session::open(&stage.server, &token("owner"), "theirs").await;
    let seen = session.carrier(WRITE, 1, 0, "trial", &[attached(0), last(0)].concat());
    for body in
        [record(9, b"x"), record(2, b"1234567"), record(7, b"\x02gone"), record(7, &[1, 0xff]), data(b"x"), skip(0)]
    {
        check(&session.send(&Carrier { body, ..seen.clone() }).await, "forged", ("400", "bad-carrier"));
        assert!(session.lives().await);
    }
    assert_eq!(session.send(&seen).await.status(), "200");
    stage.unharmed(&[session.secret, seen.proof]).await;
}

#[tokio::test]
async fn an_open_that_is_no_open_is_refused() {
    let mut stage = Stage::set(&["--max-failed-opens", "100"]).await;
    let (addr, good) = (stage.server.addr, token("me"));
    let (deep, long) = ("[".repeat(8_000), json!({ "prefix": "x".repeat(9_000) }).to_string());
    let prefix = json!({ "prefix": "my-app" }).to_string();
    for (what, token, body, expected) in [
        ("nothing", &*good, "", ("400", "bad-request")),
        ("no JSON", &good, "{\"prefix\":", ("400", "bad-request")),
        ("deep JSON", &good, &deep, ("400", "bad-request")),
        ("no object", &good, "[\"my-app\"]", ("400", "bad-request")),
        ("no prefix", &good, "{}", ("400", "bad-request")),
        ("no text", &good, "{\"prefix\": 1}", ("400", "bad-request")),
        ("two prefixes", &good, "{\"prefix\":\"abc\",\"prefix\":\"abd\"}", ("400", "bad-request")),
        ("control characters", &good, "{\"prefix\":\"a\\u0000\\u001b[2Jb\"}", ("400", "invalid-prefix")),
        ("a path", &good, "{\"prefix\":\"../etc\"}", ("400", "invalid-prefix")),
        ("too long", &good, &long, ("413", "bad-request")),
        ("no token", "", &prefix, ("401", "bad-token")),
        ("no token, and too long", "", &long, ("401", "bad-token")),
        ("a wrong token", &good[1..], &prefix, ("401", "bad-token")),
        ("a token for something else", &crate::go::token::mint(SECRET, "connect", ""), &prefix, ("401", "bad-token")),
        ("an endless token", &"x.".repeat(10_000), &prefix, ("401", "bad-token")),
    ] {
        check(&ask(addr, token, body).await, what, expected);
    }
    let nul = format!("POST {OPEN} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\0b\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(raw(addr, nul).await.status(), "400", "a head that is none");
    let flood = format!("POST {OPEN} HTTP/1.1\r\nHost: a\r\n{}", "X: y\r\n".repeat(100_000));
    assert_eq!(raw(addr, flood).await.status(), "431", "a head without end");
    let giant = head(OPEN, &format!("Authorization: Bearer {good}\r\n"), 1 << 40) + &"x".repeat(100_000);
    check(&raw(addr, giant).await, "a body without end", ("413", "bad-request"));
    stage.unharmed(&[good]).await;
}

/// Whoever has a token may be slow for 10 s, and is then told; who has none is not waited for.
#[tokio::test]
async fn a_slow_open_is_told_and_keeps_nobody_waiting() {
    let mut stage = Stage::set(&["--max-failed-opens", "100"]).await;
    let addr = stage.server.addr;
    let request = |token: &str| head(OPEN, &format!("Authorization: Bearer {token}\r\n"), 100) + "{";
    let slow = futures_util::future::join_all((0..50).map(|_| raw(addr, request(&token("slow")))));
    let meanwhile = async {
        check(&raw(addr, request("x.y.z")).await, "no token", ("401", "bad-token"));
        let session = Session::open(&stage.server, &token("quick"), "quick").await;
        assert!(session.lives().await);
        stage.unharmed(&[token("slow"), session.secret]).await;
    };
    let (answers, ()) = tokio::join!(slow, meanwhile);
    for answer in answers {
        check(&answer, "slow", ("408", "bad-request"));
    }
}
