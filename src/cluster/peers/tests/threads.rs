//! Which threads an exchange is done on, at both ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::task::spawn_blocking;
use tokio_util::sync::DropGuard;

use super::*;

/// Threads, each with a runtime that ends with the token.
fn threads(number: usize, end: &CancellationToken) -> Vec<Handle> {
    let start = |_| {
        let (runtime, end) = (runtime(), end.clone());
        let handle = runtime.handle().clone();
        thread::spawn(move || runtime.block_on(end.cancelled()));
        handle
    };
    (0..number).map(start).collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A node that has all on the last of its threads, and how many requests have come to that, and to others.
struct Home {
    other: Other,
    came: Arc<[AtomicUsize; 2]>,
    _end: DropGuard,
}

impl Home {
    async fn begin() -> Self {
        let end = CancellationToken::new();
        let threads = threads(3, &end);
        let (last, came) = (threads.len() - 1, Arc::new([const { AtomicUsize::new(0) }; 2]));
        let (home, counts) = (threads[last].id(), Arc::clone(&came));
        let other = Other::on(threads, move |_, _| {
            let is_home = Handle::current().id() == home;
            counts[usize::from(!is_home)].fetch_add(1, Ordering::Relaxed);
            async move {
                let mut answer = Response::new(Body::empty());
                answer.headers_mut().insert("sendit-hop-thread", HeaderValue::from_static("1"));
                tell_thread(&mut answer, (!is_home).then_some(last));
                answer
            }
        });
        Self { other: other.await, came, _end: end.drop_guard() }
    }

    fn came(&self) -> [usize; 2] {
        self.came.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    async fn asked(&self, peers: &Peers, names: Option<&str>, upgrade: bool) {
        let mut request = post(Body::empty());
        if upgrade {
            request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
            request.headers_mut().insert("upgrade", HeaderValue::from_static("echo"));
        }
        let answer = peers.pass(&self.other.node, names, request, &passed()).await.unwrap();
        assert!(!answer.headers().contains_key("sendit-hop-thread"), "it is for nodes alone");
    }
}

#[tokio::test]
async fn all_but_the_first_of_a_name_go_to_the_thread_that_it_lives_on() {
    let (home, peers) = (Home::begin().await, peers());
    for (names, upgrade, came) in [
        (Some("app"), false, [0, 1]),
        (Some("app"), false, [1, 1]),
        (Some("app"), true, [2, 1]),
        (Some("app"), false, [3, 1]),
        (Some("web"), true, [3, 2]),
        (Some("web"), true, [4, 2]),
    ] {
        home.asked(&peers, names, upgrade).await;
        assert_eq!(home.came(), came, "{names:?} {upgrade}");
    }
}

#[tokio::test]
async fn each_thread_drives_what_it_sends_by() {
    let (home, peers) = (Arc::new(Home::begin().await), peers());
    let (of_another, there) = (peers.clone(), Arc::clone(&home));
    let another = spawn_blocking(move || {
        let runtime = runtime();
        runtime.block_on(async {
            there.asked(&of_another, Some("app"), false).await;
            there.asked(&of_another, Some("app"), false).await;
        });
        runtime
    });
    // What that has made stands still from here on.
    let another = another.await.unwrap();
    let asked = timeout(Duration::from_secs(20), home.asked(&peers, Some("app"), false)).await;
    assert!(asked.is_ok());
    assert_eq!(home.came(), [2, 1]);
    another.shutdown_background();
}
