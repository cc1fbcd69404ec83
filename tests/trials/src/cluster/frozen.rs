//! A server that is frozen for longer than its lease, and wakes when another has what it had: it must not answer for it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::load::count;
use super::{Engine, PATIENCE, Stage, Wanted, ask};
use crate::floods::{Figures, Measure};
use crate::program::{Client, LOOK, Program, Trouble};

/// The tunnel.
const PREFIX: &str = "frozen";

/// Who asks the server that wakes, at a time: from before it does, so that their questions are the first that it sees.
const AT_ONCE: usize = 32;

/// The run.
#[derive(Clone, Copy, Debug)]
pub struct Frozen {
    /// How often.
    pub times: usize,
    /// How long it is asked from the moment at which it wakes.
    pub asked: Duration,
}

/// What those were told who asked.
#[derive(Default)]
struct Told {
    /// By the client that had the tunnel before.
    old: u64,
    /// By the one that has it now.
    new: u64,
    /// By the server, that it cannot say.
    neither: u64,
}

/// Freezes a server and the client of its session together, which are then both as they were; the tunnel is opened by another
/// client elsewhere, and then both wake.
///
/// # Errors
/// Where something does not start, or the tunnel is not opened elsewhere.
pub async fn frozen(binary: &Path, run: Frozen) -> Result<Figures, Trouble> {
    let engine = Engine::start().await?;
    let mut figures = Figures::default();
    let mut sum = Told::default();
    for _ in 0..run.times {
        let wanted = Wanted { binary, engine: engine.address(), nodes: 2, v2: 0, v1: 0, flags: &[] };
        let Told { old, new, neither } = once(binary, Stage::set(wanted).await?, run.asked).await?;
        sum = Told { old: sum.old + old, new: sum.new + new, neither: sum.neither + neither };
        // What is dead is no more in the way of the next.
        engine.tell("flushall").await?;
    }
    figures.bound(Measure::Count, "answers of a server that had lost the tunnel", count(sum.old), "", 0.0);
    figures.tell("answers of the one that has it", count(sum.new), "");
    figures.tell("neither", count(sum.neither), "");
    let unanswered = if sum.new == 0 { 1.0 } else { 0.0 };
    figures.bound(Measure::Count, "runs in which nobody ever answered", unanswered, "", 0.0);
    Ok(figures)
}

async fn once(binary: &Path, stage: Stage, asked: Duration) -> Result<Told, Trouble> {
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let _guard = shutdown.clone().drop_guard();
    let [old, new] = [says("old", &tasks, &shutdown).await?, says("new", &tasks, &shutdown).await?];
    let [sleeper, waker] = [0, 1].map(|node| stage.nodes[node].public());
    let before = client(binary, sleeper, old)?;
    answers(sleeper, "old", &before).await?;
    let home = stage.home(PREFIX).await?;
    let (frozen, other) = (&stage.nodes[home], stage.nodes[1 - home].public());
    frozen.freeze();
    before.signal("STOP");
    let after = client(binary, if home == 0 { waker } else { sleeper }, new)?;
    answers(other, "new", &after).await?;
    let (over, mut visits) = (CancellationToken::new(), JoinSet::new());
    for _ in 0..AT_ONCE {
        visits.spawn(ask_on(frozen.public(), over.clone()));
    }
    // Their questions are in the system's hands by then.
    sleep(LOOK * 10).await;
    before.signal("CONT");
    frozen.wake();
    sleep(asked).await;
    over.cancel();
    let mut sum = Told::default();
    while let Some(Ok(told)) = visits.join_next().await {
        sum = Told { old: sum.old + told.old, new: sum.new + told.new, neither: sum.neither + told.neither };
    }
    Ok(sum)
}

async fn ask_on(server: SocketAddr, over: CancellationToken) -> Told {
    let mut told = Told::default();
    while !over.is_cancelled() {
        match ask(server, &format!("/{PREFIX}/")).await {
            Ok(answer) if answer.body == "old" => told.old += 1,
            Ok(answer) if answer.body == "new" => told.new += 1,
            _ => told.neither += 1,
        }
    }
    told
}

fn client(binary: &Path, server: SocketAddr, target: SocketAddr) -> Result<Program, Trouble> {
    let source = format!("http://{server}/{PREFIX}");
    Client { source, target, http_proxy: None, flags: &["--inspect", "off"] }.start(binary)
}

/// Waits until the tunnel leads to who says this.
async fn answers(server: SocketAddr, said: &str, client: &Program) -> Result<(), Trouble> {
    let deadline = Instant::now() + PATIENCE;
    while !ask(server, &format!("/{PREFIX}/")).await.is_ok_and(|answer| answer.body == said) {
        if Instant::now() > deadline {
            return Err(client.never(&format!("led to the target that says `{said}`")));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// A target that says one word.
async fn says(word: &'static str, tasks: &TaskTracker, shutdown: &CancellationToken) -> Result<SocketAddr, Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (owner, word) = (tasks.clone(), Arc::<str>::from(word));
    let accepting = async move {
        while let Ok((stream, _)) = listener.accept().await {
            owner.spawn(say(stream, Arc::clone(&word)));
        }
    };
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(accepting));
    Ok(address)
}

async fn say(stream: tokio::net::TcpStream, word: Arc<str>) {
    let answer = hyper::service::service_fn(|_| {
        let body = http_body_util::Full::new(bytes::Bytes::copy_from_slice(word.as_bytes()));
        async move { Ok::<_, std::convert::Infallible>(hyper::Response::new(body)) }
    });
    // A connection that breaks is what this is about.
    let _ =
        hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(stream), answer).await;
}
