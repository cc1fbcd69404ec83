//! What a person types and reads: the subcommands with their flags, the names that the program answers to, the
//! environment, signals, exit codes. Knows how to say what is meant to the two ends, and not how they do it.

pub mod choices;
pub mod config;
pub mod env;
pub mod exit;

mod call;
mod flags;
mod help;

mod check;
mod connect;
mod demo;
mod descriptors;
mod doctor;
mod inspect;
mod install_links;
mod play;
mod record;
mod replay;
mod requests;
mod run;
mod serve;
mod sessions;
mod start;
mod token;

mod ask;
mod atomic;
mod authorities;
mod clock;
mod duration;
mod file;
mod lapse;
mod lines;
mod listen;
mod log;
mod networks;
mod output;
mod pair;
mod qr;
mod running;
mod secret;
mod signals;
mod sink;
mod sources;
mod terminal;
mod units;
mod url_file;

use std::ffi::OsString;

use argh::{ArgsInfo as _, CommandInfoWithArgs};

use self::call::{Call, Command};
use self::config::File;
use self::config::keys::Known;
use self::env::Env;
use self::exit::{Exit, Failure};

#[cfg(test)]
use self::call::tests::parsed;

/// The program: does what `args`, whose first item is the program's name, asks for, and ends with its exit code. What
/// it waits for depends on the subcommand; a signal ends each. Cancelling it drops what is under way.
pub async fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let exit = match obey(args).await {
        Ok(()) => Exit::Success,
        Err(failure) => {
            if failure.is_told() {
                output::fail(&failure);
            }
            failure.exit
        }
    };
    output::close();
    exit
}

async fn obey(args: impl IntoIterator<Item = OsString>) -> Result<(), Failure> {
    match Call::read(args)? {
        Call::Help(page) => output::answer(page),
        Call::Version => output::answer(concat!("sendit ", env!("CARGO_PKG_VERSION"))),
        Call::Command(command) => {
            let env = Env::from_process()?;
            match *command {
                Command::Serve(args) => {
                    let file = File::find(args.config(), &env, &file_keys())?;
                    Box::pin(serve::run(args, &env, file.as_ref())).await
                }
                Command::Connect(args) => {
                    let file = File::find(args.config(), &env, &file_keys())?;
                    connect::run(args, &env, file.as_ref()).await
                }
                Command::Start(args) => {
                    let file = File::find(args.config(), &env, &file_keys())?;
                    start::run(args, &env, file.as_ref()).await
                }
                Command::Run(args) => {
                    let file = File::find(args.config(), &env, &file_keys())?;
                    Box::pin(run::run(args, &env, file.as_ref())).await
                }
                Command::Config(args) => {
                    let file = File::find(args.config(), &env, &file_keys())?;
                    check::run(&args, file.as_ref()).await
                }
                Command::Doctor(args) => doctor::run(args, &env).await,
                Command::Sessions(args) => sessions::run(args, &env).await,
                Command::Requests(args) => requests::run(args, &env).await,
                Command::Replay(args) => replay::run(args, &env).await,
                Command::Record(args) => record::run(args, &env).await,
                Command::Play(args) => play::run(args, &env).await,
                Command::Token(args) => token::run(args, &env),
                Command::Demo(args) => Box::pin(demo::run(args, &env)).await,
                Command::InstallLinks(args) => install_links::run(&args, call::links()),
            }
        }
    }
}

/// The keys of the configuration file, which follow from the command line.
#[must_use]
pub fn file_keys() -> Known {
    Known::new(connect::Connect::get_args_info().flags, serve::Serve::get_args_info().flags)
}

/// The command line as argh describes it, for what is generated from it: completions, manual pages, the reference.
/// Environment variables and exit codes are in [`env::TABLE`] and [`exit::TABLE`].
#[must_use]
pub fn command_info() -> CommandInfoWithArgs {
    call::info()
}
