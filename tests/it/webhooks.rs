//! Webhooks through a tunnel whose client has been given their secrets: what the inspector says of them, and what the service
//! gets when one is replayed.

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

use crate::peer::Peer;
use crate::recorder::Recorder;
use crate::target::Target;
use crate::tunnel::Tunnel;
use crate::world::PATIENCE;

/// GitHub's documented example.
const GITHUB: (&str, &str, &str) = (
    "It's a Secret to Everybody",
    "X-GitHub-Event: ping\r\nX-GitHub-Delivery: d-1\r\n\
     X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n",
    "Hello, World!",
);

/// Signed by Stripe's package for Python, long ago.
const STRIPE: (&str, &str, &str) = (
    "whsec_test",
    "Stripe-Signature: t=1700000000,v1=a3f7d2647ca8af4e7ebbd79c4f9380dbd98ee11b35cf0485b700ca327380e947\r\n",
    r#"{"id":"evt_1","type":"charge.succeeded"}"#,
);

/// A page's worth of the client's inspector.
struct Inspector {
    addr: String,
    token: String,
}

impl Inspector {
    async fn of(tunnel: &mut Tunnel) -> Self {
        let said = tunnel.client.program.printed(|output| output.stderr.contains("Inspector: http://")).await.stderr;
        let addr = said.split("Inspector: http://").nth(1).and_then(|rest| rest.lines().next()).unwrap().to_owned();
        let mut inspector = Self { addr, token: String::new() };
        let status: Value = serde_json::from_str(&inspector.ask("GET", "/api/status").await).unwrap();
        status["token"].as_str().expect("a token").clone_into(&mut inspector.token);
        inspector
    }

    async fn ask(&self, method: &str, path: &str) -> String {
        let mut peer = Peer::new(TcpStream::connect(&self.addr).await.expect("it listens"));
        let (addr, token) = (&self.addr, &self.token);
        peer.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nSendit-Token: {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ))
        .await;
        let head = peer.until("\r\n\r\n").await;
        let (body, _) = peer.rest().await;
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}{body}");
        body
    }

    /// The exchanges, the newest first, once so many are over.
    async fn list(&self, count: usize) -> Vec<Value> {
        let whole = async {
            loop {
                let list: Value = serde_json::from_str(&self.ask("GET", "/api/requests").await).unwrap();
                let list = list["exchanges"].as_array().expect("a list").clone();
                if list.iter().filter(|exchange| exchange["state"] == "done").count() == count {
                    return list;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, whole).await.expect("all are over in time")
    }
}

async fn post(tunnel: &Tunnel, headers: &str, body: &str) {
    let mut visitor = tunnel.server.visit().await;
    let length = body.len();
    visitor
        .send(format!(
            "POST /app/hook HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
        ))
        .await;
    visitor.until("\r\n\r\n").await;
}

#[tokio::test]
async fn signatures_are_checked_and_replays_signed_afresh() {
    let target = Target::start();
    let url = target.url();
    let recorder = Recorder::of(target);
    let given = [format!("github={}", GITHUB.0), format!("stripe={}", STRIPE.0)];
    let args =
        ["--inspect", "127.0.0.1:0", "--webhook-secret", &given[0], "--webhook-secret", &given[1], "--log", "trace"];
    let mut tunnel = Tunnel::with(&url, &[], &args).await;
    let inspector = Inspector::of(&mut tunnel).await;

    post(&tunnel, GITHUB.1, GITHUB.2).await;
    post(&tunnel, GITHUB.1, "Hello, World?").await;
    post(&tunnel, STRIPE.1, STRIPE.2).await;
    let list = inspector.list(3).await;
    let said = |exchange: &Value, name: &str| exchange["webhook"][name].as_str().unwrap_or_default().to_owned();
    let words = |exchange: &Value| ["provider", "event", "delivery", "signature"].map(|name| said(exchange, name));
    assert_eq!(words(&list[0]), ["stripe", "charge.succeeded", "evt_1", "invalid"]);
    let reason = said(&list[0], "reason");
    assert!(reason.starts_with("the timestamp is ") && reason.ends_with(" s old, and 300 s are allowed"), "{reason}");
    assert_eq!(words(&list[1]), ["github", "ping", "d-1", "invalid"]);
    assert_eq!(words(&list[2]), ["github", "ping", "d-1", "valid"]);

    inspector.ask("POST", &format!("/api/requests/{}/replay", list[0]["id"])).await;
    let list = inspector.list(4).await;
    assert_eq!(list[0]["replay_of"], list[1]["id"]);
    assert_eq!(words(&list[0]), ["stripe", "charge.succeeded", "evt_1", "valid"]);
    let seen = recorder.under("/app");
    let signature = |request: &crate::recorder::Request| {
        let line = request.lines.iter().find(|line| line.to_lowercase().starts_with("stripe-signature:"));
        line.expect("a signature").clone()
    };
    let [before, after] = [2, 3].map(|number: usize| signature(&seen[number]));
    assert_ne!(before, after, "what the service gets is signed afresh");

    tunnel.client.program.printed(|output| output.stderr.matches(", signature does not hold\n").count() == 2).await;
    // Nothing that can be asked for, or that is logged, has a secret in it.
    let mut all = format!("{:?}", tunnel.client.program.output());
    for path in
        ["/api/requests", "/api/requests/1", "/api/requests/3/curl", "/api/har", "/api/status", "/api/tunnels", "/"]
    {
        all += &inspector.ask("GET", path).await;
    }
    assert!(all.contains("charge.succeeded") && !all.contains(GITHUB.0) && !all.contains(STRIPE.0), "{all}");
}
