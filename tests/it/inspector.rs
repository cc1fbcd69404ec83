//! The inspector of a real client: what passes through the tunnel is in its list, a replay reaches the target, and it is where
//! it was asked for, or nowhere.

mod api;
#[cfg(unix)]
mod described;
mod held;

use serde_json::json;

use crate::peer::{End, Head};
use crate::recorder::Recorder;
use crate::target::Target;
use crate::tunnel::{Client, Server, Tunnel};
use api::Inspector;

const ORDER: &str = "POST /app/orders?a=%20b HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n\
                     X-CaSe: kEpT\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                     5\r\n{\"a\":\r\n3\r\n 1}\r\n0\r\n\r\n";

/// A tunnel whose client has an inspector at any port.
async fn tunnel(target: &str) -> (Tunnel, Inspector) {
    let mut tunnel = Tunnel::with(target, &[], &["--inspect", "127.0.0.1:0"]).await;
    let inspector = Inspector::of(&mut tunnel.client).await;
    (tunnel, inspector)
}

async fn visit(server: &Server, request: impl AsRef<[u8]>) -> (Head, String) {
    let mut visitor = server.visit().await;
    visitor.send(request).await;
    let head = visitor.head().await;
    let (body, end) = visitor.rest().await;
    assert_eq!(end, End::Closed, "the answer is whole");
    (head, body)
}

#[tokio::test]
async fn what_a_visitor_asked_is_there_and_a_replay_is_the_same() {
    let target = Target::start();
    let url = target.url();
    let recorder = Recorder::of(target);
    let (tunnel, inspector) = tunnel(&url).await;
    visit(&tunnel.server, ORDER).await;
    let exchange = inspector.ended(1).await;
    let wanted = json!({
        "id": 1, "method": "POST", "path": "/app/orders?a=%20b", "host": "a.example", "status": 200, "state": "done",
        "kind": "http", "request_bytes": 8, "response_bytes": 0, "replay_of": null, "webhook": null,
    });
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(exchange[name], *value, "{name}");
    }
    let detail = inspector.get("/api/requests/1").await.1;
    assert_eq!(detail["request"]["body"]["text"], "{\"a\": 1}");
    assert_eq!(detail["request"]["body"]["kind"], "json");
    let status = inspector.get("/api/status").await.1;
    assert_eq!((&status["state"], &status["url"]), (&json!("ready"), &json!(tunnel.server.url("/app"))));
    assert_eq!(status["target"], json!(url));
    // Sent again it is the same to the target, but for how long it is.
    let (status, again) = inspector.post("/api/requests/1/replay", "").await;
    assert_eq!((status, &again), (200, &json!({ "id": 2, "signed": false })));
    let requests = recorder.under("/app");
    let [first, second] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((&first.line, &first.body), (&second.line, &second.body));
    let rest = |lines: &[String]| -> Vec<String> {
        let framing = |line: &&String| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !["connection", "content-length", "transfer-encoding"].contains(&name.as_str())
        };
        lines.iter().filter(framing).cloned().collect()
    };
    assert_eq!(rest(&first.lines), rest(&second.lines));
    assert_eq!(inspector.ended(2).await["replay_of"], 1);
}

#[tokio::test]
async fn a_large_body_is_counted_whole_and_kept_in_part() {
    let target = Target::start();
    let url = target.url();
    let recorder = Recorder::of(target);
    let (tunnel, inspector) = tunnel(&url).await;
    let size = 3 * 1024 * 1024;
    let head = format!("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n");
    visit(&tunnel.server, [head.as_bytes(), &vec![b'x'; size]].concat()).await;
    assert_eq!(inspector.ended(1).await["request_bytes"], size);
    let body = &inspector.get("/api/requests/1").await.1["request"]["body"];
    assert_eq!((&body["size"], &body["kept"], &body["cut"]), (&json!(size), &json!(1024 * 1024), &json!(true)));
    assert_eq!(recorder.under("/app")[0].body.len(), size);
    assert_eq!(inspector.post("/api/requests/1/replay", "").await.0, 409);
    assert_eq!(recorder.count(), 1);
}

#[tokio::test]
async fn a_target_that_is_down() {
    let socket = crate::target::down();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let mut tunnel = Tunnel::with(&url, &[], &["--inspect", "127.0.0.1:0", "--hold", "1ms"]).await;
    let inspector = Inspector::of(&mut tunnel.client).await;
    let (head, _) = tunnel.server.get("/app/", "").await;
    assert_eq!(head.status(), "502");
    let exchange = inspector.ended(1).await;
    assert_eq!((&exchange["state"], &exchange["path"]), (&json!("unreachable"), &json!("/app/")));
    let (status, said) = inspector.post("/api/requests/1/replay", "").await;
    assert_eq!(status, 502);
    assert!(said["error"].as_str().unwrap().starts_with("nothing listens at `http://127.0.0.1:"), "{said}");
}

#[tokio::test]
async fn off_is_off() {
    let target = Target::start();
    let tunnel = Tunnel::with(&target.url(), &[], &["--inspect", "off"]).await;
    assert!(!tunnel.client.program.output().stderr.contains("Inspector"));
    #[cfg(target_os = "linux")]
    assert_eq!(listening(tunnel.client.program.id()), 0);
    // The count counts.
    let (other, _inspector) = self::tunnel(&target.url()).await;
    #[cfg(target_os = "linux")]
    assert_eq!(listening(other.client.program.id()), 1);
    drop(other);
}

/// How many sockets of a process listen. (proc(5): state `0A` in `/proc/net/tcp`)
#[cfg(target_os = "linux")]
fn listening(process: u32) -> usize {
    let folder = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let links = folder.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    let own: Vec<String> =
        links.filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();
    let tables = ["tcp", "tcp6"].map(|name| std::fs::read_to_string(format!("/proc/{process}/net/{name}")).unwrap());
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let columns = rows.map(|row| row.split_whitespace().collect::<Vec<_>>());
    columns.filter(|columns| columns[3] == "0A" && own.iter().any(|inode| inode == columns[9])).count()
}

#[tokio::test]
async fn a_port_that_is_taken_costs_the_page_alone() {
    let target = Target::start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let mut tunnel = Tunnel::with(&target.url(), &[], &["--inspect", &addr]).await;
    let sentence = format!(
        "warning: cannot listen on `{addr}`: another program has the port; choose one with `--inspect`; the tunnel goes \
         on without its inspector\n"
    );
    tunnel.client.program.printed(|output| output.stderr.contains(&sentence)).await;
}

#[tokio::test]
async fn other_machines_are_never_let_in() {
    for addr in ["0.0.0.0:0", "[::]:0", ":0"] {
        let mut client = Client::begin("http://127.0.0.1:1/app", "http://127.0.0.1:1", &["--inspect", addr]);
        assert_eq!(client.program.ended().await, Some(2), "{addr}");
        let said = client.program.all().await.stderr;
        assert!(said.contains(&format!("`--inspect {addr}` would show to other machines what passes")), "{said}");
    }
    let mut client = Client::begin("http://127.0.0.1:1/app", "http://127.0.0.1:1", &["--inspect", "4040"]);
    assert_eq!(client.program.ended().await, Some(2));
}
