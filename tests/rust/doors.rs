//! `bindings/README.md`: every verb in every language, held against the table of the engine.

use std::path::{Path, PathBuf};

use idse_core::verb::VERBS;
use idse_tests::Sandbox;

/// How the program calls a verb; `None` where only the other doors have it.
fn program(verb: &str) -> Option<&'static str> {
    Some(match verb {
        "init" => "idse init",
        "sessions" => "idse session list",
        "create_session" => "idse session create",
        "switch_session" => "idse session switch",
        "set_stage" => "idse stage set",
        "validate" => "idse validate",
        "validate_text" => "idse validate - --stage",
        "fix" => "idse validate --fix",
        "status" => "idse status",
        "diff" => "idse sync diff",
        "resolve" => "idse sync resolve",
        "undo" => "idse sync undo",
        "explain" => "idse rule",
        "doctor" => "idse doctor",
        "trust" => "idse trust",
        "version" => "idse --version",
        "push" => "idse sync push",
        "pull" => "idse sync pull",
        "clone" => "idse sync clone",
        "link" => "idse sync link",
        "sync_status" => "idse sync status",
        "list_remote" => "idse sync list",
        "health" => "idse doctor --remote",
        // The program finds its workspace by itself, shows the plan with the status, and settles in every sync.
        "open" | "discover" | "projects" | "load" | "write" | "plan" | "merge_text" | "settle" => {
            return None;
        }
        other => panic!("how does the program say {other}?"),
    })
}

fn camel(verb: &str) -> String {
    let mut words = verb.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

fn table() -> String {
    let mut text =
        "\n| verb | connects | Rust | command line | C | Python | Node |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    for verb in VERBS {
        let connects = match (verb.connecting, verb.connects_with) {
            (true, _) => "yes".to_owned(),
            (false, Some(argument)) => format!("with `{argument}`"),
            (false, None) => String::new(),
        };
        let (name, node) = (verb.name, camel(verb.name));
        let program = program(name).map_or_else(|| "-".to_owned(), |words| format!("`{words}`"));
        let c = match name {
            "open" | "discover" => format!("`idse_workspace_{name}`"),
            "validate_text" | "merge_text" => format!("`idse_{name}`"),
            "version" => "`idse_version`".to_owned(),
            _ => format!("`idse_call(…, \"{name}\", …)`"),
        };
        text += &format!(
            "| `{name}` | {connects} | `verb::call(\"{name}\", …)` | {program} | {c} | `{name}(…)` | `{node}(…)` |\n"
        );
    }
    text + "\n"
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/README.md")
}

#[test]
fn the_table_of_verbs_is_current() {
    let page = std::fs::read_to_string(page()).unwrap().replace("\r\n", "\n");
    let (before, rest) = page.split_once("-->\n").unwrap();
    let (committed, after) = rest.split_once("<!-- /verbs -->").unwrap();
    if std::env::var_os("IDSE_UPDATE").is_some() {
        let fresh = format!("{before}-->\n{}<!-- /verbs -->{after}", table());
        std::fs::write(self::page(), fresh).unwrap();
        return;
    }
    assert!(
        committed == table(),
        "bindings/README.md: IDSE_UPDATE=1 cargo test -p idse-tests --test suite doors"
    );
}

/// What the table says of the program: each command is one that it knows.
#[test]
fn the_program_knows_its_column() {
    let sandbox = Sandbox::new();
    for words in VERBS.iter().filter_map(|verb| program(verb.name)) {
        let words = words.split(' ').skip(1).filter(|word| !word.starts_with('-'));
        let args: Vec<&str> = words.chain(["--help"]).collect();
        drop(sandbox.idse(&args).success());
    }
}

/// What the table says of C: each function is in the header.
#[test]
fn the_header_has_its_column() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/idse.h");
    let header = std::fs::read_to_string(path).unwrap();
    let table = table();
    let names = table.split("`idse_").skip(1).map(|rest| rest.split(['`', '(']).next().unwrap());
    for name in names {
        assert!(header.contains(&format!("idse_{name}(")), "{name}");
    }
}
