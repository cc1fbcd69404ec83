//! `sendit run`: a program with a tunnel, as long as it runs.
#![cfg(unix)]

use std::fs;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::left_out;
use crate::tunnel::Server;
use crate::world::{Program, sendit};

/// A shell that says when it is there, and that a signal came, by an exit code.
const TRAPS: &str = "trap 'exit 5' TERM HUP; echo there; while :; do sleep 0.05; done";

fn run(server: &Server, args: &[&str], program: &[&str]) -> Program {
    Program::start(command(&server.url(""), args, program))
}

/// `sendit run` that is in front on no terminal, wherever the tests are.
fn command(server: &str, args: &[&str], program: &[&str]) -> Command {
    let mut command: Command = sendit();
    command.args(["run", "--server", server, "--prefix", "app"]).args(args).arg("--").args(program);
    command.process_group(0);
    command
}

#[tokio::test]
async fn a_program_is_told_where_it_is_and_its_exit_code_is_ours() {
    let server = Server::start(&[]).await;
    let script = "echo \"$PUBLIC_URL $HTTP_PREFIX $BASE_PATH $PORT\"; exit 3";
    for (args, seen) in [
        (&["--port", "4711"][..], "/app /app 4711"),
        (&["--port", "4711", "--strip-prefix"], " /app 4711"),
        (&["--port=4711", "--port-var=OTHER"], "/app /app "),
    ] {
        let mut program = run(&server, args, &["sh", "-c", script]);
        assert_eq!(program.ended().await, Some(3));
        let output = program.all().await;
        assert_eq!(output.stdout, format!("{} {seen}\n", server.url("/app")));
        let sentence = "error: `sh` ended with exit code 3 before anything listened on port 4711\n";
        assert!(output.stderr.ends_with(sentence), "{}", output.stderr);
    }
    // The prefix is free again.
    assert_eq!(server.get("/app", "").await.0.status(), "404");
}

/// No path stands before the program's, whatever becomes of the prefix elsewhere.
#[tokio::test]
async fn a_program_is_told_of_a_host_of_its_own() {
    let server = Server::start(&["--domain", "t.example"]).await;
    let script = "echo \"$PUBLIC_URL [$HTTP_PREFIX] [$BASE_PATH]\"";
    for args in [&[][..], &["--strip-prefix"]] {
        let mut program = run(&server, args, &["sh", "-c", script]);
        assert_eq!(program.ended().await, Some(0));
        let said = program.all().await.stdout;
        assert_eq!(said, format!("http://app.t.example:{} [] []\n", server.addr.port()));
    }
}

#[tokio::test]
async fn a_visitor_reaches_the_program() {
    if !left_out::is_here("python3", "a program that is run with a tunnel") {
        return;
    }
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("page"), "by a program\n").unwrap();
    let (server, place) = (Server::start(&[]).await, folder.path().to_str().unwrap());
    let script = format!("exec python3 -m http.server --directory {place} \"$PORT\"");
    let mut program = run(&server, &["--strip-prefix"], &["sh", "-c", &script]);
    program.printed(|output| output.stderr.contains("`sh` listens on port ")).await;
    assert_eq!(server.get("/app/page", "").await.1, "by a program\n");
    program.terminate().await;
    // 128 and the number of SIGTERM.
    assert_eq!(program.ended().await, Some(143));
}

#[tokio::test]
async fn signals_are_passed_on() {
    let server = Server::start(&[]).await;
    for signal in ["-TERM", "-HUP"] {
        let mut program = run(&server, &[], &["sh", "-c", TRAPS]);
        program.printed(|output| output.stdout.contains("there")).await;
        program.signal(signal).await;
        assert_eq!(program.ended().await, Some(5), "{signal}");
        assert!(!program.all().await.stderr.contains("error: "), "it is no surprise");
    }
}

