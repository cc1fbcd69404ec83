//! A model of a client of wire v2, made from `docs/protocol.md` alone: it shares no code with the product, so it checks the
//! document as well. It does one thing at a time, and can be made to lie.

pub(crate) mod answer;
pub(crate) mod record;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::target::Target;
use crate::tunnel::{Client, Server};
use answer::{Answer, post};

pub(crate) const OPEN: &str = "/.well-known/sendit/v2/open";
pub(crate) const READ: &str = "/.well-known/sendit/v2/read";
pub(crate) const WRITE: &str = "/.well-known/sendit/v2/write";

/// The secret of servers that tests start.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

static TOKENS: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

/// A token for such a server, always the same for a subject.
pub(crate) fn token(subject: &str) -> String {
    let mut tokens = TOKENS.lock().expect("minting does not panic");
    let mint = || crate::go::token::mint(SECRET, "auth", subject);
    tokens.entry(subject.to_owned()).or_insert_with(mint).clone()
}

/// Asks for a session.
pub(crate) async fn ask(server: SocketAddr, token: &str, body: impl AsRef<[u8]>) -> Answer {
    let authorization = format!("Authorization: Bearer {token}\r\n");
    post(server, OPEN, if token.is_empty() { "" } else { &authorization }, body.as_ref()).await
}

/// A session as its client knows it.
#[derive(Clone)]
pub(crate) struct Session {
    server: SocketAddr,
    pub(crate) id: String,
    /// As it was given.
    pub(crate) secret: String,
}

/// A carrier that is still to be sent, with nothing in it that could not be changed.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    pub(crate) path: &'static str,
    pub(crate) session: String,
    pub(crate) epoch: String,
    pub(crate) offset: String,
    pub(crate) manner: &'static str,
    pub(crate) digest: String,
    pub(crate) proof: String,
    pub(crate) body: Vec<u8>,
}

impl Session {
    pub(crate) async fn open(server: &Server, token: &str, prefix: &str) -> Self {
        let answer = ask(server.addr, token, json!({ "prefix": prefix }).to_string()).await;
        assert_eq!(answer.status(), "200", "{prefix}: {answer:?}");
        let given = answer.json();
        let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
        assert_eq!((text("session").len(), text("secret").len()), (64, 43), "{given}");
        assert_eq!((&given["grace_ms"], &given["batch"]), (&Value::from(60_000), &Value::from(524_288)));
        Self { server: server.addr, id: text("session"), secret: text("secret") }
    }

    /// A carrier that is as it should be. Only of a batch up the digest is told.
    pub(crate) fn carrier(
        &self,
        path: &'static str,
        epoch: u64,
        offset: u64,
        manner: &'static str,
        body: &[u8],
    ) -> Carrier {
        let digest = if path == WRITE && manner == "batch" {
            URL_SAFE_NO_PAD.encode(Sha256::digest(body))
        } else {
            String::new()
        };
        let (epoch, offset) = (epoch.to_string(), offset.to_string());
        let (session, proof, body) = (self.id.clone(), String::new(), body.to_vec());
        self.prove(Carrier { path, session, epoch, offset, manner, digest, proof, body })
    }

    /// The same carrier, proved as it stands.
    pub(crate) fn prove(&self, carrier: Carrier) -> Carrier {
        let Carrier { path, session, epoch, offset, manner, digest, .. } = &carrier;
        let key = URL_SAFE_NO_PAD.decode(&self.secret).expect("base64url");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length will do");
        mac.update(format!("POST\n{path}\n{session}\n{epoch}\n{offset}\n{manner}\n{digest}\n").as_bytes());
        let proof = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        Carrier { proof, ..carrier }
    }

    pub(crate) async fn send(&self, carrier: &Carrier) -> Answer {
        post(self.server, carrier.path, &carrier.headers(), &carrier.body).await
    }

    /// Whether the server still knows it: a trial changes nothing.
    pub(crate) async fn lives(&self) -> bool {
        let body = [record::attached(0), record::last(0)].concat();
        let answer = self.send(&self.carrier(WRITE, 1, 0, "trial", &body)).await;
        match answer.status() {
            "200" => true,
            "410" => false,
            _ => panic!("{answer:?}"),
        }
    }
}

impl Carrier {
    pub(crate) fn headers(&self) -> String {
        let Self { session, epoch, offset, manner, digest, proof, .. } = self;
        let lines = [
            ("Session", &**session),
            ("Epoch", epoch),
            ("Offset", offset),
            ("Manner", manner),
            ("Digest", digest),
            ("Proof", proof),
        ];
        let line = |(name, value): (&str, &str)| format!("Sendit-{name}: {value}\r\n");
        lines.into_iter().filter(|(_, value)| !value.is_empty()).map(line).collect()
    }
}

/// A server that asks for tokens and logs all it can, and somebody else's tunnel on it, which has to go on working.
pub(crate) struct Stage {
    pub(crate) server: Server,
    victim: Client,
}

impl Stage {
    pub(crate) async fn set(args: &[&str]) -> Self {
        let server = Server::start(&[&["--secret", SECRET, "--log", "debug"], args].concat()).await;
        let target = Target::start();
        let (url, token) = (target.url(), token("victim"));
        target.echo_paths();
        let victim = Client::start(&server.url("/victim"), &url, &["--token", &token]).await;
        Self { server, victim }
    }

    /// The victim's session, as the log names it.
    pub(crate) async fn victim(&mut self) -> String {
        let is_line = |line: &&str| line.contains("session opened") && line.contains("victim");
        let log = self.server.program.printed(|output| output.stderr.lines().any(|line| is_line(&line))).await.stderr;
        let line = log.lines().find(is_line);
        let (_, id) = line.and_then(|line| line.split_once("session=")).expect("the log names the session");
        id.chars().take_while(char::is_ascii_hexdigit).collect()
    }

    /// The tunnel of somebody else is as it was, and the log has none of these secrets in it.
    #[track_caller]
    pub(crate) fn unharmed(&mut self, secrets: &[String]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let path = "/victim/the-last-that-is-logged";
            assert_eq!(self.server.get(path, "").await.1, path, "{caller}");
            let said = self.victim.program.output().stderr;
            assert_eq!(said.matches("Ready; Forwarding").count(), 1, "{caller}: {said}");
            let log = self.server.program.printed(|output| output.stderr.contains(path)).await.stderr;
            for secret in secrets.iter().chain([&token("victim"), &SECRET.to_owned()]) {
                assert!(!secret.is_empty() && !log.contains(secret), "{caller}: `{secret}` is in the log: {log}");
            }
        }
    }

    /// The server's resident memory in KiB, where the system tells.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.program.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    }
}
