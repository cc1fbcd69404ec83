#![allow(missing_docs, clippy::all, clippy::pedantic, unused)]
use super::{Node, NodeId, Secret};
use crate::wire::Prefix;
use axum::body::Body;
use http::{Request, Response, Version};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
pub struct Claim;
impl Claim {
    pub async fn lost(&self) {}
    pub fn is_lost(&self) -> bool {
        false
    }
    pub fn fence(&self) -> u64 {
        0
    }
    pub async fn moving(&self) {}
}
#[derive(Clone)]
pub struct Directory;
pub enum Unclaimed {
    Held(Node),
    TooMany,
    Young(Duration),
    Unavailable,
}
pub enum Found {
    Nobody,
    Here,
    At { node: Node, fence: u64, hold: Duration, lapsed: bool },
    Moving { hold: Duration },
    Unknown,
}
pub struct Unavailable;
impl Directory {
    pub fn me(&self) -> NodeId {
        todo!()
    }
    pub fn nodes(&self) -> Arc<[Node]> {
        todo!()
    }
    pub fn may_answer(&self) -> bool {
        todo!()
    }
    pub async fn confirmed(&self) {}
    pub async fn claim(
        &self,
        prefix: &Prefix,
        who: Option<&str>,
        most: usize,
        hold: Duration,
    ) -> Result<Claim, Unclaimed> {
        todo!()
    }
    pub async fn find(&self, prefix: &str) -> Result<Found, Unavailable> {
        todo!()
    }
    pub async fn node(&self, id: NodeId) -> Result<Option<Node>, Unavailable> {
        todo!()
    }
    pub fn forget(&self, prefix: &str, fence: u64) {}
    pub fn trouble(&self) -> Option<String> {
        None
    }
    pub fn set_load(&self, sessions: u64) {}
    pub fn set_draining(&self) {}
}
#[derive(Clone)]
pub struct Peers;
#[derive(Clone, Debug)]
pub struct Passed {
    pub visitor: Option<SocketAddr>,
    pub secure: bool,
    pub version: Version,
    pub fence: Option<u64>,
}
pub enum NotPassed {
    NotMine(Option<Request<Body>>),
    Unreachable(Option<Request<Body>>),
    Lost,
}
impl Peers {
    pub fn new(me: NodeId, secret: Secret) -> Self {
        todo!()
    }
    pub async fn pass(&self, to: &Node, request: Request<Body>, passed: &Passed) -> Result<Response<Body>, NotPassed> {
        todo!()
    }
    pub fn secret(&self) -> &Secret {
        todo!()
    }
    pub async fn lives(&self, node: &Node) -> bool {
        todo!()
    }
}
pub fn place(nodes: &[Node], me: NodeId) -> Option<Node> {
    None
}

pub const NOT_MINE: &str = "not-mine";
pub async fn serve<H, F>(
    listener: tokio::net::TcpListener,
    me: NodeId,
    secret: Secret,
    handler: H,
    stop: tokio_util::sync::CancellationToken,
) where
    H: Fn(Request<Body>, Passed) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
}
