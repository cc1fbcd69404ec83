//! The process: a runtime, and the exit code. Knows no flags and no protocols.

use std::process::ExitCode;

use tokio::runtime::Builder;

fn main() -> std::io::Result<ExitCode> {
    // One thread: handing work from one to another costs more than the work.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(sendit::cmd::run(std::env::args_os()));
    // A look-up of a name may still be waiting on a thread of its own; nobody waits for it.
    runtime.shutdown_background();
    Ok(ExitCode::from(exit.code()))
}
