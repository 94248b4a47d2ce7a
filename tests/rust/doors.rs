//! `bindings/README.md`: every verb in every language, held against the table of the engine.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Holds a generated part of the page against what it should be, as `same` has it; `IDSE_UPDATE=1` writes it.
fn compare(name: &str, fresh: &str, same: impl Fn(&str, &str) -> bool) {
    static PAGE: Mutex<()> = Mutex::new(());
    let _page = PAGE.lock();
    let page = root().join("bindings/README.md");
    let text = std::fs::read_to_string(&page).unwrap().replace("\r\n", "\n");
    let (before, rest) = text.split_once(&format!("<!-- {name}: ")).unwrap();
    let (how, rest) = rest.split_once("-->\n").unwrap();
    let end = format!("<!-- /{name} -->");
    let (committed, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("IDSE_UPDATE").is_some() {
        std::fs::write(page, format!("{before}<!-- {name}: {how}-->\n{fresh}{end}{after}")).unwrap();
    } else {
        let command = "IDSE_UPDATE=1 cargo test -p idse-tests --test suite doors";
        assert!(same(committed, fresh), "bindings/README.md, {name}: {command}\n{fresh}");
    }
}

#[test]
fn the_table_of_verbs_is_current() {
    compare("verbs", &table(), |committed, fresh| committed == fresh);
}

/// What a program of another language goes through, with its files and what is generated, curated or a test among them.
const DOORS: [(&str, &[&str]); 3] = [
    ("C", &["bindings/c/src"]),
    ("Python", &["bindings/python/src", "bindings/python/python"]),
    (
        "Node",
        &["bindings/node/src", "bindings/node/lib", "bindings/node/index.js", "bindings/node/index.mjs"],
    ),
];

/// Counts the lines of code below a place: no blank ones, no comments, no tests.
fn lines(place: &Path) -> usize {
    let name = place.file_name().unwrap().to_string_lossy();
    if place.is_dir() {
        let entries = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
        return if name == "tests" { 0 } else { entries.map(|entry| lines(&entry)).sum() };
    }
    let is_code = [".rs", ".py", ".js", ".mjs"].iter().any(|ending| name.ends_with(ending));
    if !is_code || name == "tests.rs" {
        return 0;
    }
    let text = std::fs::read_to_string(place).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let is_counted = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !["//", "#", "/*", "*"].iter().any(|comment| line.starts_with(comment))
    };
    text.lines().filter(is_counted).count()
}

/// A door converts, calls and converts: together the three are well under the engine's size.
#[test]
fn the_doors_are_thin() {
    let engine = lines(&root().join("idse-core/src"));
    let doors = DOORS.map(|(_, places)| places.iter().map(|place| lines(&root().join(place))).sum::<usize>());
    let all: usize = doors.iter().sum();
    assert!(engine > 10_000 && doors.iter().all(|door| *door > 200), "{engine}, {doors:?}");
    assert!(all * 3 < engine, "{all} lines before {engine}");
    let round = |count: usize| (count + 50) / 100 * 100;
    let mut fresh = "\n| | lines of code | of the engine's |\n|---|---|---|\n".to_owned();
    let names = DOORS.iter().map(|(name, _)| *name).chain(["all three", "the engine"]);
    for (name, count) in names.zip(doors.into_iter().chain([all, engine])) {
        let share = (count * 100 + engine / 2) / engine;
        fresh += &format!("| {name} | {} | {share} % |\n", round(count));
    }
    fresh += "\n";
    // Nobody has to touch the page for a few lines.
    let numbers = |text: &str| -> Vec<f64> {
        let cells = text.split('|').filter_map(|cell| cell.trim().trim_end_matches(" %").parse().ok());
        cells.collect()
    };
    compare("lines", &fresh, |committed, fresh| {
        let (old, new) = (numbers(committed), numbers(fresh));
        old.len() == new.len() && old.iter().zip(&new).all(|(a, b)| (a - b).abs() <= 2.0_f64.max(b * 0.1))
    });
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
    let header = std::fs::read_to_string(root().join("include/idse.h")).unwrap();
    let table = table();
    let names = table.split("`idse_").skip(1).map(|rest| rest.split(['`', '(']).next().unwrap());
    for name in names {
        assert!(header.contains(&format!("idse_{name}(")), "{name}");
    }
}
