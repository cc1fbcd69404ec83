//! A tunnel between a visitor and a target that a test plays: what one sends, and what the other sees of it.

use crate::peer::{End, Head};
use crate::target::Target;
use crate::tunnel::Tunnel;

/// A tunnel to a target that the test plays.
pub(crate) struct Bench {
    pub(crate) tunnel: Tunnel,
    pub(crate) target: Target,
}

/// What both ends send and what both ends see of it. A head is lines; the body follows an empty one.
pub(crate) struct Exchange<'a> {
    pub(crate) request: &'a str,
    pub(crate) passed_on: &'a str,
    pub(crate) answer: &'a str,
    pub(crate) brought_back: &'a str,
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\nContent-Length: 2\n\nok";
pub(crate) const OK_BACK: &str = "HTTP/1.1 200 OK\ncontent-length: 2\n\nok";

/// What the hop tells of a visitor of `a.example`, who comes from the same machine.
const INTRODUCTION: [&str; 5] = [
    "x-forwarded-for: 127.0.0.1",
    "x-forwarded-host: a.example",
    "x-forwarded-port: 80",
    "x-forwarded-proto: http",
    "x-real-ip: 127.0.0.1",
];

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(&[], &[]).await
    }

    /// The same, with flags for either end.
    pub(crate) async fn with(serve: &[&str], connect: &[&str]) -> Self {
        let target = Target::start();
        Self { tunnel: Tunnel::with(&target.url(), serve, connect).await, target }
    }

    /// Has one exchange, on connections of its own, and looks at every byte that comes on either side.
    pub(crate) async fn check(&mut self, exchange: Exchange<'_>) {
        let Exchange { request, passed_on, answer, brought_back } = exchange;
        let mut visitor = self.tunnel.server.visit().await;
        let (head, body) = parts(request);
        visitor.send(format!("{head}\r\nConnection: close\r\n\r\n{body}")).await;

        let mut target = self.target.accept().await;
        let (expected, body) = parts(passed_on);
        let (mut seen, expected) = (target.head().await, Head::parse(&expected));
        for line in INTRODUCTION {
            let own = expected.value(line.split(':').next().unwrap()).is_some();
            assert!(own || seen.take(line), "{request}: the target is not told `{line}`: {seen:?}");
        }
        assert_eq!(seen, expected, "{request}");
        target.expect(&body).await;
        let (head, body) = parts(answer);
        target.send(format!("{head}\r\n\r\n{body}")).await;
        target.finish().await;

        let (expected, body) = parts(brought_back);
        let (mut seen, expected) = (visitor.head().await, Head::parse(&expected));
        seen.take("connection: close");
        if expected.value("date").is_none() {
            seen.lines.retain(|line| !line.starts_with("date: "));
        }
        assert_eq!(seen, expected, "{request}");
        assert_eq!(visitor.rest().await, (body, End::Closed), "{request}");
        assert_eq!(target.rest().await.0, "", "{request}");
    }

    /// A request that only has to arrive as it was sent.
    pub(crate) async fn unchanged(&mut self, line: &str) {
        let request = format!("{line}\nHost: a.example");
        let passed_on = format!("{line}\nhost: a.example");
        self.check(Exchange { request: &request, passed_on: &passed_on, answer: OK, brought_back: OK_BACK }).await;
    }
}

/// A head on the wire, and the body.
fn parts(text: &str) -> (String, String) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    (head.replace('\n', "\r\n"), body.to_owned())
}
