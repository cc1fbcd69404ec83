//! The shells and mandoc on what is generated from a small command line, and on files that are broken.

use std::fs;
use std::process::Command;

use super::super::tests::manual;
use super::super::{Generated, completions, roff};
use super::{reader, run};
use crate::program;

/// The generated files in a folder of their own.
fn written() -> (tempfile::TempDir, Vec<Generated>) {
    let folder = tempfile::tempdir().unwrap();
    let mut files = completions::files(&manual());
    files.extend(roff::files(&manual()));
    for Generated { path, text } in &files {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    (folder, files)
}

#[test]
fn shells_and_mandoc_accept_their_files() {
    let (folder, files) = written();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let expected = [
        "completions/sendit.bash",
        "completions/_sendit",
        "completions/sendit.fish",
        "man/sendit.1",
        "man/sendit-serve.1",
    ];
    assert_eq!(paths[..5], expected);
    assert_eq!(paths[5..], ["man/sendit-install-links.1"]);
    run(folder.path(), &paths).unwrap();
}

#[test]
fn broken_files_are_refused() {
    for (path, text) in [
        ("completions/sendit.bash", "f() {"),
        ("completions/_sendit", "if true"),
        ("completions/sendit.fish", "if true"),
        ("man/sendit.1", ".TH A 1\n.NOT A MACRO\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        fs::write(folder.path().join(path), text).unwrap();
        let reader = reader(path).unwrap();
        if program::find(reader).is_some() {
            assert!(run(folder.path(), &[path]).is_err(), "`{reader}` accepts a broken `{path}`");
        }
    }
}

/// Runs `script` in `shell` beside the generated files and looks for `expected` among the words that it prints.
#[track_caller]
fn completes(shell: &str, script: &str, expected: &str) {
    let (folder, _) = written();
    if program::find(shell).is_none() {
        crate::left_out::note(&format!("running the completions for {shell}, because `{shell}` is missing")).unwrap();
        return;
    }
    let printed = program::output(Command::new(shell).args(["-c", script]).current_dir(folder.path())).unwrap();
    assert!(printed.split_whitespace().any(|word| word == expected), "{shell}: {printed}");
}

#[test]
fn completions_offer_what_there_is() {
    let bash = |words: &str, at: usize| {
        format!(
            "source completions/sendit.bash; COMP_WORDS=({words}); COMP_CWORD={at}; _sendit; echo ${{COMPREPLY[@]}}"
        )
    };
    completes("bash", &bash("sendit inst", 1), "install-links");
    completes("bash", &bash("sendit serve --ad", 2), "--addr");
    completes("bash", &bash("sendit serve --wire \"\"", 3), "v1");
    let registered = "autoload -Uz compinit; compinit -u -D; source completions/_sendit; print $_comps[sendit]";
    completes("zsh", registered, "_sendit");
    let fish = |line: &str| format!("source completions/sendit.fish; complete -C '{line}'");
    completes("fish", &fish("sendit inst"), "install-links");
    completes("fish", &fish("sendit serve --ad"), "--addr");
    completes("fish", &fish("sendit serve --wire "), "v1");
    completes("fish", &fish("sendit serve --secret-file compl"), "completions/");
}
