//! The curl lines of the inspector, run by real shells with the real curl: the target sees the same request again.

use std::fs;
use std::process::Stdio;

use sendit::inspect::export::curl;
use sendit::inspect::{Body, Message};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::left_out;
use crate::world::PATIENCE;

/// Shells that people paste into.
const SHELLS: [&str; 3] = ["sh", "bash", "zsh"];

/// Each of them leads curl into temptation. A head is written without its last lines' ends.
fn cases() -> Vec<(Vec<u8>, Vec<u8>)> {
    let bare = |head: &str| (head.as_bytes().to_vec(), Vec::new());
    let with = |head: &str, body: &[u8]| (head.replace("LENGTH", &body.len().to_string()).into_bytes(), body.to_vec());
    let post = |body: &[u8]| with("POST /hook HTTP/1.1\nHost: a.example\nContent-Length: LENGTH", body);
    let mut cases = vec![
        bare("GET / HTTP/1.1\nHost: a.example"),
        bare("GET /a HTTP/1.1\nhost: a.example\nuser-agent: me/1.0\naccept: text/html\nx-last: 1"),
        // Neither first, nor as curl spells it, nor as if there were spaces to spare.
        bare("GET /a HTTP/1.1\nAccept: */*\nX-Before: 1\nHOST: a.example:1234\nx-none:none\nx-wide:   w  x"),
        bare("GET /a HTTP/1.1\nHost: a\nX-Twice: 1\nX-Between: 2\nX-Twice: 3\nx-twice: 4\nX-Empty:\nX-End: e"),
        bare("GET /a HTTP/1.1\nHost: a\nX-Quotes: it's \"$HOME\" `id` \\n ${x} !! *\nCookie: a=1; b=2\nCookie: c=3"),
        bare("GET /a HTTP/1.1\nHost: a\nAuthorization: Basic dTpw\nConnection: keep-alive\nAccept-Encoding: gzip"),
        bare("GET /a HTTP/1.0"),
        bare("HEAD /a HTTP/1.1\nHost: a\nAccept: */*"),
        bare("PUT /a HTTP/1.1\nHost: a"),
        bare("DELETE /a HTTP/1.1\nHost: a\nUser-Agent: u"),
        bare("PURGE /a HTTP/1.1\nHost: a"),
        bare("OPTIONS * HTTP/1.1\nHost: a"),
        bare("GET http://a.example/x HTTP/1.1\nHost: a.example"),
        bare("POST /a HTTP/1.1\nHost: a\nContent-Length: 0"),
        bare("PUT /a HTTP/1.1\nContent-Length: 0\nHost: a\nContent-Type: text/plain"),
        with("GET /a HTTP/1.1\nHost: a\nContent-Length: LENGTH\nContent-Type: text/plain", b"of a GET"),
        with(
            "POST /a HTTP/1.1\nHost: a\nContent-Type: application/json\nX: y\nContent-Length: LENGTH",
            br#"{"a": "it's"}"#,
        ),
        with("PATCH /a HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nContent-Type: a/b", b"in chunks"),
        with("POST /a HTTP/1.1\nHost: a\nTransfer-Encoding: chunked", b""),
        with("POST /a HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: LENGTH", b"expected"),
    ];
    for path in [
        "//a//b/",
        "/a/../b/./c",
        "/..",
        "/%2e%2e/x",
        "/a%2Fb%2fc",
        "/[a-c]{x,y}[1]?[z]={1}",
        "/hook?",
        "/hook??",
        "/hook?a=1?b=2",
        "/a+b%20c%2B",
        "/a'b\"c\\d",
        "/$HOME/`id`/!x;y&z|(w)",
        "/hook?q=%00%0d%0a",
        "/~u/*?x=*",
        "/a@b:c",
        "/-o/x",
        "/a#b",
    ] {
        cases.push(bare(&format!("GET {path} HTTP/1.1\nHost: a.example")));
    }
    cases.push((b"GET /\xc3\xa9/\xff\x01 HTTP/1.1\nHost: a\nX-Latin: \xe4 \xff'\nX-Tab: a\tb".to_vec(), Vec::new()));
    let large = [&b"{\"large\": \""[..], "0123456789abcdef".repeat(100_000).as_bytes(), b"\"}"].concat();
    let all: Vec<u8> = (0..=255).collect();
    let bodies: [&[u8]; 14] = [
        b"@/etc/passwd",
        b"@-",
        b"<x",
        b"it's \"quoted\" $HOME `id` \\n %s",
        b"a\nb\r\nc\n\n",
        b"\n",
        b"\r\n",
        b"-",
        b"&a=1&b=%20",
        "\u{e9}\u{4e2d}\u{1f600}\u{2028}\u{202e}".as_bytes(),
        b"\x1b[31mred\x07",
        &all,
        b"a\0",
        &large,
    ];
    cases.extend(bodies.iter().map(|body| post(body)));
    cases.into_iter().map(|(head, body)| (crlf(&head), body)).collect()
}

