//! A short soak: the mixed load through a tunnel whose carriers are killed at random. Wire v1 cannot survive a kill, so
//! what is in flight fails; but it says so, no byte is another, none comes twice, and the tunnel is back.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;
use trials::faults::{Cut, Kills, Loss, Plan, Proxy};
use trials::load::{Mix, Public, Target, run};
use trials::program::{Client, Server};

use crate::world::PATIENCE;

const SEED: u64 = 1;

#[tokio::test]
async fn kills_are_never_silent() {
    let binary = Path::new(env!("CARGO_BIN_EXE_sendit"));
    let target = Target::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let server = Server::start(binary).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener, server.address, SEED, Plan::default()).unwrap();
    let source = format!("http://{}/soak", proxy.address());
    let client = Client { source, target: target.address, http_proxy: None, flags: &[] }.start(binary).unwrap();
    let ready = |output: &str| output.contains("Ready; Forwarding");
    client.printed(Instant::now() + PATIENCE, "was ready", ready).await.unwrap();
    let public = Public { address: server.address, prefix: "/soak".to_owned() };

    let calm = Mix { at_once: 10, seed: SEED, first_id: 0, lasts: Duration::from_secs(2) };
    let whole = run(&calm, &public).await;
    assert!(whole.exchanges > 0, "{whole}");
    assert_eq!((whole.failed, whole.wrong, whole.hung), (0, 0, 0), "{whole}");

    let kills = Kills {
        what: vec![Loss::Read, Loss::Write, Loss::Both],
        how: vec![Cut::Fin, Cut::Rst],
        every: Duration::from_millis(50)..=Duration::from_secs(2),
    };
    proxy.change(Plan { kills: Some(kills), ..Plan::default() });
    let shaken = Mix { first_id: whole.exchanges + calm.at_once, lasts: Duration::from_secs(8), ..calm };
    let figures = run(&shaken, &public).await;
    let (receipts, tally) = (target.ledger().receipts(), proxy.stop().await);
    let told = format!("seed {SEED}\n{figures}\n{receipts:?}\n{tally}");
    println!("{told}");
    assert!(tally.kills() > 0 && figures.exchanges > figures.failed, "{told}");
    assert_eq!((figures.wrong, figures.hung, receipts.wrong, receipts.twice), (0, 0, 0, 0), "{told}");
}
