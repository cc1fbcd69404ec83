//! `sendit demo` with a service of one's own.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::target::Target;
use crate::world::{Program, sendit};

/// The service has never heard of a prefix.
#[tokio::test]
async fn the_url_that_demo_prints_is_answered_by_a_service_of_ones_own() {
    let target = Target::start();
    let mut command = sendit();
    command.args(["demo", &target.url()]);
    target.echo_paths();
    let mut demo = Program::start(command);
    let said = demo.printed(|output| output.stdout.contains("Ctrl-C ends it\n")).await.stdout;
    let url = said.lines().next().unwrap();
    assert!(url.ends_with("/demo/"), "{said}");
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/demo/").unwrap();
    for path in ["/", "/assets/style.css"] {
        let mut visitor = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /demo{path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
        visitor.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        visitor.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&format!("\r\n\r\n{path}")), "{answer}");
    }
    let path = said.split('`').nth(3).unwrap();
    assert_eq!(path, "/demo", "it says what is taken off: {said}");
}
