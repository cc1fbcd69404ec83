//! The page of metrics as Prometheus reads it, and the dashboard's queries as it answers them.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::{Run, TOKEN, ask};
use crate::left_out;
use crate::target::Target;
use crate::tunnel::Client;
use crate::world::{PATIENCE, Program, program};

#[tokio::test]
async fn promtool_finds_no_fault_with_the_page() {
    if !left_out::is_here("promtool", "the check of metrics by promtool") {
        return;
    }
    let run = Run::start(&[]).await;
    run.server.get("/nobody", "").await;
    let (head, page) = run.ask("GET /metrics").await;
    assert_eq!(head.value("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let mut check = program("promtool");
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().unwrap();
    check.stdin.take().unwrap().write_all(page.as_bytes()).await.unwrap();
    let output = check.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

/// A Prometheus that scrapes one server.
struct Prometheus {
    addr: SocketAddr,
    _program: Program,
    _folder: TempDir,
}

impl Prometheus {
    async fn of(run: &Run) -> Self {
        let folder = TempDir::new().unwrap();
        let (config, data) = (folder.path().join("prometheus.yml"), folder.path().join("data"));
        let scrape = format!(
            "scrape_configs:\n- job_name: sendit\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  authorization:\n    \
             credentials_file: {}\n  static_configs:\n  - targets: ['{}']\n",
            run.token, run.admin
        );
        fs::write(&config, scrape).unwrap();
        let mut command = program("prometheus");
        command.arg("--web.listen-address=127.0.0.1:0");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", data.display()));
        let mut program = Program::start(command);
        // `caller=tls_config.go:232 … msg="Listening on" address=127.0.0.1:40401`
        let said =
            program.printed(|output| output.stderr.contains("Server is ready") && address(&output.stderr).is_some());
        let addr = address(&said.await.stderr).unwrap();
        Self { addr, _program: program, _folder: folder }
    }

    /// What a query comes to.
    async fn result(&self, query: &str) -> Vec<Value> {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        let (head, answer) = ask(self.addr, &format!("GET /api/v1/query?{query}"), None).await;
        assert_eq!(head.status(), "200", "{query}: {answer}");
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        serde_json::from_value(answer["data"]["result"].take()).unwrap()
    }
}

fn address(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("msg=\"Listening on\""))?;
    line.split_once("address=")?.1.split(' ').next()?.parse().ok()
}

/// Each query of the dashboard, with what Grafana puts into it.
fn queries() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/grafana/sendit.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let filled = |query: &str| query.replace("$__rate_interval", "10s").replace("$instance", ".*");
    targets.map(|target| filled(target["expr"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn every_query_of_the_dashboard_is_answered() {
    if !left_out::is_here("prometheus", "the dashboard's queries by Prometheus") {
        return;
    }
    let mut target = Target::start();
    let run = Run::start(&[]).await;
    let _client = Client::start(&run.server.url("/app"), &target.url(), &[]).await;
    let visit = async |target: &mut Target| {
        let (answer, _) = tokio::join!(run.server.get("/app/x", ""), async {
            let mut service = target.accept().await;
            service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await;
            service.rest().await
        });
        assert_eq!(answer.0.status(), "200");
        run.server.get("/nobody", "").await;
    };
    visit(&mut target).await;
    let prometheus = Prometheus::of(&run).await;
    let queries = queries();
    assert!(queries.len() > 20);
    let scraped = async {
        // What grows between two looks has a rate.
        while prometheus.result("rate(sendit_exchanges_total{status=\"2xx\"}[10s]) > 0").await.is_empty() {
            visit(&mut target).await;
        }
        for query in &queries {
            while prometheus.result(query).await.is_empty() {}
        }
    };
    timeout(PATIENCE, scraped).await.expect("every query is answered");
    let seen = prometheus.result("sum(sendit_sessions{wire=\"v2\"})").await;
    assert_eq!(seen[0]["value"][1], "1");
    let failing = prometheus.result("up == 0").await;
    assert!(failing.is_empty(), "{failing:?}");
    assert_eq!(ask(run.admin, "GET /metrics", Some(TOKEN)).await.0.status(), "200");
}
