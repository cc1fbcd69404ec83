//! `sendit requests`: the exchanges of a running client, in lines.

use argh::{ArgsInfo, FromArgs};

use super::env::Env;
use super::exit::Failure;
use super::output;
use super::running::{LIST, Running, query};
use super::sources::Sources;
use super::terminal::{Look, Stream};

/// Lists what has passed through a running client, the newest last.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "requests",
    help_triggers("-h", "--help"),
    example = "The last twenty exchanges:
  {command_name} --limit 20",
    example = "What failed, for a program to read:
  {command_name} --status 5xx --json",
    note = "It asks the inspector of the `sendit connect` that runs on this machine. Where several
run, --inspect or SENDIT_INSPECT says which is meant. --json prints what the inspector's
API answers, the newest first."
)]
pub(crate) struct Requests {
    /// most exchanges to list (default: 20)
    #[argh(option, arg_name = "N")]
    limit: Option<u32>,

    /// only those whose heads or bodies hold this text
    #[argh(option, arg_name = "TEXT")]
    text: Option<String>,

    /// only those of this method
    #[argh(option, arg_name = "METHOD")]
    method: Option<String>,

    /// only those with this status, such as 404 or 5xx
    #[argh(option, arg_name = "STATUS")]
    status: Option<String>,

    /// only those whose path holds this
    #[argh(option, arg_name = "PATH")]
    path: Option<String>,

    /// print JSON instead of lines
    #[argh(switch)]
    json: bool,

    /// inspector of the client (default: the only one at 127.0.0.1, ports 4040 to 4059)
    #[argh(option, arg_name = "HOST:PORT")]
    inspect: Option<String>,
}

/// Prints the list.
pub(crate) async fn run(args: Requests, env: &Env) -> Result<(), Failure> {
    let query = args.query();
    let running = Running::named(args.inspect, &Sources::new("requests", env, [])).await?;
    if args.json {
        let list: serde_json::Value = running.get(&format!("{LIST}?{query}")).await?;
        return output::object(&list);
    }
    let look = Look::at(Stream::Stdout, env);
    for row in running.list(&query).await?.iter().rev() {
        output::answer(look.line(row))?;
    }
    Ok(())
}

impl Requests {
    fn query(&self) -> String {
        let Self { text, method, status, path, .. } = self;
        query(
            self.limit.map_or(20, |limit| limit as usize),
            &[("text", text), ("method", method), ("status", status), ("path", path)],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::parsed;

    #[test]
    fn filters_are_the_apis() {
        let query = |args: &[&str]| parsed::<Requests>("requests", args).query();
        assert_eq!(query(&[]), "limit=20");
        let args = ["--limit", "3", "--text=a b", "-method", "POST", "--status", "5xx", "--path", "/a&b"];
        assert_eq!(query(&args), "limit=3&text=a+b&method=POST&status=5xx&path=%2Fa%26b");
    }
}
