//! A server that is killed and started again: all of its clients are back soon, but not all at once, each with its prefix;
//! and what can succeed no more ends a client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use sendit::client::{Config, Event, run};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::v2::SECRET;
use crate::world::{PATIENCE, Program, sendit};

/// The promise, for the last of all.
const PROMISED: Duration = Duration::from_secs(15);

/// What counts as at once.
const AT_ONCE: Duration = Duration::from_millis(100);

/// How many clients there are: as many as a server takes, where this is set to 1000, and fewer in every run.
const CLIENTS: &str = "SENDIT_TEST_CLIENTS";

#[expect(clippy::disallowed_methods, reason = "a test reads the environment that it runs in")]
fn clients() -> usize {
    std::env::var(CLIENTS).map_or(150, |number| number.parse().expect("a number of clients"))
}

/// What all clients have told of one restart.
#[derive(Default)]
struct Told {
    /// How long each waits before it opens another session, as far as it has had to.
    waits: Vec<Duration>,
    /// When each of them was ready again.
    ready: Vec<Instant>,
}

/// Many clients of one server, in this process: each is all that `sendit connect` runs.
struct Crowd {
    told: Arc<Mutex<Told>>,
    ready: watch::Receiver<usize>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    number: usize,
}

fn prefix(number: usize) -> String {
    format!("client-{number}")
}

/// How many begin at a time: before it is ready each takes the thread of all for a while.
const BEGIN: usize = 20;

impl Crowd {
    async fn gather(server: &Server, target: &str, number: usize) -> Self {
        let (told, count) = (Arc::new(Mutex::new(Told::default())), watch::Sender::new(0));
        let (mut ready, shutdown, tasks) = (count.subscribe(), CancellationToken::new(), TaskTracker::new());
        for client in 0..number {
            let begun = timeout(PATIENCE, ready.wait_for(|count| *count + BEGIN > client)).await;
            begun.expect("those before are ready").expect("the count is kept");
            let source = server.url(&format!("/{}", prefix(client))).parse().expect("a URL");
            let config = Config::new(source, target.parse().expect("a URL"));
            let (told, count) = (Arc::clone(&told), count.clone());
            let on_event = move |event| match event {
                Event::Ready => {
                    told.lock().unwrap().ready.push(Instant::now());
                    count.send_modify(|count| *count += 1);
                }
                Event::Retrying { after, .. } => told.lock().unwrap().waits.push(after),
                _ => {}
            };
            let shutdown = shutdown.clone();
            tasks.spawn(async move { run(config, on_event, shutdown).await.expect("nothing that is final") });
        }
        Self { told, ready, shutdown, tasks, number }
    }

    /// Waits until each has been ready once more, and takes what they have told since the last time.
    async fn all_ready(&mut self, times: usize) -> Told {
        let all = self.number * times;
        let waited = timeout(PATIENCE * 2, self.ready.wait_for(|count| *count >= all)).await.is_ok();
        let ready = *self.ready.borrow();
        assert!(waited && ready == all, "{ready} of {all} are ready, and nobody twice");
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    /// Each prefix is its own client's. All of these share one thread, so some may be late.
    async fn are_reached(&self, server: &Server) {
        let deadline = Instant::now() + PATIENCE * 2;
        let visit = async |client| {
            let path = format!("/{}/x", prefix(client));
            let mut answer = server.get(&path, "").await;
            while answer.0.status() == "503" && Instant::now() < deadline {
                answer = server.get(&path, "").await;
            }
            assert_eq!(answer.1, path);
        };
        futures_util::stream::iter(0..self.number).map(visit).buffer_unordered(20).collect::<()>().await;
    }
}

/// The most of `times` that lie within [`AT_ONCE`].
fn most_at_once<T: Copy + Ord>(times: &[T], is_near: impl Fn(T, T) -> bool) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let from = |at: usize| times[at..].iter().take_while(|&&time| is_near(times[at], time)).count();
    (0..times.len()).map(from).max().unwrap_or_default()
}

/// Once as soon as can be, and once after a while for which they have tried in vain.
#[tokio::test]
async fn all_clients_are_back_soon_but_not_all_at_once() {
    let target = Target::start();
    let mut server = Server::start(&["--max-sessions", "10000"]).await;
    let mut crowd = Crowd::gather(&server, &target.url(), clients()).await;
    target.echo_paths();
    crowd.all_ready(1).await;
    crowd.are_reached(&server).await;
    for (restart, down) in [Duration::ZERO, Duration::from_secs(3)].into_iter().enumerate() {
        server.program.kill().await;
        sleep(down).await;
        server = Server::start_at(&server.addr.to_string(), &["--max-sessions", "10000"]).await;
        let up = Instant::now();
        let told = crowd.all_ready(restart + 2).await;
        let mut back: Vec<Duration> = told.ready.iter().map(|ready| ready.saturating_duration_since(up)).collect();
        back.sort_unstable();
        let (first, median, last) = (back[0], back[back.len() / 2], back[back.len() - 1]);
        let together = most_at_once(&told.ready, |one, other| other.duration_since(one) < AT_ONCE);
        println!(
            "down for {down:.0?}: {} clients back, the first after {first:.2?}, half of them {median:.2?}, the last {last:.2?}; at most {together} within {AT_ONCE:?}",
            back.len(),
        );
        assert!(last <= PROMISED, "{last:?}");
        assert!(together < crowd.number * 3 / 4, "{together} of {} come at once", crowd.number);
        // They choose so: it is not only this machine that makes them late.
        let alike = most_at_once(&told.waits, |one, other| other.abs_diff(one) < AT_ONCE / 4);
        assert!(told.waits.len() >= crowd.number && alike < told.waits.len() * 3 / 4, "{alike} wait alike");
        crowd.are_reached(&server).await;
    }
    crowd.shutdown.cancel();
    crowd.tasks.close();
    timeout(PATIENCE, crowd.tasks.wait()).await.expect("they end");
}

async fn token(args: &[&str]) -> String {
    let mut command = sendit();
    command.args(["token", "--secret", SECRET]).args(args);
    Program::start(command).all().await.stdout.trim().to_owned()
}

/// Restarts a server, that a client has stood at, with another command line, which ends the client.
async fn ends(wire: &str, token: &str, before: &[&str], after: &[&str], code: i32, sentence: &str) {
    let mut server = Server::start(before).await;
    let args = ["--wire", wire, "--token", token];
    let mut client = Client::start(&server.url("/app"), "http://127.0.0.1:1", &args).await;
    server.program.kill().await;
    let server = Server::start_at(&server.addr.to_string(), after).await;
    assert_eq!(client.program.ended().await, Some(code), "{:?}", client.program.output());
    let sentence = sentence.replace("SERVER", &server.url(""));
    let said = client.program.all().await.stderr;
    assert!(said.ends_with(&format!("error: {sentence}\n")), "{said}");
}

#[tokio::test]
async fn what_is_final_ends_a_client_with_a_code_of_its_own() {
    let any = token(&[]).await;
    let other = token(&["--prefix", "team-*"]).await;
    for wire in ["v1", "v2"] {
        let refused =
            "the server at `SERVER` does not accept the token: make one with `sendit token` and the server's secret";
        ends(wire, &any, &["--secret", SECRET], &["--secret", "one of which it was not told"], 3, refused).await;
        // Nobody asked for a token before.
        let forbidden = "the token does not allow the prefix `app`: choose one that it was made for";
        ends(wire, &other, &[], &["--secret", SECRET], 4, forbidden).await;
    }
}
