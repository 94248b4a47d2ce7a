//! What `--help` says.

use idse_tests::Sandbox;

/// Every verb, as it is typed.
const VERBS: &[&str] = &[
    "init",
    "session create",
    "session switch",
    "session list",
    "stage set",
    "status",
    "validate",
    "sync push",
    "sync pull",
    "sync clone",
    "sync link",
    "sync status",
    "sync list",
    "sync diff",
    "sync resolve",
    "sync undo",
    "rule",
    "trust",
    "doctor",
    "dashboard",
    "completions",
];

#[test]
fn top_level() {
    insta::assert_snapshot!("help", Sandbox::new().idse(&["--help"]));
}

#[test]
fn every_verb_shows_examples() {
    let sandbox = Sandbox::new();
    for verb in VERBS {
        let mut args: Vec<_> = verb.split(' ').collect();
        args.push("--help");
        let run = sandbox.idse(&args).success();
        assert_eq!(run.stderr, "", "{verb}");
        let (_, examples) =
            run.stdout.split_once("Examples:\n").unwrap_or_else(|| panic!("{verb}: no examples"));
        let examples: Vec<_> = examples.lines().filter(|line| line.starts_with("  idse ")).collect();
        assert!((2..=4).contains(&examples.len()), "{verb}: {examples:?}");
        insta::assert_snapshot!(format!("help {verb}").replace(' ', "_"), run.stdout);
    }
}

/// The list of verbs above is the list of verbs that there are.
#[test]
fn no_verb_is_forgotten() {
    let sandbox = Sandbox::new();
    let commands = |args: &[&str]| -> Vec<String> {
        let help = sandbox.idse(args).success().stdout;
        let list =
            help.split("Commands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
        list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    };
    let mut found = Vec::new();
    for command in commands(&["--help"]).into_iter().filter(|command| command != "help") {
        let below: Vec<_> =
            commands(&[&command, "--help"]).into_iter().filter(|command| command != "help").collect();
        if below.is_empty() {
            found.push(command);
        } else {
            found.extend(below.iter().map(|below| format!("{command} {below}")));
        }
    }
    found.sort();
    let mut known = VERBS.to_vec();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[test]
fn without_a_verb_the_help_goes_to_standard_error() {
    let run = Sandbox::new().idse::<&str>(&[]).exits(2);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("Usage: idse"), "{run}");
}

#[test]
fn usage_errors_suggest() {
    let sandbox = Sandbox::new();
    for (args, suggestion) in [
        (&["sync", "pusj"][..], "push"),
        (&["sync", "push", "spek"], "spec"),
        (&["stage", "set", "spec", "completee"], "complete"),
        (&["valdate"], "validate"),
    ] {
        let run = sandbox.idse(args).exits(2);
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains(&format!("'{suggestion}'")), "{run}");
    }
}

#[test]
fn completions_of_every_shell_know_the_verbs() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sandbox.idse(&["completions", shell]).success().stdout;
        for word in ["validate", "resolve"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    drop(sandbox.idse(&["completions", "tcsh"]).exits(2));
}
