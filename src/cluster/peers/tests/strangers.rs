//! Who connects and is no node.

use tokio::io::AsyncReadExt as _;

use super::*;
use crate::cluster::peers::places::MAX_CONNECTIONS;
use crate::cluster::peers::unproved::MAX_UNPROVED;

/// A connection takes a descriptor, and many systems give more than a few only where they are asked.
fn raise_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    }
}

#[tokio::test]
async fn strangers_take_no_place_of_a_nodes() {
    raise_descriptors();
    let other = Other::begin(|_, _| async { Response::new(Body::from("body")) }).await;
    let mut strangers = Vec::new();
    for _ in 0..MAX_CONNECTIONS + MAX_UNPROVED {
        strangers.push(TcpStream::connect(other.node.address).await.unwrap());
    }
    let peers = peers();
    assert_eq!(peers.who(other.node.address).await.unwrap(), other.node.id);
    let answer = peers.pass(&other.node, None, post(Body::empty()), &passed()).await.unwrap();
    assert_eq!(whole(answer.into_body()).await, b"body");
    // They have made room, the oldest first, and were told nothing.
    let mut told = Vec::new();
    strangers[0].read_to_end(&mut told).await.unwrap();
    assert_eq!(told, b"");
}
