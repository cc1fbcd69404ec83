//! The model Go client at our server.

use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, interval};

use crate::go::client::{Client, Refused};
use crate::go::{Settings, token};
use crate::origin::Target;
use crate::visitor::Visitor;
use crate::world::{PATIENCE, Program, sendit};

const SECRET: &str = "a secret of 32 bytes or even more";

async fn serve() -> (Program, SocketAddr) {
    let mut command = sendit();
    command.args(["serve", "--addr", "127.0.0.1:0", "--secret", SECRET]);
    let mut server = Program::start(command);
    let output = server.printed(|output| output.stderr.contains("Listening: ")).await;
    let address = output.stderr.lines().find_map(|line| line.split("Listening: ").nth(1)).expect("an address");
    (server, address.parse().expect("an address"))
}

fn client(server: SocketAddr, target: SocketAddr, max_ttl: Duration) -> Client {
    Client {
        server,
        target,
        prefix: "model".to_owned(),
        token: token::mint(SECRET, "auth", ""),
        max_ttl,
        settings: Settings::default(),
    }
}

const LONG: Duration = Duration::from_secs(15);

#[tokio::test]
async fn exchanges() {
    let (_server, address) = serve().await;
    let target = Target::start().await;
    let tunnel = client(address, target.address, LONG).connect().await.expect("a tunnel");
    let visitor = Visitor::new(address, "model");
    visitor.tour(&target).await;
    let (_, fields) = visitor.get("fields").await.expect("an answer");
    let fields = String::from_utf8_lossy(&fields).into_owned();
    assert!(fields.contains("\nx-forwarded-for: 127.0.0.1, yamux\n"), "{fields}");
    assert_eq!(Visitor::new(address, "other").get("").await.expect("an answer").0, StatusCode::NOT_FOUND);
    assert_eq!(tunnel.lost(), None);
}

#[tokio::test]
async fn renewals() {
    let (_server, address) = serve().await;
    let target = Target::start().await;
    let tunnel = client(address, target.address, Duration::from_millis(200)).connect().await.expect("a tunnel");
    let exchanges = Visitor::new(address, "model").load(1, |_| tunnel.renewals() >= 10).await;
    println!("{exchanges} exchanges over {} renewals, none failed", tunnel.renewals());
    assert_eq!(tunnel.lost(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn renewals_under_load() {
    let (_server, address) = serve().await;
    let target = Target::start().await;
    let tunnel = client(address, target.address, Duration::from_millis(200)).connect().await.expect("a tunnel");
    let begin = Instant::now();
    let enough = |_| tunnel.renewals() >= 15 && begin.elapsed() > Duration::from_secs(3);
    let exchanges = Visitor::new(address, "model").load(100, enough).await;
    println!("{exchanges} exchanges over {} renewals in {:.1} s", tunnel.renewals(), begin.elapsed().as_secs_f64());
    assert_eq!(tunnel.lost(), None);
}

#[tokio::test]
async fn refusals() {
    let (_server, address) = serve().await;
    let with =
        |prefix: &str, token: String| Client { prefix: prefix.to_owned(), token, ..client(address, address, LONG) };
    let good = || token::mint(SECRET, "auth", "");
    let check = async |client: Client, status: u16, text: &str| {
        let Refused { status: seen, text: said } = client.connect().await.err().expect("a refusal");
        assert_eq!(seen, status, "{said}");
        assert!(said.contains(text), "{said}");
    };
    check(with("model", String::new()), 401, "token").await;
    check(with("model", token::mint("another secret", "auth", "")), 401, "token").await;
    check(with("model", token::mint(SECRET, "connect", "")), 401, "token").await;
    check(with("no", good()), 400, "invalid prefix value").await;
    check(with("Model", good()), 400, "invalid prefix value").await;
    let _holder = client(address, address, LONG).connect().await.expect("a tunnel");
    check(with("model", good()), 400, "prefix already in use").await;
}

#[tokio::test]
async fn a_client_that_is_stopped_loses_its_prefix() {
    let (_server, address) = serve().await;
    let target = Target::start().await;
    let stopped = client(address, target.address, Duration::from_secs(3600));
    let frozen = stopped.settings.frozen.clone();
    let _stopped = stopped.connect().await.expect("a tunnel");
    let visitor = Visitor::new(address, "model");
    assert_eq!(visitor.down(1, 10).await, Ok(()));
    let waiting = tokio_util::task::TaskTracker::new().spawn({
        let visitor = visitor.clone();
        async move { visitor.get("held").await }
    });
    let begin = Instant::now();
    frozen.cancel();
    let mut ticks = interval(Duration::from_millis(250));
    while client(address, target.address, LONG).connect().await.is_err() {
        assert!(begin.elapsed() < PATIENCE, "the prefix was never freed");
        ticks.tick().await;
    }
    let noticed = begin.elapsed();
    println!("the prefix was free after {:.1} s", noticed.as_secs_f64());
    assert!(noticed < Duration::from_secs(20), "{noticed:?}");
    let (status, text) = waiting.await.expect("no panic").expect("an answer");
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{text:?}");
}
