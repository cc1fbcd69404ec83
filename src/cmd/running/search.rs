//! Which clients run on this machine: whoever shows an inspector at one of the ports where they are unless something else is
//! said.

use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Running;
use crate::cmd::exit::{Exit, Failure};

/// How long what listens at one of the ports has to show that it is an inspector.
const SEARCH_DEADLINE: Duration = Duration::from_secs(2);

/// All whose inspectors answer at these ports of 127.0.0.1, in their order. Takes [`SEARCH_DEADLINE`] at most; where nobody
/// listens that is known at once.
pub(super) async fn all(ports: RangeInclusive<u16>) -> Vec<Running> {
    let mut asked = JoinSet::new();
    for port in ports {
        asked.spawn(async move {
            let answered = timeout(SEARCH_DEADLINE, Running::at(&format!("127.0.0.1:{port}"))).await;
            Some((port, answered.ok()?.ok()?))
        });
    }
    let mut found: Vec<_> = asked.join_all().await.into_iter().flatten().collect();
    found.sort_by_key(|(port, _)| *port);
    found.into_iter().map(|(_, running)| running).collect()
}

/// The one that there is. Which of several is meant is not guessed.
pub(super) fn only(mut found: Vec<Running>, ports: &RangeInclusive<u16>) -> Result<Running, Failure> {
    if found.len() > 1 {
        let named = found.iter().map(|running| format!("`{}` for {}", running.address, running.url));
        let named: Vec<String> = named.collect();
        let (last, before) = named.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
        return Err(Failure::usage(format!(
            "several clients run, at {} and {last}; choose one with `--inspect`",
            before.join(", ")
        )));
    }
    found.pop().ok_or_else(|| {
        let (first, last) = (ports.start(), ports.end());
        Failure::new(
            Exit::Unreachable,
            format!(
                "no running `sendit connect` answers at 127.0.0.1, ports {first} to {last}; start one, or name its inspector \
                 with `--inspect`"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::cmd::env::{self, Env};
    use crate::cmd::sources::Sources;

    const INSPECTOR: &str = r#"{"url":"https://host/app","token":"t","state":"ready"}"#;

    /// Answers every request with this body.
    async fn answering(status: &'static str, body: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio_util::task::TaskTracker::new().spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn none_but_an_inspector_is_one() {
        let (inspector, none) = (answering("200 OK", INSPECTOR).await, Env::default());
        let found = all(inspector..=inspector).await;
        let found = only(found, &(inspector..=inspector)).map_err(|failure| failure.sentence).unwrap();
        let expected = (format!("127.0.0.1:{inspector}"), "https://host/app", "t");
        assert_eq!((found.address, &*found.url, &*found.token), expected);

        for (status, body) in [("404 Not Found", "no"), ("200 OK", "{}"), ("403 Forbidden", INSPECTOR)] {
            let port = answering(status, body).await;
            assert_eq!(all(port..=port).await.len(), 0, "{status} {body}");
            let address = format!("127.0.0.1:{port}");
            let named =
                Running::named(Some(address.clone()), &Sources::new("requests", &none, [])).await.err().unwrap();
            let sentence = format!(
                "there is no inspector at `{address}`, something else answers; name that of a client with `--inspect`"
            );
            assert_eq!(named, Failure::new(Exit::Unreachable, sentence));
        }
        let set = format!("127.0.0.1:{inspector}");
        let env = Env::from([(env::INSPECT, &*set)]);
        let named = Running::named(None, &Sources::new("requests", &env, [])).await;
        assert_eq!(named.map(|running| running.address).map_err(|failure| failure.sentence), Ok(set));
    }

    #[test]
    fn which_of_several_is_not_guessed() {
        let running = |port: u16| Running {
            address: format!("127.0.0.1:{port}"),
            url: format!("https://host/{port}"),
            token: String::new(),
        };
        let refused = |found: Vec<Running>| only(found, &(4040..=4059)).err();
        let sentence = "several clients run, at `127.0.0.1:4040` for https://host/4040, `127.0.0.1:4041` for \
                        https://host/4041 and `127.0.0.1:4050` for https://host/4050; choose one with `--inspect`";
        assert_eq!(refused([4040, 4041, 4050].map(running).into()), Some(Failure::usage(sentence)));
        assert_eq!(refused(vec![running(4050)]), None);
        let sentence = "no running `sendit connect` answers at 127.0.0.1, ports 4040 to 4059; start one, or name its \
                        inspector with `--inspect`";
        assert_eq!(refused(Vec::new()), Some(Failure::new(Exit::Unreachable, sentence)));
    }
}
