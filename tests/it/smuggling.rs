//! Requests that are made to mean different things to different readers, sent byte by byte to a tunnel whose target
//! writes down what reaches it: each is refused, or reaches the target as the one request that it is.

mod cases;
mod chunked;
mod framings;
mod headers;
mod lines;

use std::collections::BTreeMap;
use std::path::Path;

use crate::peer::{End, Head};
use crate::recorder::Recorder;
use crate::target::Target;
use crate::tunnel::Tunnel;

/// What is sent on one connection, `{path}` standing for a path of its own, and what may come of it.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    bytes: Vec<u8>,
    meant: Meant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Meant {
    /// These requests, by the end of the path and the body, and one that is sent behind them.
    Requests(Vec<(&'static str, Vec<u8>)>),
    /// These, then a refusal.
    Refused(Vec<(&'static str, Vec<u8>)>),
    /// A refusal, or one request to `/one` and the one behind it.
    Either,
}

impl Case {
    fn new(name: impl Into<String>, bytes: impl AsRef<[u8]>, meant: Meant) -> Self {
        Self { name: name.into(), bytes: bytes.as_ref().to_vec(), meant }
    }

    /// A case that is refused as a whole.
    fn refused(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(name, bytes, Meant::Refused(Vec::new()))
    }

    /// A case that is one request to `/one`, with this body.
    fn one(name: impl Into<String>, bytes: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        Self::new(name, bytes, Meant::Requests(vec![("one", body.as_ref().to_vec())]))
    }
}

type Requests = Vec<(String, Vec<u8>)>;

impl Case {
    /// Whether it was refused, by what has reached the target and the visitor.
    fn verdict(&self, path: &str, at_target: &Requests, ended: Option<&(String, End)>) -> Result<bool, String> {
        let (text, end) = ended.ok_or("the connection did not end")?;
        let answers = answers(text);
        let refused: Vec<&Head> = answers.iter().filter(|head| head.status() != "200").collect();
        let own = |requests: &[(&'static str, Vec<u8>)]| -> Requests {
            requests.iter().map(|(end, body)| ((*end).to_owned(), filled(body, path))).collect()
        };
        let mut expected = match (&self.meant, refused.len()) {
            (Meant::Requests(requests), 0) | (Meant::Refused(requests), 1) => own(requests),
            (Meant::Either, 0) => vec![("one".to_owned(), at_target.first().ok_or("nothing came")?.1.clone())],
            (Meant::Either, 1) => Vec::new(),
            (_, count) => return Err(format!("{count} answers are refusals")),
        };
        match refused.first() {
            Some(refusal) if !is_refusal(refusal) || answers.last() != Some(refusal) => {
                return Err("that is no refusal".to_owned());
            }
            None if *end != End::Closed => return Err("the answers were cut".to_owned()),
            None => expected.push(("last".to_owned(), Vec::new())),
            Some(_) => {}
        }
        if *at_target != expected || answers.len() != expected.len() + refused.len() {
            return Err(format!("the target got {at_target:?}"));
        }
        Ok(!refused.is_empty())
    }
}

fn is_refusal(head: &Head) -> bool {
    let closes = head.value("connection") == Some("close");
    ["400", "414", "431"].contains(&head.status()) && head.value("sendit-error") == Some("bad-request") && closes
}

/// What is sent behind each case: where the end of a message is found in the wrong place, it is lost or another.
const LAST: &str = "GET {path}/last HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

/// A request that must never reach the target: it always stands inside of something else.
const CANARY: &str = "GET {path}/canary HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// A tunnel to a recorder, with what was seen of each case.
struct Court {
    tunnel: Tunnel,
    recorder: Recorder,
    seen: BTreeMap<usize, (Case, Requests)>,
}

impl Court {
    async fn open() -> Self {
        let target = Target::start();
        let tunnel = Tunnel::to(&target.url()).await;
        Self { tunnel, recorder: Recorder::of(target), seen: BTreeMap::new() }
    }

    /// Sends a case; whether it was refused, or what is wrong with what came of it.
    async fn hear(&mut self, case: Case) -> Result<bool, String> {
        let number = self.seen.len();
        let path = format!("/app/{number}");
        let mut visitor = self.tunnel.server.visit().await;
        visitor.send(filled(&case.bytes, &path)).await;
        // The answer to what was refused may have ended the connection already.
        visitor.try_send(filled(LAST.as_bytes(), &path)).await;
        let ended = visitor.try_rest().await;
        let at_target = self.at_target(number);
        let verdict = case.verdict(&path, &at_target, ended.as_ref());
        let verdict = verdict.map_err(|wrong| {
            let sent = String::from_utf8_lossy(&case.bytes[..case.bytes.len().min(400)]);
            format!("{}: {wrong}; {sent:?} was answered by {ended:?}", case.name)
        });
        self.seen.insert(number, (case, at_target));
        verdict
    }

    /// What of a case has reached the target.
    fn at_target(&self, number: usize) -> Requests {
        let path = format!("/app/{number}");
        let end =
            |line: &str| line.split(' ').nth(1).and_then(|target| Some(target.split_once(&path)?.1[1..].to_owned()));
        self.recorder
            .under(&path)
            .into_iter()
            .map(|request| (end(&request.line).expect("it is under the path"), request.body))
            .collect()
    }

    /// Nothing has come late, and nothing that was never sent.
    fn close(self) {
        for (number, (case, seen)) in &self.seen {
            assert_eq!(self.at_target(*number), *seen, "case `{}` has reached the target later", case.name);
        }
        let counted: usize = self.seen.values().map(|(_, seen)| seen.len()).sum();
        assert_eq!(self.recorder.count(), counted, "requests that nobody sent have reached the target");
    }
}

fn filled(bytes: &[u8], path: &str) -> Vec<u8> {
    let (mark, mut rest, mut out) = (b"{path}", bytes, Vec::new());
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(path.as_bytes());
        rest = &rest[at + mark.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// The heads of all answers, none of which says `HTTP/1.` in its body.
fn answers(text: &str) -> Vec<Head> {
    let starts = text.match_indices("HTTP/1.").map(|(at, _)| at);
    let heads = starts.map(|at| Head::parse(text[at..].split("\r\n\r\n").next().unwrap_or_default()));
    heads.filter(|head| !head.status().starts_with('1')).collect()
}

#[tokio::test]
async fn each_request_is_refused_or_is_one() {
    let mut court = Court::open().await;
    let (mut refused, mut wrong, cases) = (0, Vec::new(), cases::all());
    let all = cases.len();
    for case in cases {
        match court.hear(case).await {
            Ok(is_refused) => refused += usize::from(is_refused),
            Err(cause) => wrong.push(cause),
        }
    }
    court.close();
    println!("{all} cases: {refused} refused, {} passed on as what they are", all - refused - wrong.len());
    assert!(wrong.is_empty(), "{} of {all} went wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all >= 1_000);
}

/// Heads of public corpora, from the folder that `SENDIT_CORPORA` names: JSON objects of names with heads, as the
/// tool `smuggler` has them.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test reads the environment that it runs in")]
async fn public_corpora() {
    let Some(folder) = std::env::var_os("SENDIT_CORPORA") else { return };
    let mut court = Court::open().await;
    let (mut refused, mut wrong, mut passed) = (0, Vec::new(), Vec::new());
    for file in std::fs::read_dir(Path::new(&folder)).expect("a folder") {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        let heads = serde_json::from_str::<BTreeMap<String, String>>(&text).unwrap_or_default();
        for case in heads.iter().flat_map(|(name, head)| cases::of_template(name, head)) {
            let name = case.name.clone();
            match court.hear(case).await {
                Ok(true) => refused += 1,
                Ok(false) => passed.push(name),
                Err(cause) => wrong.push(cause),
            }
        }
    }
    court.close();
    println!("{refused} refused, {} passed on as one request: {passed:?}", passed.len());
    assert!(wrong.is_empty(), "{} went wrong:\n{}", wrong.len(), wrong.join("\n"));
}
