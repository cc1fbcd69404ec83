//! Each proxy that is installed starts, passes an ordinary request, and ends when it is dropped.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;
use crate::load::{Exchange, Manner, Outcome, Public, Target, Visitor};

#[tokio::test]
async fn each_passes_an_ordinary_request() {
    let target = Target::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    for intermediary in ALL.iter().filter(|intermediary| intermediary.find().is_some()) {
        let name = intermediary.name;
        let running = intermediary.start(target.address).await.unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
        let address = running.address;
        let public = Public { address: running.public(), prefix: "/any".to_owned() };
        let exchange = Exchange { id: 0, seed: 1, manner: Manner::Counted, up: 1000, down: 1000 };
        let outcome = Visitor::new(public, TaskTracker::new()).send(exchange).await;
        assert_eq!(outcome, Outcome::Whole, "{name}: {}", running.output());
        drop(running);
        let again = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(address)).await;
        assert!(again.is_ok_and(|connected| connected.is_err()), "{name} still listens");
    }
}
