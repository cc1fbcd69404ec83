//! What is not answered, or not to its end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Notify, oneshot};

use super::*;

/// A body that begins, and then fails or goes on forever.
fn begun(then: Option<io::Error>) -> Body {
    let first = stream::iter([Ok(Bytes::from_static(b"part"))]);
    match then {
        Some(cause) => Body::from_stream(first.chain(stream::iter([Err(cause)]))),
        None => Body::from_stream(first.chain(stream::pending())),
    }
}

async fn is_cut(body: Body) -> bool {
    body.collect().await.is_err()
}

fn broken() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// A node that has begun to answer, and tells whether the body of what it was asked was cut.
async fn listening() -> (Other, oneshot::Receiver<bool>) {
    let ((tell, told), tasks) = (oneshot::channel(), TaskTracker::new());
    let tell = Arc::new(Mutex::new(Some(tell)));
    let other = Other::begin(move |request: Request<Body>, _| {
        let tell = tell.lock().unwrap().take().unwrap();
        // Apart, for whoever answers is dropped where the request is cut.
        tasks.spawn(async move { tell.send(is_cut(request.into_body()).await) });
        async { Response::new(begun(None)) }
    })
    .await;
    (other, told)
}

#[tokio::test]
async fn a_request_that_is_cut_is_cut_at_the_other_end() {
    let (other, cut) = listening().await;
    let answer = peers().pass(&other.node, None, post(begun(Some(broken()))), &passed()).await;
    assert!(cut.await.unwrap());
    drop(answer);
}

#[tokio::test]
async fn an_answer_that_is_cut_is_cut_at_the_other_end() {
    let other = Other::begin(|_, _| async { Response::new(begun(Some(broken()))) }).await;
    // The reset may overtake the head.
    match peers().pass(&other.node, None, post(Body::empty()), &passed()).await {
        Ok(answer) => assert!(is_cut(answer.into_body()).await),
        Err(lost) => assert!(matches!(lost, NotPassed::Lost(_))),
    }
}

#[tokio::test]
async fn who_leaves_is_missed_at_the_other_end() {
    /// Tells by drop.
    struct Told(Option<oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.take().map(|tell| tell.send(()));
        }
    }
    let (tell, told) = oneshot::channel();
    let (tell, came) = (Arc::new(Mutex::new(Some(tell))), Arc::new(Notify::new()));
    let comes = Arc::clone(&came);
    let other = Other::begin(move |_, _| {
        let (told, comes) = (Told(tell.lock().unwrap().take()), Arc::clone(&comes));
        async move {
            comes.notify_one();
            std::future::pending::<()>().await;
            drop(told);
            Response::new(Body::empty())
        }
    })
    .await;
    let (peers, passed) = (peers(), passed());
    tokio::select! {
        _ = peers.pass(&other.node, None, post(Body::empty()), &passed) => unreachable!("there is no answer"),
        () = came.notified() => {}
    }
    told.await.unwrap();
}

#[tokio::test]
async fn a_node_that_dies_cuts_its_answers() {
    let other = Other::begin(|request: Request<Body>, _| async move {
        match request.uri().path() {
            "/a" => Response::new(begun(None)),
            _ => std::future::pending().await,
        }
    })
    .await;
    let (peers, node) = (peers(), other.node.clone());
    let mut body = peers.pass(&node, None, post(Body::empty()), &passed()).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    let waiting = Request::get("/b").body(Body::empty()).unwrap();
    let passed = passed();
    let (waited, ()) = tokio::join!(peers.pass(&node, None, waiting, &passed), async { drop(other) });
    assert!(matches!(waited, Err(NotPassed::Lost(Some(_)) | NotPassed::Unreachable(Some(_)))), "{waited:?}");
    assert!(is_cut(body).await);
    let next = peers.pass(&node, None, post(Body::from("body")), &passed).await;
    let Err(NotPassed::Unreachable(Some(again))) = next else { panic!("{next:?}") };
    assert_eq!(whole(again.into_body()).await, b"body");
}

