//! `sendit record`: the exchanges of a running client as files for git.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use serde::Deserialize;
use tokio::time::sleep;

use super::env::Env;
use super::exit::{Exit, Failure, reason};
use super::running::{Detail, Running};
use super::signals::Signals;
use super::terminal::{Kind, Progress, Row};
use super::{atomic, output};
use crate::inspect::Id;
use crate::inspect::export::files;

/// How often a client is asked for what is new.
const LOOK: Duration = Duration::from_millis(500);

/// How many exchanges are asked for at a time.
const PAGE: usize = 100;

/// Headers that let somebody in.
const SECRET: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// Writes what has passed through a running client into files that belong into git.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "record",
    help_triggers("-h", "--help"),
    example = "What has passed until now:
  {command_name} hooks",
    example = "What passes from now on as well, of one path, until Ctrl-C:
  {command_name} --path /my-app/hook --follow hooks",
    note = "Each exchange becomes a text such as `0007-POST-my-app-hook.http`, which editors
with a client for `.http` files can send, and `sendit play` does. A body that is no
text stands beside it. WebSockets, and requests of which not all was kept, are left out.",
    note = "
It asks the inspector of the `sendit connect` that runs on this machine. Where several
run, --inspect or SENDIT_INSPECT says which is meant."
)]
pub(crate) struct Record {
    /// go on with what passes from now on, until a signal comes or the client ends
    #[argh(switch)]
    follow: bool,

    /// only those of this method
    #[argh(option, arg_name = "METHOD")]
    method: Option<String>,

    /// only those with this status, such as 404 or 5xx
    #[argh(option, arg_name = "STATUS")]
    status: Option<String>,

    /// only those whose path holds this
    #[argh(option, arg_name = "PATH")]
    path: Option<String>,

    /// inspector of the client (default: the only one at 127.0.0.1, ports 4040 to 4059)
    #[argh(option, arg_name = "HOST:PORT")]
    inspect: Option<String>,

    /// folder for the files; it is made where it is not there
    #[argh(positional, arg_name = "DIR")]
    dir: PathBuf,
}

#[derive(Deserialize)]
struct List {
    exchanges: Vec<Row>,
}

/// Writes exchanges as they are over.
struct Recorder {
    running: Running,
    /// What a list is asked for with.
    filters: String,
    dir: PathBuf,
    /// Up to which all were dealt with.
    settled: Id,
    /// Those beyond that were dealt with.
    dealt: BTreeSet<Id>,
    written: usize,
    /// How many of them hold what lets somebody in.
    secret: usize,
}

/// Writes what there is, and with `--follow` what comes.
pub(crate) async fn run(args: Record, env: &Env) -> Result<(), Failure> {
    let filters = args.filters();
    let running = Running::named(args.inspect, env).await?;
    let mut recorder =
        Recorder { running, filters, dir: args.dir, settled: 0, dealt: BTreeSet::new(), written: 0, secret: 0 };
    if !args.follow {
        let ended = recorder.look().await;
        recorder.tell(&ended);
        return ended;
    }
    let signals = Signals::catch()?;
    let shutdown = signals.shutdown();
    let followed = async {
        let followed = tokio::select! {
            ended = recorder.follow() => ended,
            () = shutdown.cancelled() => Ok(()),
        };
        recorder.tell(&followed);
        followed
    };
    signals.guard("what was written stays", followed).await
}

impl Record {
    fn filters(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &PAGE.to_string());
        for (name, value) in [("method", &self.method), ("status", &self.status), ("path", &self.path)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

impl Recorder {
    /// Looks again and again, until the client is there no more. Cancelling it leaves whole files only.
    async fn follow(&mut self) -> Result<(), Failure> {
        self.look().await?;
        output::say(format_args!("writing to `{}` what passes from now on; Ctrl-C ends it", self.dir.display()));
        loop {
            sleep(LOOK).await;
            match self.look().await {
                Ok(()) => {}
                Err(failure) if failure.exit == Exit::Unreachable => {
                    output::say("the client has ended");
                    return Ok(());
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Writes what is over and was not written yet, the oldest first.
    async fn look(&mut self) -> Result<(), Failure> {
        let listed = self.listed().await?;
        for row in listed.iter().rev() {
            if is_over(row) && self.dealt.insert(row.id) {
                self.exchange(row).await?;
            }
        }
        let waits = listed.iter().rev().find(|row| !is_over(row)).map(|row| row.id - 1);
        self.settled = waits.or(listed.first().map(|row| row.id)).unwrap_or(self.settled);
        self.dealt = self.dealt.split_off(&(self.settled + 1));
        Ok(())
    }

    /// All that is not settled, the newest first.
    async fn listed(&self) -> Result<Vec<Row>, Failure> {
        let mut found: Vec<Row> = Vec::new();
        loop {
            let before = found.last().map_or_else(String::new, |row| format!("&before={}", row.id));
            let List { exchanges } = self.running.get(&format!("/api/requests?{}{before}", self.filters)).await?;
            let is_last = exchanges.len() < PAGE || exchanges.iter().any(|row| row.id <= self.settled);
            found.extend(exchanges.into_iter().filter(|row| row.id > self.settled));
            if is_last {
                return Ok(found);
            }
        }
    }

    async fn exchange(&mut self, row: &Row) -> Result<(), Failure> {
        if row.kind == Kind::WebSocket {
            output::warn(format_args!("#{} is left out: it is a WebSocket", row.id));
            return Ok(());
        }
        let detail = Detail::of(&self.running, row.id).await?;
        let files = match files::write(&detail.exchange(&self.running).await?) {
            Ok(files) => files,
            Err(why) => {
                output::warn(format_args!("#{} is left out: {why}", row.id));
                return Ok(());
            }
        };
        put(&self.dir, &files)?;
        self.written += 1;
        let headers = detail.request.headers.iter().chain(detail.response.iter().flat_map(|answer| &answer.headers));
        let is_secret = |(name, _): &(String, String)| SECRET.contains(&name.to_ascii_lowercase().as_str());
        self.secret += usize::from(headers.clone().any(is_secret));
        Ok(())
    }

    fn tell(&self, ended: &Result<(), Failure>) {
        let Self { written, secret, dir, .. } = self;
        if ended.is_err() && *written == 0 {
            return;
        }
        let plural = if *written == 1 { "" } else { "s" };
        output::say(format_args!("{written} exchange{plural} written to `{}`", dir.display()));
        if *secret > 0 {
            output::warn(format_args!(
                "{secret} of them hold passwords, tokens or cookies in their headers; look before you commit them"
            ));
        }
    }
}

/// Whether there is nothing to wait for. A WebSocket is never written.
fn is_over(row: &Row) -> bool {
    !matches!(row.state, Progress::Asked | Progress::Answering) || row.kind == Kind::WebSocket
}

/// Writes files, the text last, so that what it names is there.
fn put(dir: &Path, files: &files::Files) -> Result<(), Failure> {
    fs::create_dir_all(dir)
        .map_err(|cause| Failure::file(format!("cannot make the folder `{}`: {}", dir.display(), reason(&cause))))?;
    let text = std::iter::once((&files.name, &files.text));
    for (name, bytes) in files.beside.iter().map(|(name, bytes)| (name, bytes)).chain(text) {
        let path = dir.join(name);
        atomic::write(&path, bytes)
            .map_err(|cause| Failure::file(format!("cannot write `{}`: {}", path.display(), reason(&cause))))?;
    }
    Ok(())
}
