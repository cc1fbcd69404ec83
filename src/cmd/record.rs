//! `sendit record`: the exchanges of a running client as files for git.

mod shelf;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use tokio::time::sleep;

use self::shelf::{Put, Shelf};
use super::env::Env;
use super::exit::{Exit, Failure};
use super::output;
use super::running::{Detail, Running, query};
use super::signals::Signals;
use super::sources::Sources;
use crate::inspect::Id;
use crate::inspect::api::{Progress, Sort, Summary};

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
Nothing that is in DIR is written over. Numbers are the client's in an empty folder, and
go on after the highest in another; what stands there already is not written again.",
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

    /// replays as well, which are left out otherwise
    #[argh(switch)]
    replays: bool,

    /// inspector of the client (default: the only one at 127.0.0.1, ports 4040 to 4059)
    #[argh(option, arg_name = "HOST:PORT")]
    inspect: Option<String>,

    /// folder for the files; it is made where it is not there
    #[argh(positional, arg_name = "DIR")]
    dir: PathBuf,
}

/// Writes exchanges as they are over.
struct Recorder {
    running: Running,
    /// What a list is asked for with.
    filters: String,
    /// Up to which all were dealt with.
    settled: Id,
    /// Those beyond that were dealt with.
    dealt: BTreeSet<Id>,
    /// What is there, and where it goes on.
    shelf: Shelf,
    replays: bool,
    written: usize,
    /// How many of them hold what lets somebody in.
    secret: usize,
}

/// Writes what there is, and with `--follow` what comes.
pub(crate) async fn run(args: Record, env: &Env) -> Result<(), Failure> {
    let filters = args.filters();
    let running = Running::named(args.inspect, &Sources::new("record", env, [])).await?;
    let mut recorder = Recorder {
        running,
        filters,
        shelf: Shelf::of(args.dir)?,
        replays: args.replays,
        settled: 0,
        dealt: BTreeSet::new(),
        written: 0,
        secret: 0,
    };
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
    signals.guard(|| "what was written stays", followed).await
}

impl Record {
    fn filters(&self) -> String {
        query(PAGE, &[("method", &self.method), ("status", &self.status), ("path", &self.path)])
    }
}

impl Recorder {
    /// Looks again and again, until the client is there no more. Cancelling it leaves whole files only.
    async fn follow(&mut self) -> Result<(), Failure> {
        self.look().await?;
        output::say(format_args!(
            "writing to `{}` what passes from now on; Ctrl-C ends it",
            self.shelf.dir().display()
        ));
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
    async fn listed(&self) -> Result<Vec<Summary>, Failure> {
        let mut found: Vec<Summary> = Vec::new();
        loop {
            let before = found.last().map_or_else(String::new, |row| format!("&before={}", row.id));
            let exchanges = self.running.list(&format!("{}{before}", self.filters)).await?;
            let is_last = exchanges.len() < PAGE || exchanges.iter().any(|row| row.id <= self.settled);
            found.extend(exchanges.into_iter().filter(|row| row.id > self.settled));
            if is_last {
                return Ok(found);
            }
        }
    }

    async fn exchange(&mut self, row: &Summary) -> Result<(), Failure> {
        if row.kind == Sort::WebSocket {
            output::warn(format_args!("#{} is left out: it is a WebSocket", row.id));
            return Ok(());
        }
        if row.replay_of.is_some() && !self.replays {
            return Ok(());
        }
        let detail = Detail::of(&self.running, row.id).await?;
        match self.shelf.put(detail.exchange(&self.running).await?)? {
            Put::Written => self.written += 1,
            Put::There => return Ok(()),
            Put::LeftOut(why) => {
                output::warn(format_args!("#{} is left out: {why}", row.id));
                return Ok(());
            }
        }
        let headers = detail.request.headers.iter().chain(detail.response.iter().flat_map(|answer| &answer.headers));
        let mut names = headers.map(|(name, _)| name.to_ascii_lowercase());
        let secret = names.any(|name| SECRET.contains(&&*name)) || has_secret_query(&row.path);
        self.secret += usize::from(secret);
        Ok(())
    }

    fn tell(&self, ended: &Result<(), Failure>) {
        let Self { written, secret, shelf, .. } = self;
        let dir = shelf.dir();
        if ended.is_err() && *written == 0 {
            return;
        }
        let plural = if *written == 1 { "" } else { "s" };
        output::say(format_args!("{written} exchange{plural} written to `{}`", dir.display()));
        if *secret > 0 {
            output::warn(format_args!(
                "{secret} of them hold passwords, tokens or cookies in their headers or queries; look before you commit them"
            ));
        }
    }
}

/// Whether there is nothing to wait for. A WebSocket is never written.
fn is_over(row: &Summary) -> bool {
    !matches!(row.state, Progress::Asked | Progress::Answering) || row.kind == Sort::WebSocket
}

/// Whether a query names something as what lets somebody in.
fn has_secret_query(path: &str) -> bool {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name.ends_with("key") || ["token", "secret", "password", "signature"].iter().any(|word| name.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_let_somebody_in() {
        let secret = ["/a?api_key=1", "/a?x=1&Access-Token=2", "/?client_secret", "/?passWord=", "/?X-Amz-Signature=1"];
        for path in secret {
            assert!(has_secret_query(path), "{path}");
        }
        for path in ["/token/key", "/a?b=token", "/a?keys=1", "/a"] {
            assert!(!has_secret_query(path), "{path}");
        }
    }
}
