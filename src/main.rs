//! The process: a runtime, and the exit code. Knows no flags and no protocols.

use std::process::ExitCode;

use tokio::runtime::Builder;

fn main() -> std::io::Result<ExitCode> {
    // One thread: handing work from one to another costs more than the work.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let args: Vec<_> = std::env::args_os().collect();
    // As a task: what is blocked on would have the operating system asked for events each time that it is woken.
    let exit = runtime.block_on(runtime.spawn(sendit::cmd::run(args)));
    let exit = exit.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    // A look-up of a name may still be waiting on a thread of its own; nobody waits for it.
    runtime.shutdown_background();
    Ok(ExitCode::from(exit.code()))
}