#[tokio::test]
async fn a_signal_before_the_tunnel_stands_is_no_success() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    for (signal, code) in [("-HUP", 129), ("-INT", 130), ("-TERM", 143)] {
        let mut program = Program::start(command(&server, &[], &["sh", "-c", "echo started"]));
        // Whoever asks for the tunnel has caught the signals.
        let _asking = silent.accept().await.unwrap();
        program.signal(signal).await;
        assert_eq!(program.ended().await, Some(code), "{signal}");
        let output = program.all().await;
        assert_eq!(output.stdout, "");
        let sentence = format!("error: `sh` was not started, for SIG{} came before the tunnel stood\n", &signal[1..]);
        assert!(output.stderr.ends_with(&sentence), "{}", output.stderr);
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_told_before_anything_is_asked_for() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "no program").unwrap();
    let text = text.to_str().unwrap();
    for (name, code, cause) in
        [("no-such-program", 127, "there is no such file or directory"), (text, 126, "permission denied")]
    {
        let mut program = Program::start(command(&server, &[], &[name]));
        assert_eq!(program.ended().await, Some(code));
        assert_eq!(program.all().await.stderr, format!("error: cannot start `{name}`: {cause}\n"));
    }
    assert!(has_nobody(silent), "no tunnel was asked for");
}

/// That nobody has come, who would still wait to be accepted.
fn has_nobody(listener: TcpListener) -> bool {
    listener.into_std().unwrap().accept().is_err_and(|cause| cause.kind() == std::io::ErrorKind::WouldBlock)
}

/// It would be taken for the program, and be there for all.
#[tokio::test]
async fn what_listens_on_the_port_already_is_not_the_program() {
    let said = |port: u16| {
        format!(
            "error: something listens on port {port} already, before `sh` is started; end it, or choose another `--port`\n"
        )
    };
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = silent.local_addr().unwrap();
    for taken in ["127.0.0.1:0", "0.0.0.0:0"] {
        let other = TcpListener::bind(taken).await.unwrap();
        let port = other.local_addr().unwrap().port();
        let args = ["--port", &*port.to_string()];
        let mut program = Program::start(command(&format!("http://{address}"), &args, &["sh", "-c", "echo started"]));
        assert_eq!(program.ended().await, Some(6));
        let output = program.all().await;
        assert_eq!((output.stdout, output.stderr), (String::new(), said(port)));
    }
    // Somebody takes it while the tunnel is waited for.
    let port = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
    let args = ["--port", &*port.to_string()];
    let mut program = Program::start(command(&format!("http://{address}"), &args, &["sh", "-c", "echo started"]));
    let asking = silent.accept().await.unwrap();
    let _other = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    drop((asking, silent));
    let _server = Server::start_at(&address.to_string(), &[]).await;
    assert_eq!(program.ended().await, Some(6));
    let output = program.all().await;
    assert!(output.stdout.is_empty() && output.stderr.ends_with(&said(port)), "{}", output.stderr);
}

/// Neither does it read like a failure that Ctrl-C has ended a program, nor that somebody else has brought it.
#[tokio::test]
async fn an_interrupt_is_no_failure() {
    let server = Server::start(&[]).await;
    for (script, code) in [("trap 'exit 0' INT; echo there; while :; do sleep 0.05; done", 0), ("kill -INT $$", 130)] {
        let mut program = run(&server, &[], &["sh", "-c", script]);
        if code == 0 {
            program.printed(|output| output.stdout.contains("there")).await;
            program.signal("-INT").await;
        }
        assert_eq!(program.ended().await, Some(code), "{script}");
        let said = program.all().await.stderr;
        assert!(!said.contains("error: ") && !said.contains("warning: "), "{said}");
    }
}

#[tokio::test]
async fn a_second_signal_kills_a_program_that_stays() {
    let server = Server::start(&[]).await;
    for second in ["-TERM", "-INT"] {
        let mut program = run(&server, &[], &["sh", "-c", &TRAPS.replace("exit 5", "echo asked")]);
        program.printed(|output| output.stdout.contains("there")).await;
        program.terminate().await;
        program.printed(|output| output.stdout.contains("asked")).await;
        program.signal(second).await;
        assert_eq!(program.ended().await, Some(137), "{second}");
        assert!(!program.all().await.stderr.contains("within 30 s"), "it was not waited for");
    }
}

#[tokio::test]
async fn without_a_tunnel_there_is_no_program() {
    let server = Server::start(&["--secret", "0123456789abcdef0123456789abcdef"]).await;
    let mut program = run(&server, &[], &["sh", "-c", "echo started"]);
    assert_eq!(program.ended().await, Some(3));
    assert_eq!(program.all().await.stdout, "");
}

