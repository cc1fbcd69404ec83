//! Where what is done is done, by the names of threads and by who has a home there.

use std::thread::current;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::*;
use crate::server::open::Terms;
use crate::server::{self, Config, Server};

async fn name_at(home: &Home) -> Option<String> {
    let (tell, told) = oneshot::channel();
    home.spawn(&TaskTracker::new(), async move { drop(tell.send(current().name().map(str::to_owned))) });
    told.await.unwrap()
}

#[tokio::test]
async fn who_comes_goes_where_the_fewest_are() {
    let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
    let (first, second) = (threads.settle(), threads.settle());
    let third = threads.settle();
    let names = [name_at(&first).await, name_at(&second).await, name_at(&third).await];
    assert_eq!(names.map(Option::unwrap), ["sessions-1", "sessions-2", "sessions-1"]);
    // A clone is no other resident.
    let again = first.clone();
    drop((first, third));
    assert_eq!(name_at(&threads.settle()).await.unwrap(), "sessions-1");
    drop((again, second));
    assert_eq!(name_at(&threads.settle()).await.unwrap(), "sessions-1");
}

#[tokio::test]
async fn a_task_goes_where_its_home_is() {
    let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
    let (tell, mut told) = mpsc::channel(1);
    let (go_on, mut goes_on) = mpsc::channel::<()>(1);
    let home = watch::Sender::new(threads.settle_at(0));
    let task = async move {
        while goes_on.recv().await.is_some() {
            tell.send(current().name().map(str::to_owned)).await.unwrap();
            // A timer that is made on one thread may run down on another.
            sleep(Duration::from_millis(1)).await;
        }
    };
    follow(home.subscribe(), &TaskTracker::new(), Box::pin(task));
    for times in 0..100 {
        let (before, after) = (times % 2, (times + 1) % 2);
        go_on.send(()).await.unwrap();
        assert_eq!(told.recv().await.unwrap().unwrap(), format!("sessions-{}", before + 1));
        home.send_replace(threads.settle_at(after)).leave();
        // Each of them has come to it, and so the task has gone.
        threads.answer().await;
    }
    drop(go_on);
    assert!(told.recv().await.is_none());
}

/// How many a home has that is of a session: itself, and connections that have come to it.
async fn clones(home: &Home, expected: usize) {
    let has = async {
        while Arc::strong_count(&home.0) != expected {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let has = timeout(Duration::from_secs(20), has).await;
    assert!(has.is_ok(), "{} instead of {expected}", Arc::strong_count(&home.0));
}

#[tokio::test]
async fn a_connection_goes_where_its_session_is() {
    let mut config = Config::new(None, || 0);
    config.threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
    let (server, stop) = (Server::new(config), CancellationToken::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = listener.local_addr().unwrap();
    let serving = TaskTracker::new().spawn(server::serve(listener, server.clone(), stop.clone()));
    let (session, _) = server.grant(Terms::plain("my-app", &server)).ok().unwrap();
    let home = session.home();
    // The session's, and this one.
    clones(&home, 2).await;
    let mut visitors = Vec::new();
    for path in ["/my-app/x", "/my-app", "/nobody", "/"] {
        let mut visitor = TcpStream::connect(public).await.unwrap();
        visitor.write_all(format!("GET {path} HTTP/1.1\r\nHost: a.ex").as_bytes()).await.unwrap();
        visitors.push(visitor);
    }
    clones(&home, 4).await;
    drop(visitors);
    clones(&home, 2).await;
    stop.cancel();
    serving.await.unwrap();
}

#[tokio::test]
async fn none_answers_for_one_that_is_stuck() {
    let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
    let (go_on, stuck) = std::sync::mpsc::channel::<()>();
    threads.settle_at(1).spawn(&TaskTracker::new(), async move {
        let _ = stuck.recv();
    });
    assert!(timeout(Duration::from_millis(100), threads.answer()).await.is_err());
    drop(go_on);
    threads.answer().await;
}

#[tokio::test]
async fn one_is_the_callers() {
    let threads = Threads::start(NonZero::new(1).unwrap()).unwrap();
    assert!(threads.are_one());
    assert_eq!(name_at(&threads.settle()).await.as_deref(), current().name());
}

/// Does nothing for ever there. What is returned fails as that is dropped.
async fn busy(threads: &Threads, also: impl Send + 'static) -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel::<()>();
    threads.settle().spawn(&TaskTracker::new(), async move {
        std::future::pending::<()>().await;
        drop((tell, also));
    });
    threads.answer().await;
    told
}

#[tokio::test]
async fn they_end_with_the_last_who_knows_them() {
    let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
    let told = busy(&threads, ()).await;
    drop(threads);
    assert!(told.await.is_err());
}

#[tokio::test]
async fn what_is_done_there_has_ended_once_they_have() {
    let threads = Threads::start(NonZero::new(2).unwrap()).unwrap();
    let mut told = busy(&threads, threads.clone()).await;
    assert!(told.try_recv() == Err(oneshot::error::TryRecvError::Empty));
    threads.end().await;
    assert!(told.try_recv() == Err(oneshot::error::TryRecvError::Closed));
}
