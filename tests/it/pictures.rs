//! The pictures in the documents: what the terminal's shows is what the program says today, line for line. `cargo xtask
//! screenshots` takes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use trials::picture::{WIDE, still, svg, take};

#[tokio::test]
async fn the_terminal_in_the_readme_shows_what_the_program_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let picture = fs::read_to_string(root.join("docs/terminal.svg")).unwrap();
    let shown = take(Path::new(env!("CARGO_BIN_EXE_sendit"))).await.unwrap_or_else(|trouble| panic!("{trouble}"));
    let today = svg::draw(&shown, WIDE.into());
    let (there, today) = (svg::text(&picture), svg::text(&today));
    // How the link is carried is told again once that is found out, which may be before or after what comes meanwhile.
    let lines = |text: &str| still(text).lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(lines(&there), lines(&today), "run `cargo xtask screenshots --terminal`");
    assert!(there.contains(" 1 held, 0 lost") && there.lines().count() > 10, "{there}");
}

/// Each picture that a document shows lies in the repository, and none lies there that no document shows.
#[test]
fn each_picture_is_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = |folder: &str| {
        let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    let (documents, pictures): (Vec<_>, Vec<_>) =
        files("docs").into_iter().partition(|path| path.extension().is_some_and(|kind| kind == "md"));
    let documents = documents.into_iter().chain([root.join("README.md")]);
    let text: String = documents.map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(pictures.len() > 3, "{pictures:?}");
    for picture in pictures {
        let name = picture.file_name().unwrap().to_str().unwrap();
        assert!(text.contains(name), "no document shows `docs/{name}`");
    }
}
