//! The generators on a small command line that has one of each kind of argument, in words that need every escape.

use argh::ArgsInfo;
use sendit::cmd::choices::Choice;

use super::manual::Row;
use super::*;

/// A tunnel, isn't it.
#[derive(ArgsInfo)]
#[expect(dead_code, reason = "only its description is read")]
struct Tunnel {
    #[argh(subcommand)]
    command: Subcommand,
}

#[derive(ArgsInfo)]
#[argh(subcommand)]
#[expect(dead_code, reason = "only its description is read")]
enum Subcommand {
    Serve(Serve),
    InstallLinks(InstallLinks),
}

/// Run the server: it's the public end, with `back-ticks` and $dollars.
#[derive(ArgsInfo)]
#[argh(
    subcommand,
    name = "serve",
    example = "On any free port:\n  {command_name} --addr 127.0.0.1:0\n  .hidden 'quoted' \\ end",
    note = "Runs until it is\ntold to stop.",
    note = "\nThen it ends.",
    error_code(2, "wrong usage")
)]
#[expect(dead_code, reason = "only its description is read")]
struct Serve {
    /// address to listen on; `127.0.0.1:5050` where it isn't given
    #[argh(option, short = 'a', arg_name = "host:port")]
    addr: Option<String>,
    /// a [bracketed] one: needed | wanted → used
    #[argh(option)]
    secret: String,
    /// one of a few
    #[argh(option)]
    wire: Option<String>,
    /// where it lies
    #[argh(option, arg_name = "FILE")]
    secret_file: Option<String>,
    /// one or none
    #[argh(option, arg_name = "addr|off")]
    inspect: Option<String>,
    /// the 'quoted' one
    #[argh(switch)]
    insecure: bool,
    /// not for everybody
    #[argh(switch, hidden_help)]
    internal: bool,
}

/// Make the links.
#[derive(ArgsInfo)]
#[argh(subcommand, name = "install-links")]
#[expect(dead_code, reason = "only its description is read")]
struct InstallLinks {
    /// where they go
    #[argh(positional, arg_name = "dir")]
    folder: String,
}

pub(super) fn manual() -> Manual {
    let row = |term: &str, commands| Row { term: term.to_owned(), meaning: "a meaning".to_owned(), commands };
    Manual {
        root: Tunnel::get_args_info(),
        environment: vec![row("SENDIT_ADDR", &["serve"])],
        exit_codes: vec![row("0", &["serve", "install-links"]), row("7", &["install-links"])],
        choices: &[Choice { flag: "--wire", words: &["auto", "v1"] }],
        keys: sendit::cmd::file_keys(),
    }
}

#[test]
fn pages_say_what_the_types_say() {
    let pages = roff::files(&manual());
    let page = |path: &str| &pages.iter().find(|page| page.path == path).unwrap().text;
    let serve = page("man/sendit-serve.1");
    assert!(serve.starts_with(".TH SENDIT-SERVE 1 "), "{serve}");
    assert!(
        serve.contains("\n.TP\n\\fB\\-a, \\-\\-addr <host:port>\\fR\naddress to listen on; \\fB127.0.0.1:5050\\fR")
    );
    assert!(serve.contains("\\fBsendit serve\\fR \\-\\-secret <secret> [options]\n"), "{serve}");
    assert!(serve.contains("\n\\&.hidden \\(aqquoted\\(aq \\e end\n"), "{serve}");
    assert!(serve.contains("wanted \\[u2192] used"), "{serve}");
    assert!(serve.contains("SENDIT_ADDR") && !serve.contains("\\fB7\\fR"), "{serve}");
    assert!(serve.contains("Runs until it is told to stop.\n.PP\nThen it ends.\n"), "{serve}");
    assert!(page("man/sendit-install-links.1").contains("\\fB7\\fR"));
    assert!(page("man/sendit.1").contains(".SH COMMANDS\n.TP\n\\fBserve\\fR\n"));
}

