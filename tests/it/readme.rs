//! Every command that the README and the documents show, run as it stands there: what it prints is what they show.
//!
//! A section of a document is one session in one folder, which begins with a server that runs, its secret and a token.
//! The names in it stand for real ones: `https://example.com` for the server, `http://localhost:3000` for a service of
//! the test's own, `http://localhost:4000` for one that is down.

mod commands;
mod document;
#[cfg(target_os = "linux")]
mod newcomer;
mod shown;
mod world;

use std::fs;
use std::path::Path;

use tokio::net::TcpSocket;
use tokio::process::Command;

use crate::left_out;
use crate::world::Program;
use commands::{BEFORE, COMMANDS, Does};
use document::{Step, blocks, root, sections};
use shown::address;
use world::World;

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "docs/commands.md",
    "docs/coming-from.md",
    "docs/how-it-works.md",
    "docs/sharing.md",
    "docs/security.md",
    "docs/hosting.md",
    "docs/troubleshooting.md",
    "docs/doctor.md",
    "docs/events.md",
    "docs/configuration.md",
];

/// A session whose server runs.
async fn begun(place: &str) -> World {
    let mut world = World::new().await;
    for command in BEFORE {
        let (place, command) = (format!("before {place}"), command.to_owned());
        let step = Step { place, command, shown: String::new() };
        world.run(&step, known(&step).1).await;
    }
    world
}

fn known(step: &Step) -> (&'static str, Does) {
    let known = COMMANDS.iter().find(|(command, _)| *command == step.command);
    *known.unwrap_or_else(|| panic!("{}: no test knows `{}`", step.place, step.command))
}

#[tokio::test]
async fn every_command_does_what_its_document_shows() {
    if !["curl", "openssl"].iter().all(|program| left_out::is_here(program, "the commands of the documents")) {
        return;
    }
    let mut unused: Vec<&str> = COMMANDS.iter().map(|(command, _)| *command).collect();
    for section in DOCUMENTS.into_iter().flat_map(sections) {
        let mut world = begun(&section[0].place).await;
        for step in section {
            let (command, does) = known(&step);
            unused.retain(|unused| *unused != command);
            world.run(&step, does).await;
        }
    }
    assert!(unused.is_empty(), "no document shows {unused:?}");
}

/// From nothing to a shared service the README takes few commands, and beside the program what each Unix has, and curl to look.
#[tokio::test]
async fn five_minutes_take_the_program_and_little_else() {
    if !left_out::is_here("curl", "the five minutes of the README") {
        return;
    }
    let mut world = World::bare(&["sh", "env", "head", "base64", "curl"]).await;
    five_minutes(&mut world).await;
}

/// The same as somebody does who has a bare Debian and an account on it. Who visits does so from another machine.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn five_minutes_on_a_bare_debian() {
    if !left_out::is_here("curl", "the five minutes of the README on a bare Debian") {
        return;
    }
    let Some(newcomer) = newcomer::Newcomer::come(Path::new(env!("CARGO_BIN_EXE_sendit"))).await else {
        return;
    };
    let mut world = World::elsewhere(move |line| newcomer.shell(line)).await;
    let begun = tokio::time::Instant::now();
    let count = five_minutes(&mut world).await;
    println!("{count} commands, from nothing to a visitor's answer in {:.1} s", begun.elapsed().as_secs_f64());
}

/// Types what the README shows from a secret to the first visitor, and says how many commands that took.
async fn five_minutes(world: &mut World) -> usize {
    let steps: Vec<Step> = sections("README.md").into_iter().flatten().collect();
    let begin = steps.iter().position(|step| step.command.ends_with("> secret")).expect("a secret is made");
    let count = steps[begin..].iter().position(|step| step.command.starts_with("curl ")).expect("a visitor comes") + 1;
    for step in &steps[begin..begin + count] {
        world.run(step, known(step).1).await;
    }
    // Before them come the toolchain, a clone and `cargo install`: fewer than ten in all.
    assert!((5..=6).contains(&count), "{count} commands");
    count
}

/// nginx with these lines, in front of the server at `address`.
async fn nginx(folder: &Path, address: &str, location: &str, map: &str) -> (Program, String) {
    let port = TcpSocket::new_v4().unwrap();
    port.set_reuseport(true).unwrap();
    port.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let public = port.local_addr().unwrap();
    let location = location.replace("127.0.0.1:5050", address);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {name};")).concat();
    let file = folder.join("nginx.conf");
    let text = format!(
        "daemon off; pid nginx.pid; error_log stderr notice; events {{}}\n\
         http {{ access_log off; {temporary}\n{map} server {{ listen {public} reuseport;\n{location} }} }}\n"
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).args(["-e", "stderr", "-c"]).arg(&file);
    let mut nginx = Program::start(command);
    nginx.printed(|output| output.stderr.contains("start worker process ")).await;
    (nginx, format!("http://{public}"))
}

/// Every command of the README, and of the two documents that go on from it, which crosses the server, behind an nginx with these lines. What the client says of its
/// way there contains `link`.
async fn check_behind_nginx(location: &str, map: &str, wires: &[&str], link: &str) {
    if !["curl", "openssl", "nginx"].iter().all(|program| left_out::is_here(program, "nginx in front of the server")) {
        return;
    }
    let mut world = begun("nginx").await;
    let (_, server) = world.names.iter().find(|(shown, _)| shown == "https://example.com").unwrap();
    let (_nginx, public) = nginx(world.folder.path(), address(server).unwrap(), location, map).await;
    world.learn("https://example.com", &public);
    let documents = ["README.md", "docs/how-it-works.md", "docs/sharing.md"];
    let steps = documents.into_iter().flat_map(sections).flatten();
    // And what the later ones need.
    let crosses = |command: &str| command.contains("https://example.com/") || command.ends_with("> password");
    let steps = steps.filter(|step| crosses(&step.command));
    for step in steps.filter(|step| !step.command.contains("--wire") || wires.iter().any(|w| step.command.contains(w)))
    {
        world.run(&step, known(&step).1).await;
        if let (Does::Stays(_), false, Some(client)) = (known(&step).1, step.command.contains("v1"), &mut world.client)
        {
            client.printed(|output| output.stderr.contains(link)).await;
        }
    }
}

#[tokio::test]
async fn the_lines_for_nginx_carry_a_tunnel() {
    // That the document shows them is what `cargo xtask gen --check` sees to.
    let lines = fs::read_to_string(root().join("dist/proxies/nginx.conf")).unwrap();
    let map = lines.lines().find(|line| line.starts_with("map ")).expect("a map");
    let (_, location) = lines.split_once("\n    location ").expect("a location");
    let (location, _) = location.split_once("\n    }\n").expect("its end");
    let location = format!("location {location} }}");
    check_behind_nginx(&location, map, &["--wire v1", "--wire v2"], "\nwire v2: ").await;
}

#[tokio::test]
async fn nginx_as_it_comes_carries_a_tunnel() {
    let hosting = fs::read_to_string(root().join("docs/hosting.md")).unwrap();
    let link = "batches up; up: something on the way holds streams back";
    assert!(hosting.contains(link), "what the client says of it stands in the document");
    let as_it_comes = blocks("docs/hosting.md", "nginx").swap_remove(0);
    assert_eq!(as_it_comes.lines().count(), 1, "nothing but the address");
    check_behind_nginx(&as_it_comes, "", &["--wire v2"], link).await;
}
