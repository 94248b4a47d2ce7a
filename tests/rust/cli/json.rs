//! With `--json` every verb answers with one document, whatever happens.

use idse_core::Stage;
use idse_tests::Sandbox;

#[test]
fn every_verb_answers_with_one_document() {
    let sandbox = Sandbox::new();
    let id = "5f3c1f8e-8f0b-4d57-9c1c-2f4b6a1d7e90";
    for (args, exit, kind) in [
        (&["init", "portal", "--session", "s1"][..], 0, "init-report"),
        (&["session", "create", "s2"], 0, "init-report"),
        (&["session", "switch", "s1"], 0, "session-switch"),
        (&["session", "list"], 0, "sessions"),
        (&["stage", "set", "intent", "in_progress"], 0, "stage-change"),
        (&["status"], 0, "status"),
        (&["status", "--all"], 0, "statuses"),
        (&["validate"], 1, "validation-report"),
        (&["validate", "--all"], 1, "validation-report"),
        (&["sync", "diff"], 6, "error"),
        (&["sync", "status"], 6, "error"),
        (&["sync", "push", "--dry-run"], 0, "sync-report"),
        (&["sync", "push"], 0, "sync-report"),
        (&["sync", "push"], 0, "sync-report"),
        (&["sync", "pull"], 0, "sync-report"),
        (&["sync", "push", "--all"], 0, "sync-reports"),
        (&["sync", "pull", "--all"], 0, "sync-reports"),
        (&["sync", "status"], 0, "remote-status"),
        (&["sync", "list"], 0, "remote-projects"),
        (&["sync", "diff"], 0, "diff-report"),
        (&["sync", "diff", "--remote"], 0, "diff-report"),
        (&["sync", "resolve", "spec", "--local"], 6, "error"),
        (&["sync", "link", id], 6, "error"),
        (&["sync", "link", "portal"], 0, "link-report"),
        (&["sync", "undo"], 0, "undo-report"),
        (&["sync", "undo", id], 6, "error"),
        (&["--root", "../bob", "sync", "clone", "portal"], 0, "clone-report"),
        (&["rule"], 0, "rules"),
        (&["rule", "IDSE101"], 0, "rule"),
        (&["trust", "https://agency.example"], 0, "trust"),
        (&["trust"], 0, "trusted"),
        (&["doctor"], 0, "doctor-report"),
        (&["doctor", "--remote"], 0, "doctor-report"),
        (&["completions", "fish"], 0, "completions"),
        (&["--version"], 0, "version"),
        (&["sync", "pusj"], 2, "error"),
        (&["--project", "nobody", "status"], 6, "error"),
        (&["init", "a/b"], 2, "error"),
    ] {
        drop(sandbox.beside("bob"));
        let args = [&["--json"][..], args].concat();
        let run = sandbox.idse(&args);
        assert_eq!(run.code, Some(exit), "{args:?}: {run}");
        let document = run.json(kind);
        assert_snake_case(&document, &args);
        assert!(run.stderr.is_empty() || kind == "error" || exit == 1, "{args:?}: {run}");
    }
}

fn assert_snake_case(value: &serde_json::Value, args: &[&str]) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let snake = key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
                assert!(snake || key.contains("://"), "{args:?}: {key}");
                assert_snake_case(value, args);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| assert_snake_case(value, args)),
        _ => {}
    }
}

#[test]
fn an_empty_answer_is_a_document_too() {
    let sandbox = Sandbox::new();
    sandbox.write(".idse/projects/.keep", "");
    assert_eq!(
        sandbox.idse(&["--json", "status", "--all"]).success().json("statuses")["reports"],
        serde_json::json!([])
    );
    let run = sandbox.idse(&["--json", "sync", "list"]).success();
    assert_eq!(run.json("remote-projects")["projects"], serde_json::json!([]));
    let run = sandbox.idse(&["--json", "sync", "push", "--all"]).success();
    assert_eq!(run.json("sync-reports")["reports"], serde_json::json!([]));
    drop(sandbox.idse(&["--json", "validate", "--all"]).success().json("validation-report"));
}

#[test]
fn errors_say_the_same_on_both_channels() {
    let run = Sandbox::new().idse(&["--json", "status"]);
    let document = run.json("error");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(run.stderr.starts_with(&format!("error: {message}\n")), "{run}");
    for key in ["kind", "code", "reason", "message", "hint", "temporary", "exit", "context"] {
        assert!(document["error"].get(key).is_some(), "{key}");
    }
}

#[test]
fn a_report_names_every_stage() {
    let sandbox = Sandbox::with_project();
    let document = sandbox.idse(&["--json", "sync", "push"]).success().json("sync-report");
    let stages: Vec<_> =
        document["steps"].as_array().unwrap().iter().map(|step| step["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, Stage::ALL.map(Stage::name));
    insta::assert_snapshot!("push_json", serde_json::to_string_pretty(&document).unwrap());
    let document = sandbox.idse(&["--json", "status"]).success().json("status");
    insta::assert_snapshot!("status_json", serde_json::to_string_pretty(&document).unwrap());
}
