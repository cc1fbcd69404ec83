//! Bodies of which nobody has told the length: they reach the target whatever the method, and none is made up.

use http::{Method, Request};
use http_body_util::BodyExt as _;

use crate::grpc::{nothing, spoken, visitor};
use crate::recorder::Recorder;
use crate::target::Target;
use crate::tunnel::Tunnel;

const METHODS: [&str; 7] = ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "get", "PROPFIND"];

/// What has reached the target under a path: the lines that say where the body ends, and the body.
fn seen(recorder: &Recorder, path: &str) -> (Vec<String>, String) {
    let requests = recorder.under(path);
    let [request] = &requests[..] else { panic!("{path}: {requests:?}") };
    let lines = request.lines.iter().map(|line| line.to_lowercase());
    let framing = lines.filter(|line| line.starts_with("transfer-encoding") || line.starts_with("content-length"));
    (framing.collect(), String::from_utf8_lossy(&request.body).into_owned())
}

#[tokio::test]
async fn they_arrive_whatever_the_method() {
    let target = Target::start();
    let tunnel = Tunnel::to(&target.url()).await;
    let recorder = Recorder::of(target);
    let chunked = (vec!["transfer-encoding: chunked".to_owned()], "hello".to_owned());
    let mut multiplexed = visitor(tunnel.server.addr).await;
    for method in METHODS {
        let path = format!("/app/1/{method}");
        let mut one = tunnel.server.visit().await;
        let head = format!("{method} {path}/x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n");
        one.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")).await;
        assert_eq!(one.head().await.status(), "200", "{method}");
        assert_eq!(seen(&recorder, &path), chunked, "{method}");

        let path = format!("/app/2/{method}");
        let (say, body) = spoken();
        let mut request = Request::builder().uri(format!("http://a.example{path}/x")).body(body).unwrap();
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        say.send("hello").await.unwrap();
        drop(say);
        let answer = multiplexed.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{method}");
        answer.into_body().collect().await.unwrap();
        assert_eq!(seen(&recorder, &path), chunked, "{method}");
    }
    let none = Request::get("http://a.example/app/none/x").body(nothing()).unwrap();
    assert_eq!(multiplexed.send_request(none).await.unwrap().status(), 200);
    assert_eq!(seen(&recorder, "/app/none"), (Vec::new(), String::new()));
}