/// A head with the ends that lines have on the wire.
fn crlf(head: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for line in head.split(|byte| *byte == b'\n') {
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"\r\n");
    wire
}

#[tokio::test]
async fn the_target_sees_the_same_request_again() {
    if !left_out::is_here("curl", "curl lines of the inspector") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    let home = TempDir::new().unwrap();
    fs::write(home.path().join(".curlrc"), "header = \"X-Own: 1\"\n").unwrap();
    let shells: Vec<_> = SHELLS.into_iter().filter(|shell| left_out::is_here(shell, "curl lines in a shell")).collect();
    for (number, (head, body)) in cases().into_iter().enumerate() {
        let size = body.len() as u64;
        let message = Message { head, body: Body { kept: body, size }, ..Message::default() };
        let line = curl(&message, &target);
        assert!(!line.contains('#') || message.path().contains(&b'#'), "nothing is left out: {line}");
        // One after the other, each case in its turn: they differ in quoting alone, which each of the cases has.
        let shell = shells[number % shells.len()];
        let mut command = Command::new(shell);
        // What is too long for an argument of the shell's is not too long for a line.
        let script = home.path().join("line");
        fs::write(&script, &line).unwrap();
        command.arg(&script).env("HOME", home.path()).env("http_proxy", "http://127.0.0.1:1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let running = command.spawn().expect("the shell starts").wait_with_output();
        let (connection, _) = timeout(PATIENCE, listener.accept()).await.unwrap_or_else(|_| panic!("{line}")).unwrap();
        let (head, body) =
            timeout(PATIENCE, seen(connection)).await.unwrap_or_else(|_| panic!("it never ends: {line}"));
        let output = timeout(PATIENCE, running).await.expect("curl ends").unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}{line}");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&head), text(&message.head), "{line}");
        assert!(head == message.head, "{line}");
        assert!(body == message.body.kept, "{} instead of {} bytes: {line}", body.len(), message.body.kept.len());
    }
}

/// A request as it arrives, its body without the framing of chunks. It is answered with nothing.
async fn seen(mut stream: TcpStream) -> (Vec<u8>, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    let message = Message { head, ..Message::default() };
    if message.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.expect("it listens");
    }
    let mut body = Vec::new();
    if message.header("transfer-encoding").is_some() {
        loop {
            let piece = chunk(&mut stream).await;
            body.extend_from_slice(&piece);
            if piece.is_empty() {
                break;
            }
        }
    } else if let Some(length) = message.header("content-length") {
        body = vec![0; String::from_utf8_lossy(length).parse().expect("a length")];
        stream.read_exact(&mut body).await.expect("a whole body");
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await.expect("it listens");
    // Nothing comes after what was announced.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("it ends in order");
    assert_eq!(rest, b"");
    (message.head, body)
}

async fn chunk(stream: &mut TcpStream) -> Vec<u8> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await.expect("a chunk"));
    }
    let size = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).expect("a size");
    let mut piece = vec![0; size + 2];
    stream.read_exact(&mut piece).await.expect("a whole chunk");
    piece.truncate(size);
    piece
}
