//! The load against its own target: without a tunnel everything is whole, and what is spoilt on the way is seen.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;

use super::*;
use crate::faults::{Cut, Plan, Proxy, Shape, Then};

/// Visitors at a time.
const AT_ONCE: u64 = 8;

async fn load(plan: Plan) -> (Figures, Receipts) {
    let target = Target::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let proxy = Proxy::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), target.address, 1, plan).unwrap();
    let public = Public { address: proxy.address(), prefix: "/any".to_owned() };
    let mix = Mix { at_once: AT_ONCE, seed: 1, first_id: 0, largest: LARGEST };
    let figures = run(&mix, &public, sleep(Duration::from_secs(1))).await;
    (figures, target.ledger().receipts())
}

#[tokio::test]
async fn without_a_tunnel_all_is_whole() {
    let (figures, receipts) = load(Plan::default()).await;
    assert!(figures.exchanges >= AT_ONCE, "each visitor sends one at least: {figures}");
    assert_eq!((figures.failed, figures.wrong, figures.hung), (0, 0, 0), "{figures}");
    assert_eq!((receipts.delivered, receipts.twice, receipts.wrong), (figures.exchanges, 0, 0), "{receipts:?}");
}

#[tokio::test]
async fn cuts_are_failures_and_not_wrong() {
    let cut = Shape { after: Some((20_000, Then::Cut(Cut::Fin))), ..Shape::default() };
    let (figures, receipts) = load(Plan { down: cut, ..Plan::default() }).await;
    assert!(figures.failed > 0, "{figures}");
    assert_eq!((figures.wrong, receipts.wrong), (0, 0), "{figures}");
}

#[tokio::test]
async fn what_is_sent_twice_is_counted() {
    let plan = Plan { duplicate: Some(crate::faults::Copy::AnswerSecond), ..Plan::default() };
    let (figures, receipts) = load(plan).await;
    assert_eq!((figures.failed, figures.wrong), (0, 0), "{figures}");
    assert!(receipts.twice > 0, "{receipts:?}");
}

#[test]
fn exchanges_are_spelt_in_paths() {
    let exchange = Exchange { id: 1, seed: u64::MAX, manner: Manner::Events, up: 0, down: 3 };
    assert_eq!(Exchange::of(&format!("/a/b{}", exchange.path())), Some(exchange));
    for path in ["", "/", "/events/1/2/3", "/other/1/2/3/4", "/events/1/2/3/x"] {
        assert_eq!(Exchange::of(path), None, "{path}");
    }
}
