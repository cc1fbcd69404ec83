//! A doctor through each real proxy: what it says of it, that the tunnel does what it foretold, and that what it
//! advises cures what it found.
#![expect(clippy::print_stdout, reason = "the findings of a passing test are worth reading too")]

use std::path::Path;

use serde_json::Value;
use trials::intermediaries::{ALL, Examination, Intermediary};

use crate::left_out::is_here;

/// What a doctor has to find.
struct Expected {
    /// The manners, down and up.
    manners: [&'static str; 2],
    /// What becomes of the pieces of a stream, down and up.
    holding: [&'static str; 2],
    http_at_server: &'static str,
    /// What is in the names that the way gives itself.
    named: &'static str,
    /// The largest request; none where none is too large.
    largest: Option<u64>,
    /// The lines that are advised.
    lines: &'static [&'static str],
}

/// A way that is as good as none.
const CLEAR: Expected = Expected {
    manners: ["stream", "stream"],
    holding: ["nothing", "nothing"],
    http_at_server: "1.1",
    named: "",
    largest: None,
    lines: &[],
};

const NGINX: Expected = Expected { named: "server: nginx/", ..CLEAR };

const HTTP_1_1: &str = "proxy_http_version 1.1;";
const REQUESTS: &str = "proxy_request_buffering off;";
const ANSWERS: &str = "proxy_buffering off;";
const BODIES: &str = "client_max_body_size 0;";

#[tokio::test]
async fn nginx() {
    let expected = Expected {
        manners: ["stream", "batch"],
        holding: ["nothing", "all"],
        http_at_server: "1.0",
        largest: Some(1024 * 1024),
        lines: &[HTTP_1_1, REQUESTS, BODIES],
        ..NGINX
    };
    check("nginx", &expected).await;
}

#[tokio::test]
async fn nginx_unbuffered() {
    check("nginx, unbuffered", &Expected { largest: Some(1024 * 1024), lines: &[BODIES], ..NGINX }).await;
}

#[tokio::test]
async fn nginx_unbuffered_and_unlimited() {
    check("nginx, unbuffered, unlimited", &NGINX).await;
}

#[tokio::test]
async fn nginx_with_small_bodies() {
    let expected = Expected {
        manners: ["stream", "batch"],
        holding: ["nothing", "all"],
        http_at_server: "1.0",
        largest: Some(64 * 1024),
        lines: &[HTTP_1_1, REQUESTS, BODIES],
        ..NGINX
    };
    check("nginx, 64 KiB bodies", &expected).await;
}

#[tokio::test]
async fn nginx_that_buffers_whatever_is_asked() {
    let expected = Expected {
        manners: ["batch", "batch"],
        holding: ["ends", "all"],
        largest: Some(1024 * 1024),
        lines: &[REQUESTS, ANSWERS, BODIES],
        ..NGINX
    };
    check("nginx, buffering whatever is asked", &expected).await;
}

#[tokio::test]
async fn haproxy() {
    let expected = Expected {
        manners: ["batch", "batch"],
        holding: ["small", "small"],
        lines: &["option http-no-delay"],
        ..CLEAR
    };
    check("HAProxy", &expected).await;
}

#[tokio::test]
async fn haproxy_without_delay() {
    check("HAProxy, no delay", &CLEAR).await;
}

#[tokio::test]
async fn apache() {
    let expected = Expected {
        manners: ["stream", "batch"],
        holding: ["nothing", "beginning"],
        named: "server: Apache/",
        lines: &["SetEnv proxy-prefetch-nonblocking 1"],
        ..CLEAR
    };
    check("Apache", &expected).await;
}

#[tokio::test]
async fn caddy() {
    check("Caddy", &Expected { named: "server: Caddy", ..CLEAR }).await;
}

#[tokio::test]
async fn varnish() {
    check("Varnish", &Expected { named: "varnish", ..CLEAR }).await;
}

#[tokio::test]
async fn squid_that_the_client_is_told_of() {
    let report = check("Squid, forward", &Expected { named: "squid", ..CLEAR }).await;
    assert!(
        report.is_none_or(|report| report["proxy"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1")))
    );
}

#[tokio::test]
async fn squid_before_the_server() {
    check("Squid, reverse", &Expected { named: "squid", ..CLEAR }).await;
}

/// Examines the way through a proxy, and once more with the lines that were advised.
async fn check(name: &str, expected: &Expected) -> Option<Value> {
    let intermediary = ALL.iter().find(|intermediary| intermediary.name == name).expect("it is in the table");
    // What lies where only its owner looks is found too.
    if intermediary.find().is_none() && !is_here(intermediary.program, &format!("the doctor through {name}")) {
        return None;
    }
    let (examined, report) = examine(intermediary, &[]).await;
    compare(name, expected, &examined, &report);
    if !expected.lines.is_empty() {
        let lines: Vec<String> = expected.lines.iter().map(|&line| line.to_owned()).collect();
        let (examined, report) = examine(intermediary, &lines).await;
        compare(&format!("{name}, amended"), &Expected { named: expected.named, ..CLEAR }, &examined, &report);
    }
    Some(report)
}

async fn examine(intermediary: &Intermediary, lines: &[String]) -> (Examination, Value) {
    let binary = Path::new(env!("CARGO_BIN_EXE_sendit"));
    let name = intermediary.name;
    let examined = intermediary.examine(binary, &["--json", "--longest", "1s"], lines).await;
    let examined = examined.unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
    println!("{name} {lines:?}: {}", examined.report);
    assert_eq!((examined.code, &*examined.said), (Some(0), ""), "{name}: {}", examined.report);
    let report = serde_json::from_str(&examined.report).expect("one JSON object");
    (examined, report)
}

#[track_caller]
fn compare(name: &str, expected: &Expected, examined: &Examination, report: &Value) {
    for (at, direction) in ["down", "up"].iter().enumerate() {
        let found = &report[direction];
        assert_eq!(found["manner"], expected.manners[at], "{name}: {report:#}");
        assert_eq!(found["holding"]["kind"], expected.holding[at], "{name}: {report:#}");
        assert_eq!(found["why"].is_null(), expected.manners[at] == "stream", "{name}: {report:#}");
    }
    let words = expected.manners.map(|manner| if manner == "stream" { "streams" } else { "batches" });
    let foretold = format!("wire v2: {} down, {} up", words[0], words[1]);
    assert!(examined.link.starts_with(&foretold), "{name}: the tunnel says `{}`, {report:#}", examined.link);
    assert_eq!(report["http_at_server"], expected.http_at_server, "{name}: {report:#}");
    let names = report["between"].as_array().expect("a list");
    let is_named = names.iter().any(|line| line.as_str().is_some_and(|line| line.contains(expected.named)));
    assert!(is_named || expected.named.is_empty(), "{name}: {report:#}");
    for manner in ["largest_batch", "largest_stream"] {
        let largest = &report["up"][manner];
        assert_eq!(largest["limited"], expected.largest.is_some(), "{name}: {report:#}");
        assert!(expected.largest.is_none_or(|bytes| largest["bytes"] == bytes), "{name}: {report:#}");
    }
    let advice = report["advice"].as_array().expect("a list");
    let lines: Vec<&str> = advice
        .iter()
        .flat_map(|advice| advice["lines"].as_array().expect("a list"))
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(lines, expected.lines, "{name}: {report:#}");
    for life in [&report["down"]["life"], &report["up"]["life"]] {
        assert!(life.is_null() || (life["ms"] == 1_000 && life["cut"] == false), "{name}: {report:#}");
    }
}
