//! Standard error that nobody reads, or that is a full disk: both ends work on, and say afterwards what was dropped.

use std::io::{PipeReader, Read as _};
use std::thread;

use tokio::process::Command;

use crate::target::Target;
use crate::tunnel::{Client, Server};
use crate::world::{Program, sendit};

/// A command whose standard error nobody reads until somebody asks.
fn unread(mut command: Command) -> (Program, PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    command.stderr(writer);
    (Program::unheard(command), reader)
}

/// A server of which only the first line is read.
fn serve(format: &str) -> (Server, PipeReader) {
    let mut command = sendit();
    command.args(["serve", "--addr", "127.0.0.1:0", "--log-format", format]);
    let (program, mut reader) = unread(command);
    let mut first = Vec::new();
    while first.last() != Some(&b'\n') {
        let mut byte = [0];
        reader.read_exact(&mut byte).expect("it listens");
        first.push(byte[0]);
    }
    let first = String::from_utf8(first).expect("text");
    let (_, addr) = first.split_once("Listening: ").expect("it listens");
    let addr = addr.trim_end().trim_end_matches("\"}").parse().expect("an address");
    (Server { program, addr }, reader)
}

/// More lines than a pipe and the process itself hold: 64 KiB on Linux, and twice 256 KiB.
const EXCHANGES: usize = 4_000;

/// How many lines were dropped, as the log says.
fn dropped(log: &str) -> usize {
    let told = log.lines().find(|line| line.contains("a part of the log was dropped, for nobody took it"));
    let dropped = told.and_then(|line| line.split("lines").nth(1)).expect("it says how much");
    dropped.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

#[tokio::test]
async fn nobody_reads_the_servers_log() {
    for format in ["text", "json"] {
        let target = Target::start();
        let (mut server, mut reader) = serve(format);
        let _client = Client::start(&server.url("/app"), &target.url(), &[]).await;
        target.echo_paths();
        let mut visitor = server.visit().await;
        let path = format!("/app/{}", "x".repeat(250));
        for _ in 0..EXCHANGES {
            visitor.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
            assert_eq!(visitor.head().await.status(), "200");
            visitor.expect(&path).await;
        }
        // Somebody reads again; all that was held comes, and then how much was not.
        let reading = thread::spawn(move || {
            let mut log = String::new();
            reader.read_to_string(&mut log).map(|_| log)
        });
        server.program.terminate().await;
        assert_eq!(server.program.ended().await, Some(0));
        let log = reading.join().unwrap().unwrap();
        let (lines, dropped) = (log.matches("/app/xxx").count(), dropped(&log));
        println!("{lines} lines came, {dropped} were dropped");
        // Two lines tell of the end.
        let all = lines + dropped;
        assert!((EXCHANGES..=EXCHANGES + 2).contains(&all), "{all}");
    }
}

/// What a client says to its person is no reason to stop either. That some of it was dropped is said however little is logged.
#[tokio::test]
async fn nobody_reads_what_the_client_says() {
    let target = Target::start();
    let server = Server::start(&[]).await;
    let mut command = sendit();
    command.args(["connect", &*server.url("/app"), &target.url().replace("http:", "https:")]);
    command.args(["--log", "error", "--log-format", "json"]);
    target.refuse_tls();
    let (mut client, mut reader) = unread(command);
    while server.get("/app", "").await.0.status() == "404" {}
    let mut visitor = server.visit().await;
    for _ in 0..EXCHANGES {
        visitor.send("GET /app HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
        assert_eq!(visitor.head().await.status(), "502");
        visitor.expect("the service behind this tunnel cannot be reached\n").await;
    }
    let reading = thread::spawn(move || {
        let mut said = String::new();
        reader.read_to_string(&mut said).map(|_| said)
    });
    // Nor is it one not to end.
    client.terminate().await;
    assert_eq!(client.ended().await, Some(0));
    let said = reading.join().unwrap().unwrap();
    let (lines, dropped) = (said.matches("a visitor did not reach").count(), dropped(&said));
    println!("{lines} lines came, {dropped} were dropped");
    assert!(dropped > 0 && lines + dropped >= EXCHANGES);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_disk_is_full() {
    use std::fs::OpenOptions;
    use std::net::TcpListener;

    let full = || OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let target = Target::start();
    // It cannot say where it listens.
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut serve = sendit();
    serve.args(["serve", "--addr", &addr.to_string()]).stderr(full());
    let mut server = Server { program: Program::unheard(serve), addr };
    let mut connect = sendit();
    connect.args(["connect", &*server.url("/app"), &target.url()]).stderr(full());
    let _client = Program::unheard(connect);
    target.echo_paths();
    while tokio::net::TcpStream::connect(addr).await.is_err() {
        tokio::task::yield_now().await;
    }
    while server.get("/app/first", "").await.0.status() == "404" {}
    for _ in 0..500 {
        assert_eq!(server.get("/app/x", "").await.1, "/app/x");
    }
    server.program.terminate().await;
    assert_eq!(server.program.ended().await, Some(0));
}