#[test]
fn a_page_is_changed_between_its_markers_only() {
    let page = "before\n<!-- generated: commands -->\nstale\n<!-- end: commands -->\nafter\n";
    let once = markdown::commands(page, &manual()).unwrap();
    assert!(
        once.starts_with("before\n<!-- generated: commands -->\n") && once.ends_with("<!-- end: commands -->\nafter\n")
    );
    assert!(once.contains("| `--secret <secret>` | a [bracketed] one: needed \\| wanted → used |"), "{once}");
    assert!(once.contains("| `--inspect <addr\\|off>` | one or none |"), "{once}");
    assert!(once.contains("On any free port:\n\n```console\n$ sendit serve --addr 127.0.0.1:0\n"), "{once}");
    assert!(once.contains("\nRuns until it is told to stop.\n\nThen it ends.\n") && !once.contains("stale"), "{once}");
    assert_eq!(markdown::commands(&once, &manual()).unwrap(), once);
    assert_eq!(markdown::commands(&once.replace('\n', "\r\n"), &manual()).unwrap(), once);
    assert!(markdown::commands("no markers", &manual()).is_err());
    assert!(markdown::commands("<!-- generated: commands -->\n", &manual()).is_err());
}

#[test]
fn each_setting_has_its_names_in_all_places() {
    let page = "<!-- generated: settings -->\n<!-- end: settings -->\n";
    let page = markdown::configuration(page, &manual()).unwrap();
    let row =
        |begin: &str| page.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {page}"));
    assert!(row("| `server` |").starts_with("| `server` | top | `--server` | `SENDIT_SERVER` | "), "{page}");
    assert!(row("| `wire` |").starts_with("| `wire` | top, tunnel | `--wire` | `SENDIT_WIRE` | "), "{page}");
    assert!(row("| `prefix` |").starts_with("| `prefix` | tunnel | `--prefix` | `SENDIT_PREFIX` | "), "{page}");
    assert!(row("| `target` |").starts_with("| `target` | tunnel |  |  | "), "{page}");
    assert!(row("| `addr` |").starts_with("| `addr` | serve | `--addr` | `SENDIT_ADDR` | "), "{page}");
    assert!(!page.contains("`qr`") && !page.contains("`config`"), "{page}");
}

#[test]
fn hidden_flags_stay_hidden() {
    let files = completions::files(&manual()).into_iter().chain(roff::files(&manual()));
    for Generated { path, text } in files {
        assert!(!text.contains("internal"), "{path}");
    }
    assert!(completions::files(&manual()).iter().all(|file| file.text.contains("insecure")));
}

/// Whatever the generators write today, each flag with words of its own has them in all three.
#[test]
fn flags_offer_the_words_and_the_files_that_they_take() {
    let files = completions::files(&Manual::of_sendit());
    let text = |path: &str| &files.iter().find(|file| file.path == path).unwrap().text;
    let (bash, zsh, fish) =
        (text("completions/sendit.bash"), text("completions/_sendit"), text("completions/sendit.fish"));
    for Choice { flag, words } in sendit::cmd::choices::TABLE {
        let (name, words) = (&flag[2..], words.join(" "));
        assert!(bash.contains(&format!("compgen -W \"{words}\"")), "{flag}: {bash}");
        assert!(
            zsh.lines().any(|line| line.contains(&format!("'{flag}[")) && line.contains(&format!("'': :({words})' "))),
            "{flag}: {zsh}"
        );
        assert!(fish.contains(&format!(" -l {name} -x -a '{words}' ")), "{flag}: {fish}");
    }
    for flag in ["secret-file", "revoked-file", "token-file", "basic-auth-file"] {
        assert!(
            zsh.lines().any(|line| line.contains(&format!("'--{flag}[")) && line.contains("'': :_files' ")),
            "{flag}: {zsh}"
        );
        assert!(fish.contains(&format!(" -l {flag} -rF ")), "{flag}: {fish}");
    }
}
