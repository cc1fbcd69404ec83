//! Whether there is a program of some name, as the system looks for one: at a path, or in the folders of `PATH`.

#[cfg(unix)]
mod system {
    use std::ffi::OsStr;
    use std::path::Path;
    use std::{env, fs, io};

    use rustix::fs::{Access, access};

    /// Where programs are where `PATH` does not say it. (execvp(3))
    const USUAL: &str = "/bin:/usr/bin";

    /// Why no program of this name could be started, if that shows beforehand.
    pub(crate) fn look(program: &str, folders: Option<&OsStr>) -> io::Result<()> {
        if program.is_empty() || program.contains('/') {
            return executable(Path::new(program));
        }
        let mut cause = io::ErrorKind::NotFound.into();
        for folder in env::split_paths(folders.unwrap_or(OsStr::new(USUAL))) {
            match executable(&folder.join(program)) {
                Ok(()) => return Ok(()),
                Err(refused) if refused.kind() == io::ErrorKind::PermissionDenied => cause = refused,
                Err(_) => {}
            }
        }
        Err(cause)
    }

    fn executable(path: &Path) -> io::Result<()> {
        if !fs::metadata(path)?.is_file() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(access(path, Access::EXEC_OK)?)
    }

    #[cfg(test)]
    mod tests {
        use std::os::unix::fs::PermissionsExt as _;

        use super::*;

        #[test]
        fn it_is_looked_for_where_the_system_does() {
            let outer = tempfile::tempdir().unwrap();
            let path = |name: &str| outer.path().join(name).to_str().unwrap().to_owned();
            for (name, mode) in [("one/text", 0o644), ("one/tool", 0o644), ("two/tool", 0o755)] {
                fs::create_dir_all(Path::new(&path(name)).parent().unwrap()).unwrap();
                fs::write(path(name), "").unwrap();
                fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
            }
            let (one, both) = (path("one"), format!("{}:{}", path("one"), path("two")));
            let check = |program: &str, folders: Option<&str>, expected: Result<(), io::ErrorKind>| {
                let seen = look(program, folders.map(OsStr::new)).map_err(|cause| cause.kind());
                assert_eq!(seen, expected, "{program} in {folders:?}");
            };
            let (none, refused) = (Err(io::ErrorKind::NotFound), Err(io::ErrorKind::PermissionDenied));
            check("tool", Some(&both), Ok(()));
            check("tool", Some(&one), refused);
            check("text", Some(&both), refused);
            check("gone", Some(&both), none);
            check("tool", Some(""), none);
            check("sh", None, Ok(()));
            check("", Some(&both), none);
            check(&path("two/tool"), Some(""), Ok(()));
            check(&path("one/tool"), Some(""), refused);
            check(&path("two"), Some(""), refused);
            check(&path("two/gone"), Some(""), none);
        }
    }
}

/// Elsewhere programs are found by more than their name and `PATH`, so only starting one tells.
#[cfg(not(unix))]
mod system {
    use std::ffi::OsStr;
    use std::io;

    pub(crate) fn look(_: &str, _: Option<&OsStr>) -> io::Result<()> {
        Ok(())
    }
}

pub(super) use system::look;
