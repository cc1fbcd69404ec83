//! The project's own tasks, as `cargo xtask <task>`: what CI runs, the rules that no compiler checks, and what is
//! generated from the argument types. Knows the repository, and of the tunnel its command line only.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task says what it does and why it failed")]

mod bench;
mod ci;
#[cfg(target_os = "linux")]
mod cluster;
mod delay;
mod dist;
mod faults;
mod fuzz;
mod generate;
mod intermediaries;
mod left_out;
mod profile;
mod program;
mod promises;
mod screenshots;
mod setup;
mod simulate;
mod soak;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use argh::FromArgs;

/// Tasks of the project.
#[derive(FromArgs)]
struct Arguments {
    #[argh(subcommand)]
    task: Task,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum Task {
    Ci(Ci),
    Setup(Setup),
    Tidy(Tidy),
    Generate(Generate),
    Faults(Box<faults::Faults>),
    Intermediaries(intermediaries::Intermediaries),
    Soak(soak::Soak),
    Promises(promises::Promises),
    Screenshots(screenshots::Screenshots),
    Fuzz(fuzz::Fuzz),
    Bench(bench::Bench),
    #[cfg(target_os = "linux")]
    Cluster(cluster::Cluster),
    Delay(delay::Delay),
    Profile(profile::Profile),
    Simulate(Box<simulate::Simulate>),
    Dist(dist::Dist),
}

/// Run everything that CI runs, in order; stops at the first failure.
#[derive(FromArgs)]
#[argh(subcommand, name = "ci")]
struct Ci {}

/// Install the Debian packages that the tests need, where that is allowed.
#[derive(FromArgs)]
#[argh(subcommand, name = "setup")]
struct Setup {}

/// Check the order of modules and the other rules of the house.
#[derive(FromArgs)]
#[argh(subcommand, name = "tidy")]
struct Tidy {}

/// Write completions, man pages and the reference of commands from the argument types.
#[derive(FromArgs)]
#[argh(subcommand, name = "gen")]
struct Generate {
    /// only check that what is in the repository is up to date and valid
    #[argh(switch)]
    check: bool,
}

fn main() -> ExitCode {
    match run(&argh::from_env::<Arguments>().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    match task {
        Task::Ci(Ci {}) => ci::run(left_out::Policy::of_environment()),
        Task::Setup(Setup {}) => setup::run(left_out::Policy::of_environment()),
        Task::Tidy(Tidy {}) => {
            println!("{} sources are tidy", tidy::run(root())?);
            Ok(())
        }
        Task::Faults(faults) => asynchronous(faults.run()),
        Task::Intermediaries(intermediaries) => asynchronous(intermediaries.run()),
        Task::Promises(promises) => asynchronous(promises.run()),
        Task::Screenshots(screenshots) => screenshots.run(),
        Task::Soak(soak) => asynchronous(soak.run()),
        #[cfg(target_os = "linux")]
        Task::Cluster(cluster) => asynchronous(cluster.run()),
        Task::Bench(bench) => asynchronous(bench.run()),
        Task::Delay(delay) => asynchronous(delay.run()),
        Task::Profile(profile) => asynchronous(profile.run()),
        Task::Simulate(simulate) => {
            simulate.run();
            Ok(())
        }
        Task::Dist(dist) => dist.run(left_out::Policy::of_environment()),
        Task::Fuzz(fuzz) => fuzz.run(left_out::Policy::of_environment()),
        Task::Generate(Generate { check: true }) => generate::check(root()),
        Task::Generate(Generate { check: false }) => generate::write(root()),
    }
}

/// One thread is enough to watch, and leaves the others to what is watched.
fn asynchronous(task: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(task)
}

/// The repository's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in a folder of the repository")
}
