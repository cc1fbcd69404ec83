//! A client on a laptop, which is shut for a while, and opened in another network: nothing of what is under way is lost,
//! and it is back as soon as it can be.
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::origin::seeded;
use crate::peer::Peer;
use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::PATIENCE;

/// What goes each way, and how slowly: for longer than it takes until the client goes.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 128;
const PACE: Duration = Duration::from_millis(20);

/// 3 s are promised; a machine that does much else gets more, but not as long as it takes to find out by a long silence.
const BACK: Duration = Duration::from_secs(8);

/// A tunnel whose client comes and goes.
struct Trip<'a> {
    server: &'a Server,
    target: Target,
}

/// What is under way when the client goes: a long answer, a long request, and a request whose answer nobody has begun.
struct UnderWay {
    pouring: JoinSet<()>,
    came: [Arc<AtomicUsize>; 2],
    waiting: (Peer, Peer),
}

/// Pours a body into a connection and takes it out of another, piece by piece.
async fn pour(mut from: Peer, mut to: Peer, body: Bytes, came: Arc<AtomicUsize>) {
    let sending = async {
        for piece in body.chunks(PIECE) {
            from.send(piece).await;
            sleep(PACE).await;
        }
    };
    let taking = async {
        for piece in body.chunks(PIECE) {
            to.expect(piece).await;
            came.fetch_add(1, Ordering::Relaxed);
        }
    };
    tokio::join!(sending, taking);
}

impl Trip<'_> {
    /// A visitor who has sent a head, and the target which has read it.
    async fn visit(&mut self, head: &str) -> (Peer, Peer) {
        let mut visitor = self.server.visit().await;
        visitor.send(head).await;
        let mut service = self.target.accept().await;
        service.head().await;
        (visitor, service)
    }

    async fn begin(&mut self) -> UnderWay {
        let (size, came) = (PIECE * PIECES, <[Arc<AtomicUsize>; 2]>::default());
        let mut pouring = JoinSet::new();
        let (mut visitor, mut service) = self.visit(GET).await;
        service.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")).await;
        visitor.head().await;
        pouring.spawn(pour(service, visitor, seeded(1, size), Arc::clone(&came[0])));
        let post = format!("POST /app/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: {size}\r\n\r\n");
        let (visitor, service) = self.visit(&post).await;
        pouring.spawn(pour(visitor, service, seeded(2, size), Arc::clone(&came[1])));
        let under_way = UnderWay { pouring, came, waiting: self.visit(GET).await };
        let mut looks = interval(PACE);
        while under_way.came().iter().any(|came| *came < PIECES / 8) {
            looks.tick().await;
        }
        under_way
    }

    /// The client is there again from now on. How long it takes until a new visitor is answered; what was under way ends
    /// well.
    async fn go_on(&mut self, mut under_way: UnderWay) -> Duration {
        let begin = Instant::now();
        let (mut visitor, mut service) = self.visit(GET).await;
        service.send(NOTHING).await;
        assert_eq!(visitor.head().await.status(), "204");
        let back = begin.elapsed();
        let (visitor, service) = &mut under_way.waiting;
        service.send(NOTHING).await;
        assert_eq!(visitor.head().await.status(), "204");
        while let Some(poured) = timeout(PATIENCE * 2, under_way.pouring.join_next()).await.expect("it goes on") {
            poured.expect("each byte comes, and is the right one");
        }
        assert_eq!(under_way.came(), [PIECES, PIECES]);
        back
    }
}

const GET: &str = "GET /app/x HTTP/1.1\r\nHost: a.example\r\n\r\n";
const NOTHING: &str = "HTTP/1.1 204 No Content\r\n\r\n";

impl UnderWay {
    fn came(&self) -> [usize; 2] {
        [0, 1].map(|way| self.came[way].load(Ordering::Relaxed))
    }

    fn is_in_the_middle(&self) -> bool {
        self.came().iter().all(|came| (1..PIECES).contains(came))
    }
}

fn one_session(client: &Client) {
    let said = client.program.output().stderr;
    assert_eq!((said.matches("Ready; ").count(), said.contains("no tunnel")), (1, false), "{said}");
}

/// For a moment, and for longer than silence is borne.
#[tokio::test]
async fn a_client_that_sleeps_is_back_at_once() {
    let (server, target) = (Server::start(&[]).await, Target::start());
    let mut client = Client::start(&server.url("/app"), &target.url(), &[]).await;
    client.streams().await;
    let mut trip = Trip { server: &server, target };
    for asleep in [2, 18] {
        let under_way = trip.begin().await;
        client.program.signal("-STOP").await;
        assert!(under_way.is_in_the_middle(), "{:?}", under_way.came());
        sleep(Duration::from_secs(asleep)).await;
        client.program.signal("-CONT").await;
        let back = trip.go_on(under_way).await;
        println!("asleep for {asleep} s: back after {back:.2?}, 0 of 3 exchanges lost");
        assert!(back <= BACK, "{back:?}");
    }
    one_session(&client);
}

/// Without a moment between the networks, and with a while.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_changes_its_network_is_back_soon() {
    let Some(space) = crate::namespace::Namespace::make() else { return };
    let server = Server::start_at(&format!("{}:0", space.outside()), &["--insecure"]).await;
    let beside = tokio::net::TcpSocket::new_v4().unwrap();
    beside.bind((space.beside(), 0).into()).unwrap();
    let target = Target::listen(beside);
    let mut command = space.command(env!("CARGO_BIN_EXE_sendit"));
    command.args(["connect", &server.url("/app"), &target.url()]);
    let mut client = Client::of(command);
    client.ready(1).await;
    client.streams().await;
    let mut trip = Trip { server: &server, target };
    for (address, away) in [(2, 0), (3, 5), (4, 14)] {
        let under_way = trip.begin().await;
        space.leave(address);
        assert!(under_way.is_in_the_middle(), "{:?}", under_way.came());
        sleep(Duration::from_secs(away)).await;
        space.arrive(address + 1);
        let back = trip.go_on(under_way).await;
        println!("without a network for {away} s, then another address: back after {back:.2?}, 0 of 3 exchanges lost");
        assert!(back <= BACK, "{back:?}");
    }
    one_session(&client);
}