/// A server, its list of who is revoked, and a token for it.
async fn revocable() -> (Server, TempDir, String) {
    let (folder, secret) = (TempDir::new().unwrap(), "0123456789abcdef0123456789abcdef");
    let list = folder.path().join("revoked");
    fs::write(&list, "# nobody yet\n").unwrap();
    let server = Server::start(&["--secret", secret, "--revoked-file", list.to_str().unwrap()]).await;
    let minted = sendit().args(["token", "--secret", secret, "--subject", "jo"]).output().await.unwrap();
    (server, folder, String::from_utf8(minted.stdout).unwrap().trim().to_owned())
}

async fn revoke(server: &Server, folder: &TempDir) {
    fs::write(folder.path().join("revoked"), "sub:jo\n").unwrap();
    server.program.signal("-HUP").await;
}

#[tokio::test]
async fn a_program_ends_with_its_tunnel() {
    let (server, folder, token) = revocable().await;
    let script = TRAPS.replace("exit 5", "echo asked; exit 5");
    let mut program = run(&server, &["--token", &token], &["sh", "-c", &script]);
    program.printed(|output| output.stdout.contains("there")).await;
    revoke(&server, &folder).await;
    assert_eq!(program.ended().await, Some(3));
    assert!(program.all().await.stdout.ends_with("asked\n"));
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_with_its_children() {
    let (server, folder, token) = revocable().await;
    let is_late = |output: &str| output.contains("`sh` has not ended within 5 s, and is killed");
    let script = format!("({stays}) & {stays}", stays = TRAPS.replace("exit 5", "echo asked"));
    let args = ["--token", &token];
    let mut waiting = run(&server, &args, &["sh", "-c", &script]);
    waiting.printed(|output| output.stdout.matches("there").count() == 2).await;
    revoke(&server, &folder).await;
    assert_eq!(waiting.ended().await, Some(3));
    // This ends where nobody has its standard output any more.
    assert!(is_late(&waiting.all().await.stderr));
}

#[tokio::test]
async fn a_signal_kills_a_program_that_is_asked_to_end() {
    let (server, folder, token) = revocable().await;
    let script = TRAPS.replace("exit 5", "echo asked");
    let mut program = run(&server, &["--token", &token], &["sh", "-c", &script]);
    program.printed(|output| output.stdout.contains("there")).await;
    revoke(&server, &folder).await;
    program.printed(|output| output.stdout.contains("asked")).await;
    program.terminate().await;
    assert_eq!(program.ended().await, Some(3));
    assert!(!program.all().await.stderr.contains("within 5 s"), "it was not waited for");
}

#[tokio::test]
async fn signals_reach_the_children_of_a_program() {
    let server = Server::start(&[]).await;
    let script = format!("({}) & wait", TRAPS.replace("exit 5", "echo asked; exit 5"));
    let mut program = run(&server, &[], &["sh", "-c", &script]);
    program.printed(|output| output.stdout.contains("there")).await;
    program.terminate().await;
    assert_eq!(program.ended().await, Some(143));
    assert!(program.all().await.stdout.ends_with("asked\n"));
}

#[tokio::test]
async fn a_signal_ends_a_program_that_is_stopped() {
    let server = Server::start(&[]).await;
    let mut program = run(&server, &[], &["sh", "-c", "echo there; kill -STOP $$"]);
    program.printed(|output| output.stdout.contains("there")).await;
    program.terminate().await;
    assert_eq!(program.ended().await, Some(143));
}

/// The command, as `nohup` and shells start it in the background.
#[cfg(target_os = "linux")]
fn unheeding(command: &Command) -> Command {
    let (mut shell, command) = (crate::world::program("sh"), command.as_std());
    shell.args(["-c", "trap '' HUP INT; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    shell.env("SENDIT_INSPECT", "off").process_group(0);
    shell
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_ignored_stays_so() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let mut early = Program::start(unheeding(&command(&address, &[], &["true"])));
    let _asking = silent.accept().await.unwrap();
    let server = Server::start(&[]).await;
    let script = format!("kill -HUP $$; kill -INT $$; {}", TRAPS.replace("HUP", ""));
    let mut late = Program::start(unheeding(&command(&server.url(""), &[], &["sh", "-c", &script])));
    late.printed(|output| output.stdout.contains("there")).await;
    for (program, code) in [(&mut early, 143), (&mut late, 5)] {
        for signal in ["-HUP", "-INT", "-TERM"] {
            program.signal(signal).await;
        }
        assert_eq!(program.ended().await, Some(code));
    }
}
