//! `sendit install-links`: the names of the Go tools, as links to this executable.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use argh::{ArgsInfo, FromArgs};

use super::exit::{Failure, reason};
use super::output;

/// Makes the links `sendit-server` and `sendit-token`, for scripts written for the Go tools.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "install-links",
    help_triggers("-h", "--help"),
    example = "In the folder of your own programs:
  {command_name} ~/.local/bin",
    note = "Under the name `sendit-server` this program is `sendit serve`, under
`sendit-token` it is `sendit token`. A link that was made before is renewed; any
other file of that name stays as it is, and the command fails."
)]
pub(crate) struct InstallLinks {
    /// folder that takes the links
    #[argh(positional, arg_name = "DIR")]
    dir: PathBuf,
}

/// Makes a link of each of `names`.
pub(crate) fn run(args: &InstallLinks, names: impl Iterator<Item = &'static str>) -> Result<(), Failure> {
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    install(&args.dir, &program, names)
}

fn install(dir: &Path, program: &Path, names: impl Iterator<Item = &'static str>) -> Result<(), Failure> {
    for name in names {
        let link = dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        if link.symlink_metadata().is_ok() {
            if !is_ours(&link, program) {
                return Err(Failure::file(format!(
                    "`{}` is there already and is no link to sendit; move it away or choose another folder",
                    link.display()
                )));
            }
            fs::remove_file(&link).map_err(|cause| cannot("replace", &link, &cause))?;
        }
        make(program, &link).map_err(|cause| cannot("make", &link, &cause))?;
        output::say(format_args!("`{}` is a link to `{}`", link.display(), program.display()));
    }
    Ok(())
}

fn cannot(verb: &str, link: &Path, cause: &io::Error) -> Failure {
    Failure::file(format!("cannot {verb} the link `{}`: {}", link.display(), reason(cause)))
}

/// Whether the link was made by this command: it leads to a program of this one's name, wherever that lay, and lies
/// no longer after an upgrade.
#[cfg(unix)]
fn is_ours(link: &Path, program: &Path) -> bool {
    fs::read_link(link).is_ok_and(|target| target.file_name() == program.file_name())
}

#[cfg(unix)]
fn make(program: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, link)
}

/// Symbolic links need a privilege on Windows, so there the link is the same file, or where it cannot be, a copy.
#[cfg(not(unix))]
fn is_ours(link: &Path, program: &Path) -> bool {
    matches!((fs::read(link), fs::read(program)), (Ok(old), Ok(new)) if old == new)
}

#[cfg(not(unix))]
fn make(program: &Path, link: &Path) -> io::Result<()> {
    fs::hard_link(program, link).or_else(|_| fs::copy(program, link).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(dir: &Path, program: &Path) -> Result<(), Failure> {
        install(dir, program, ["sendit-server", "sendit-token"].into_iter())
    }

    fn name(of: &str) -> String {
        format!("{of}{}", std::env::consts::EXE_SUFFIX)
    }

    #[test]
    fn links_are_made_and_renewed() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("sendit");
        fs::write(&program, "program").unwrap();
        for _ in 0..2 {
            assert_eq!(run(dir.path(), &program), Ok(()));
            assert_eq!(fs::read(dir.path().join(name("sendit-server"))).unwrap(), b"program");
            assert_eq!(fs::read(dir.path().join(name("sendit-token"))).unwrap(), b"program");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_program_that_is_gone_is_renewed() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("sendit-server");
        std::os::unix::fs::symlink("/nowhere/sendit", &link).unwrap();
        assert_eq!(run(dir.path(), Path::new("/elsewhere/sendit")), Ok(()));
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("/elsewhere/sendit"));
    }

    #[test]
    fn other_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("sendit");
        fs::write(&program, "program").unwrap();
        let other = dir.path().join(name("sendit-server"));
        fs::write(&other, "other").unwrap();
        let sentence = format!(
            "`{}` is there already and is no link to sendit; move it away or choose another folder",
            other.display()
        );
        assert_eq!(run(dir.path(), &program), Err(Failure::file(sentence)));
        assert_eq!(fs::read(&other).unwrap(), b"other");
    }

    #[test]
    fn a_folder_that_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("gone").join(name("sendit-server"));
        let sentence = format!("cannot make the link `{}`: there is no such file or directory", link.display());
        let program = dir.path().join("sendit");
        assert_eq!(run(&dir.path().join("gone"), &program), Err(Failure::file(sentence)));
    }
}