#[tokio::test]
async fn a_node_that_stops_ends_what_it_has() {
    let go = Arc::new(Notify::new());
    let waits = Arc::clone(&go);
    let mut other = Other::begin(move |_, _| {
        let rest = Arc::clone(&waits);
        let rest = stream::once(async move {
            rest.notified().await;
            Ok(Bytes::from_static(b" and rest"))
        });
        async {
            Response::new(Body::from_stream(
                begun(None).into_data_stream().take(1).map(|first| first.map_err(io::Error::other)).chain(rest),
            ))
        }
    })
    .await;
    let peers = peers();
    let answer = peers.pass(&other.node, None, post(Body::empty()), &passed()).await.unwrap();
    other.stop.cancel();
    // What is on its way to a node that says that it stops is still answered.
    let last = loop {
        match peers.pass(&other.node, None, post(Body::from("body")), &passed()).await {
            Ok(answer) => drop(answer),
            Err(last) => break last,
        }
    };
    let NotPassed::Unreachable(Some(again)) = last else { panic!("{last:?}") };
    assert_eq!(whole(again.into_body()).await, b"body");
    go.notify_one();
    assert_eq!(whole(answer.into_body()).await, b"part and rest");
    other.serving.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_not_mine_is_sent_elsewhere_whole() {
    let wrong = Other::begin(|_, _| async { not_mine() }).await;
    let right = Other::begin(|request: Request<Body>, _| async { Response::new(request.into_body()) }).await;
    let peers = peers();
    for size in [0, 1, 100 * 1024, WINDOW as usize] {
        let sent: Vec<u8> = (0..size).map(|number| number.to_le_bytes()[0]).collect();
        let request = post(Body::from(sent.clone()));
        let answer = peers.pass(&wrong.node, None, request, &passed()).await;
        let Err(NotPassed::NotMine(Some(again))) = answer else { panic!("{answer:?}") };
        let node = at(right.node.address, right.node.id);
        // Both have one id, and so one way.
        peers.keep(&[]);
        let answer = peers.pass(&node, None, *again, &passed()).await.unwrap();
        assert!(whole(answer.into_body()).await == sent, "{size}");
        peers.keep(&[]);
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_tried_once_for_all_who_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = at(listener.local_addr().unwrap(), id(2));
    let (tries, mut accepting) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    let count = Arc::clone(&tries);
    accepting.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let _ = stream.shutdown().await;
        }
    });
    let (peers, mut exchanges) = (peers(), JoinSet::new());
    for _ in 0..1_000 {
        let (peers, node) = (peers.clone(), node.clone());
        exchanges.spawn(async move { peers.pass(&node, None, post(Body::empty()), &passed()).await });
    }
    while let Some(exchange) = exchanges.join_next().await {
        assert!(matches!(exchange.unwrap(), Err(NotPassed::Unreachable(Some(_)))));
    }
    assert!(tries.load(Ordering::Relaxed) < 20, "{tries:?}");
}

/// A node that has greeted, and neither reads nor says anything from then on.
#[tokio::test]
async fn a_frozen_node_is_found_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = at(listener.local_addr().unwrap(), id(2));
    let mut frozen = JoinSet::new();
    frozen.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        greeting::answer(&mut stream, id(2), &secret()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let (other, cut) = listening().await;
    let address = other.node.address;
    // The other way about: it has begun a request, and goes on with nothing.
    frozen.spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        greeting::dial(&mut stream, id(3), &secret()).await.unwrap();
        stream.write_u16(0).await.unwrap();
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        let mut connection = Box::pin(connection);
        let request = Request::post("http://a.example/").header("sendit-passed", passed().to_string());
        let (answer, mut body) = sender.send_request(request.body(()).unwrap(), false).unwrap();
        body.send_data(Bytes::from_static(b"part"), false).unwrap();
        tokio::select! {
            _ = answer => {}
            _ = connection.as_mut() => {}
        }
        std::future::pending::<()>().await;
    });
    let (peers, passed) = (peers(), passed());
    let (answer, cut) = tokio::join!(peers.pass(&node, None, post(Body::empty()), &passed), cut);
    assert!(matches!(answer, Err(NotPassed::Lost(Some(_)))), "{answer:?}");
    assert!(cut.unwrap());
}
