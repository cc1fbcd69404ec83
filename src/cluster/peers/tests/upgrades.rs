//! Requests to change the protocol.

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::*;

fn upgrade(path: &str) -> Request<Body> {
    let request = Request::get(path).header("host", "a.example").header("connection", "keep-alive, Upgrade");
    request.header("upgrade", "echo").body(Body::empty()).unwrap()
}

/// A node that changes to another protocol, and what it speaks then.
async fn switching<F, Fut>(speak: F) -> Other
where
    F: Fn(TokioIo<Upgraded>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let tasks = TaskTracker::new();
    Other::begin(move |mut request: Request<Body>, _| {
        let (speak, upgraded) = (speak.clone(), hyper::upgrade::on(&mut request));
        tasks.spawn(async move { speak(TokioIo::new(upgraded.await.unwrap())).await });
        let answer = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        let answer = answer.header("connection", "Upgrade").header("upgrade", "echo").header("x-a", "b");
        async { answer.body(Body::empty()).unwrap() }
    })
    .await
}

async fn switched(other: &Other) -> TokioIo<Upgraded> {
    let mut answer = peers().pass(&other.node, None, upgrade("/"), &passed()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(
        (&answer.headers()["upgrade"], &answer.headers()["x-a"]),
        (&"echo".parse().unwrap(), &"b".parse().unwrap())
    );
    TokioIo::new(hyper::upgrade::on(&mut answer).await.unwrap())
}

#[tokio::test]
async fn bytes_cross_both_ways_and_each_ends_by_itself() {
    let other = switching(|mut stream| async move {
        let mut came = Vec::new();
        stream.read_to_end(&mut came).await.unwrap();
        stream.write_all(format!("{} bytes", came.len()).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    let mut stream = switched(&other).await;
    stream.write_all(&vec![7; 1_000_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "1000000 bytes");
}

#[tokio::test]
async fn a_cut_is_a_cut_at_the_other_end() {
    // By the node that answers, after the other direction has ended.
    let other = switching(|mut stream| async move {
        stream.write_all(b"part").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    })
    .await;
    let mut stream = switched(&other).await;
    stream.shutdown().await.unwrap();
    let mut came = Vec::new();
    stream.read_to_end(&mut came).await.unwrap_err();

    // By the node that passes it on.
    let (end, ended) = oneshot::channel();
    let end = std::sync::Arc::new(std::sync::Mutex::new(Some(end)));
    let other = switching(move |mut stream| {
        let end = end.lock().unwrap().take().unwrap();
        async move {
            let _ = end.send(stream.read_to_end(&mut Vec::new()).await.is_ok());
        }
    })
    .await;
    let mut stream = switched(&other).await;
    stream.write_all(b"part").await.unwrap();
    drop(stream);
    assert!(!ended.await.unwrap());
}

#[tokio::test]
async fn a_refusal_comes_as_it_is() {
    let other = Other::begin(|request: Request<Body>, _| async move {
        match request.uri().path() {
            "/not-mine" => not_mine(),
            _ => Response::builder().status(StatusCode::FORBIDDEN).body(Body::from("no")).unwrap(),
        }
    })
    .await;
    let answer = peers().pass(&other.node, None, upgrade("/"), &passed()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(whole(answer.into_body()).await, b"no");
    let answer = peers().pass(&other.node, None, upgrade("/not-mine"), &passed()).await;
    let Err(NotPassed::NotMine(Some(request))) = answer else { panic!("{answer:?}") };
    assert_eq!((request.uri().path(), &request.headers()["upgrade"]), ("/not-mine", &"echo".parse().unwrap()));
}
