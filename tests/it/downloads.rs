//! Answers that take long: a download that is cut and resumed, and events that come for many lives of a carrier.

use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::left_out;
use crate::target::Target;
use crate::tunnel::Tunnel;
use crate::world::{Program, program};

/// The download breaks as it should, loudly, and goes on from where it was.
#[tokio::test]
async fn a_download_that_was_cut_is_resumed() {
    if !left_out::is_here("curl", "a resumed download") {
        return;
    }
    let mut target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy");
    let content: Vec<u8> = (0..400_000_u32).flat_map(u32::to_be_bytes).collect();
    let length = content.len();
    let download = || {
        let mut curl = program("curl");
        curl.args(["-s", "-C", "-", "-o", copy.to_str().unwrap(), &tunnel.server.url("/app/file")]);
        curl.stdin(Stdio::null()).kill_on_drop(true);
        curl
    };
    let mut from = 0;
    for to in [length / 3, length / 2, length] {
        let part = async {
            let mut service = target.accept().await;
            let asked = service.head().await;
            let wanted = (from > 0).then(|| format!("bytes={from}-"));
            assert_eq!(asked.value("range"), wanted.as_deref());
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            let range = format!("bytes {from}-{}/{length}", length - 1);
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Range: {range}\r\nContent-Length: {}\r\n\r\n", length - from);
            service.send(head).await;
            service.send(&content[from..to]).await;
            if to < length {
                // All of it is on its way: a target that fails does not take back what it has sent.
                service.finish().await;
            }
            service
        };
        let (status, _service) = tokio::join!(async { download().status().await.unwrap() }, part);
        assert_eq!(status.success(), to == length, "{status}");
        from = usize::try_from(std::fs::metadata(&copy).unwrap().len()).unwrap();
        assert!(from <= to, "{from}");
    }
    assert!(std::fs::read(&copy).unwrap() == content);
}

fn event(n: u32) -> String {
    format!("data: {n}\n\n: keep-alive\n\n")
}

/// A minute of them, over some thirty carriers each way, and silent for longer than a proxy's patience is in places, and than
/// any of our own.
#[tokio::test]
async fn events_for_a_while() {
    if !left_out::is_here("curl", "curl as one who listens") {
        return;
    }
    let mut target = Target::start();
    let tunnel = Tunnel::with(&target.url(), &[], &["--max-ttl", "2s"]).await;
    let mut curl = program("curl");
    curl.args(["-sN", &tunnel.server.url("/app/events")]);
    let mut curl = Program::start(curl);
    let mut service = target.accept().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
    for n in 0..42 {
        let event = event(n);
        service.send(&event).await;
        curl.printed(|output| output.stdout.ends_with(&event)).await;
        let silence = match n {
            7 => Duration::from_secs(8),
            21 => Duration::from_secs(20),
            _ => Duration::from_millis(800),
        };
        assert!(service.is_silent(silence).await, "the visitor stays");
    }
    service.finish().await;
    assert_eq!(curl.ended().await, Some(0));
    let expected = (0..42).map(event).collect::<Vec<_>>().concat();
    assert_eq!(curl.all().await.stdout, expected);
}
