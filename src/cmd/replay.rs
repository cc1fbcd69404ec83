//! `sendit replay`: one exchange of a running client once more, and how the answers differ.

use argh::{ArgsInfo, FromArgs};
use serde::{Deserialize, Serialize};

use super::env::Env;
use super::exit::Failure;
use super::output;
use super::running::{Detail, Running};
use super::sources::Sources;
use super::terminal::{Look, Stream, clean};
use super::units::size;
use crate::inspect::Id;
use crate::inspect::api::Summary;

/// Headers that are others each time, whatever is answered.
const VOLATILE: [&str; 2] = ["date", "age"];

/// Sends a request that has passed through a running client to the target again.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "replay",
    help_triggers("-h", "--help"),
    example = "The exchange with the number 7, as lines and page show it:
  {command_name} 7",
    note = "It asks the inspector of the `sendit connect` that runs on this machine, and sends
nothing itself. Where several run, --inspect or SENDIT_INSPECT says which is meant.
Whatever is answered, the exit code is 0. An answer that has no end within 5 min is cut,
and the line says so."
)]
pub(crate) struct Replay {
    /// print one JSON object instead of lines
    #[argh(switch)]
    json: bool,

    /// inspector of the client (default: the only one at 127.0.0.1, ports 4040 to 4059)
    #[argh(option, arg_name = "HOST:PORT")]
    inspect: Option<String>,

    /// number of the exchange
    #[argh(positional, arg_name = "ID")]
    id: String,
}

#[derive(Deserialize)]
struct Replayed {
    id: Id,
    signed: bool,
}

/// An answer, in what matters of it.
struct Answer {
    status: Option<u16>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    size: u64,
}

/// Where two answers differ.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    what: String,
    before: Option<String>,
    now: Option<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    row: &'a Summary,
    /// Whether it was signed afresh.
    signed: bool,
    differences: Vec<Difference>,
}

/// Has it sent, and prints what came of it.
pub(crate) async fn run(args: Replay, env: &Env) -> Result<(), Failure> {
    let number = args.id.trim_start_matches('#');
    let id: Id = number
        .parse()
        .map_err(|_| Failure::usage(format!("`{}` is no exchange's number; `sendit requests` lists them", args.id)))?;
    let running = Running::named(args.inspect, &Sources::new("replay", env, [])).await?;
    let before = Detail::of(&running, id).await?;
    let Replayed { id, signed } = running.post(&format!("/api/requests/{id}/replay")).await?;
    let now = Detail::of(&running, id).await?;
    let differences = differences(&answer(&before, &running).await?, &answer(&now, &running).await?);
    if args.json {
        return output::object(&Report { row: &now.row, signed, differences });
    }
    output::answer(Look::at(Stream::Stdout, env).line(&now.row))?;
    if signed {
        output::answer("signed afresh")?;
    }
    if differences.is_empty() {
        output::answer(format_args!("the answer is that of #{}", before.row.id))?;
    }
    for Difference { what, before, now } in differences {
        let quoted = |value: Option<String>| value.map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"));
        let line = format!("{what}: {} before, {} now", quoted(before), quoted(now));
        output::answer(clean(&line))?;
    }
    Ok(())
}

async fn answer(detail: &Detail, running: &Running) -> Result<Answer, Failure> {
    let body = detail.answered(running).await?;
    let (headers, size) = detail.response.as_ref().map_or_else(Default::default, |response| {
        let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
        (response.headers.iter().map(lower).collect(), response.body.size)
    });
    Ok(Answer { status: detail.row.status, headers, body, size })
}

fn differences(before: &Answer, now: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |what: String, before: Option<String>, now: Option<String>| {
        if before != now {
            found.push(Difference { what, before, now });
        }
    };
    let status = |answer: &Answer| answer.status.map(|status| status.to_string());
    differ("status".to_owned(), status(before), status(now));
    let names = before.headers.iter().chain(&now.headers).map(|(name, _)| name.as_str());
    let mut names: Vec<&str> = names.filter(|name| !VOLATILE.contains(name)).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        differ(format!("header {name}"), values(before, name), values(now, name));
    }
    if before.body != now.body || before.size != now.size {
        let same = before.body.iter().zip(&now.body).take_while(|(before, now)| before == now).count();
        let size = |answer: &Answer| Some(size(answer.size));
        found.push(Difference { what: format!("body, from byte {same} on"), before: size(before), now: size(now) });
    }
    found
}

/// All values of a header in one.
fn values(answer: &Answer, name: &str) -> Option<String> {
    let values = answer.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let values: Vec<&str> = values.collect();
    (!values.is_empty()).then(|| values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status: Some(status), headers, body: body.into(), size: body.len() as u64 }
    }

    #[test]
    fn differences_are_told_in_short() {
        let before = answer(200, &[("date", "a"), ("x-one", "1"), ("x-two", "2")], "{\"a\":1}");
        let now = answer(500, &[("date", "b"), ("x-two", "2"), ("x-two", "3")], "{\"a\":23}");
        let row = |what: &str, before: Option<&str>, now: Option<&str>| Difference {
            what: what.to_owned(),
            before: before.map(ToOwned::to_owned),
            now: now.map(ToOwned::to_owned),
        };
        let expected = [
            row("status", Some("200"), Some("500")),
            row("header x-one", Some("1"), None),
            row("header x-two", Some("2"), Some("2, 3")),
            row("body, from byte 5 on", Some("7 B"), Some("8 B")),
        ];
        assert_eq!(differences(&before, &now), expected);
        assert_eq!(differences(&before, &answer(200, &[("x-one", "1"), ("x-two", "2")], "{\"a\":1}")), []);
    }
}
