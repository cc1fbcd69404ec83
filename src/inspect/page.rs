//! The page's files, as they lie in the program: plain HTML, style sheets and modules, made by nothing. Knows not who
//! serves them.

/// One file of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    /// What it is called below `page/`.
    pub(super) name: &'static str,
    /// Its `Content-Type`.
    pub(super) media_type: &'static str,
    /// What stands in it.
    pub(super) text: &'static str,
}

/// What stands in the page where the token of this run has to.
const TOKEN: &str = "{token}";

const INDEX: &str = include_str!("page/index.html");

macro_rules! files {
    ($media_type:literal: $($name:literal)*) => {
        [$(File { name: $name, media_type: $media_type, text: include_str!(concat!("page/", $name)) }),*]
    };
}

const SCRIPTS: &[File] = &files!("text/javascript":
    "api.js" "body.js" "compare.js" "detail.js" "diff.js" "differences.js" "dom.js" "edit.js" "empty.js" "events.js" "exchanges.js"
    "filter.js" "format.js" "head.js" "hex.js" "highlight.js" "json.js" "keys.js" "list.js" "main.js" "message.js"
    "parts.js" "replay.js" "row.js" "said.js" "store.js" "theme.js" "timing.js" "toast.js" "tree.js"
    "webhook.js" "xml.js");

const STYLES: &[File] = &files!("text/css": "base.css" "body.css" "detail.css" "list.css");

const PICTURES: &[File] = &files!("image/svg+xml": "icon.svg");

/// The page itself, which may change things with `token`.
pub(super) fn index(token: &str) -> String {
    INDEX.replace(TOKEN, token)
}

/// What is called `name`.
pub(super) fn file(name: &str) -> Option<&'static File> {
    files().find(|file| file.name == name)
}

fn files() -> impl Iterator<Item = &'static File> {
    SCRIPTS.iter().chain(STYLES).chain(PICTURES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names between `before` and a quotation mark.
    fn named<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split(['"', '\'']).next())
    }

    #[test]
    fn each_file_of_the_folder_is_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/inspect/page");
        let there = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut there: BTreeSet<String> = there.collect();
        assert!(there.remove("index.html"));
        let known: BTreeSet<String> = files().map(|file| file.name.to_owned()).collect();
        assert_eq!(known, there);
        for file in files() {
            let ending = file.name.rsplit('.').next().unwrap();
            let media_type = match ending {
                "js" => "text/javascript",
                "css" => "text/css",
                _ => "image/svg+xml",
            };
            assert_eq!(file.media_type, media_type, "{}", file.name);
        }
    }

    #[test]
    fn what_a_file_names_is_there() {
        let mut count = 0;
        let imported = SCRIPTS.iter().flat_map(|script| named(script.text, "from './"));
        for name in named(INDEX, "\"page/").chain(imported) {
            assert!(file(name).is_some(), "{name}");
            count += 1;
        }
        assert!(count > 40, "{count}");
    }

    #[test]
    fn the_token_stands_in_the_page_once() {
        assert_eq!(INDEX.matches(TOKEN).count(), 1);
        assert!(index("secret").contains("content=\"secret\""));
        assert!(!index("secret").contains(TOKEN));
    }

    /// The policy that the page is served with lets none of these run; they would be dead.
    #[test]
    fn nothing_is_written_inline() {
        for part in [" style=", " onclick=", "<style", "javascript:"] {
            assert!(!INDEX.contains(part), "{part}");
        }
        assert_eq!(INDEX.matches("<script").count(), INDEX.matches("></script>").count());
    }

    /// What was captured becomes text: nothing in the page makes markup of a string.
    #[test]
    fn no_string_becomes_markup() {
        for script in SCRIPTS {
            for part in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "srcdoc"] {
                assert!(!script.text.contains(part), "{}: {part}", script.name);
            }
        }
    }
}
