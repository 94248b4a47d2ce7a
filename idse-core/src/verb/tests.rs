use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::{VERBS, Verb, call, document, error_document};
use crate::context::Context;
use crate::error::{Error, ErrorKind};

fn context(home: &Path) -> Context {
    Context { env: [("HOME", home)].into_iter().collect(), ..Context::default() }
}

#[track_caller]
fn refused(verb: &str, arguments: &Value) -> Error {
    let error = call(verb, arguments, &Context::default()).unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::InvalidArgument, "schema"), "{error}");
    error
}

#[test]
fn what_is_not_known_is_named() {
    let verb = refused("pusj", &Value::Null);
    assert_eq!((verb.message(), verb.hint()), ("there is no verb `pusj`", Some("Did you mean `push`?")));
    let argument = refused("push", &json!({ "stagse": [] }));
    assert_eq!(argument.message(), "`push` takes no argument `stagse`");
    assert_eq!((argument.hint(), argument.get("argument")), (Some("Did you mean `stages`?"), Some("stagse")));
    let form = refused("push", &json!({ "dry_run": true, "stages": "spec" }));
    assert_eq!(form.message(), "`stages` of `push` is list of stage, not a text");
    let form = refused("status", &json!({ "root": 1 }));
    assert_eq!(form.message(), "`root` of `status` is path, not a number");
    let missing = refused("write", &json!({ "stage": "spec", "text": null }));
    assert_eq!((missing.message(), missing.get("argument")), ("`write` needs `text`", Some("text")));
    assert_eq!(refused("version", &json!([])).message(), "the arguments of `version` are one JSON object");
    refused("merge_text", &json!({ "base": "", "local": "", "remote": "", "root": "x" }));
    refused("diff", &json!({ "against": "yesterday" }));
}

#[test]
fn values_have_the_errors_of_their_types() {
    for (verb, arguments, reason) in [
        ("init", json!({ "project": "a/b" }), "project"),
        ("set_stage", json!({ "stage": "spce", "status": "complete" }), "stage"),
        ("set_stage", json!({ "stage": "spec", "status": "done" }), "status"),
        ("validate", json!({ "all": true, "stages": ["spec"] }), "usage"),
        ("resolve", json!({ "stage": "spec" }), "usage"),
        ("push", json!({ "all": true, "recreate": true }), "usage"),
    ] {
        let error = call(verb, &arguments, &Context::default()).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::InvalidArgument, reason), "{verb}: {error}");
    }
}

/// Calls every verb once, in an order in which each finds what it needs.
#[test]
fn every_verb_answers_with_its_document() {
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (folder.path().join("alice"), folder.path().join("bob"));
    let context = context(folder.path());
    let mut called = BTreeSet::new();
    let mut run = |verb: &str, arguments: Value| {
        let at = Verb::named(verb).unwrap();
        let mut arguments = arguments;
        let takes_root = at.arguments().any(|argument| argument.name == "root");
        if takes_root && arguments.get("root").is_none() {
            arguments["root"] = json!(root);
        }
        let answer = call(verb, &arguments, &context).unwrap_or_else(|error| panic!("{verb}: {error}"));
        assert_eq!(answer["schema"], 1, "{verb}");
        let kind = answer["kind"].as_str().unwrap();
        assert!(at.documents.contains(&kind), "{verb} answers {kind}");
        called.insert(at.name);
        answer
    };
    run("init", json!({ "project": "portal", "session": "s1" }));
    assert_eq!(run("discover", json!({ "start": root.join(".idse") }))["session"], "s1");
    assert_eq!(run("open", json!({}))["project"], "portal");
    assert_eq!(run("projects", json!({}))["projects"], json!(["portal"]));
    run("create_session", json!({ "session": "s2" }));
    run("switch_session", json!({ "session": "s1" }));
    assert_eq!(run("sessions", json!({}))["sessions"].as_array().unwrap().len(), 2);
    let loaded = run("load", json!({}));
    let object = loaded["artifacts"][0]["object"].clone();
    let text = "# Intent\n\nSell shoes.\n";
    let written = run("write", json!({ "stage": "intent", "text": text, "expected": object }));
    assert_eq!(run("load", json!({}))["artifacts"][0]["object"], written["object"]);
    run("set_stage", json!({ "stage": "intent", "status": "in_progress" }));
    run("validate", json!({}));
    run("validate", json!({ "all": true }));
    let found = run(
        "validate_text",
        json!({ "stage": "tasks", "text": "## Phase 1\n\n- [REQUIRES INPUT]\n", "path": "draft" }),
    );
    assert_eq!(
        (&found["diagnostics"][0]["code"], &found["diagnostics"][0]["path"]),
        (&json!("IDSE101"), &json!("draft"))
    );
    assert_eq!(run("fix", json!({ "dry_run": true }))["files"], json!([]));
    assert_eq!(run("plan", json!({}))["steps"][0]["action"], "send");
    assert_eq!(run("push", json!({}))["outcome"], "done");
    assert_eq!(run("push", json!({ "all": true }))["kind"], "sync-reports");
    run("settle", json!({}));
    run("health", json!({}));
    run("list_remote", json!({}));
    run("sync_status", json!({}));
    run("clone", json!({ "name": "portal", "session": "s1", "root": other }));
    run("write", json!({ "stage": "intent", "text": "# Intent\n\nSell boots.\n", "root": other }));
    run("push", json!({ "root": other, "session": "s1" }));
    run("write", json!({ "stage": "intent", "text": "# Intent\n\nSell hats.\n" }));
    assert_eq!(run("status", json!({}))["checked"], false);
    assert_eq!(run("status", json!({ "remote_check": true }))["checked"], true);
    assert_eq!(run("status", json!({ "all": true }))["reports"].as_array().unwrap().len(), 2);
    assert_eq!(run("diff", json!({}))["side"], "base");
    assert_eq!(run("diff", json!({ "against": "remote" }))["side"], "remote");
    assert_eq!(run("pull", json!({}))["outcome"], "conflict");
    assert_eq!(run("plan", json!({ "verb": "pull" }))["steps"][0]["class"], "both_changed");
    run("resolve", json!({ "stage": "intent", "text": "# Intent\n\nSell all.\n" }));
    run("undo", json!({}));
    run("link", json!({ "name": "portal" }));
    assert_eq!(run("merge_text", json!({ "base": "", "local": "a", "remote": "b" }))["clean"], false);
    run("explain", json!({}));
    run("explain", json!({ "rule": "IDSE101" }));
    run("doctor", json!({ "remote_check": true }));
    run("trust", json!({ "url": "https://agency.example" }));
    run("trust", json!({}));
    run("version", json!({}));
    let all: BTreeSet<_> = VERBS.iter().map(|verb| verb.name).collect();
    assert_eq!(called, all);
}

#[test]
fn local_verbs_leave_the_agency_alone() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path());
    let root = folder.path().join("alice");
    call("init", &json!({ "root": root, "project": "portal" }), &context).unwrap();
    for verb in VERBS.iter().filter(|verb| !verb.connecting) {
        drop(call(verb.name, &json!({ "root": root }), &context));
        drop(call(verb.name, &json!({ "root": root, "stage": "spec", "resolution": "local" }), &context));
    }
    assert!(!folder.path().join(".local/share/idse/agency.db").exists());
    call("push", &json!({ "root": root }), &context).unwrap();
    assert!(folder.path().join(".local/share/idse/agency.db").exists(), "a connecting verb does connect");
}

#[test]
fn a_cancelled_call_ends() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path());
    call("init", &json!({ "root": folder.path(), "project": "portal" }), &context).unwrap();
    context.cancel.cancel();
    let error = call("push", &json!({ "root": folder.path() }), &context).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let document = error_document(&error);
    assert_eq!((&document["kind"], &document["error"]["exit"]), (&json!("error"), &json!(130)));
}

#[test]
fn the_envelope_keeps_its_two_names() {
    let answer = document("x", &json!({ "kind": "y", "a": 1 })).unwrap();
    assert_eq!(answer, json!({ "schema": 1, "kind": "x", "a": 1 }));
    assert_eq!(document("x", "text").unwrap()["value"], "text");
}

fn reference() -> String {
    let mut text =
        String::from("\n## The verbs\n\n| verb | connects | what | document |\n|---|---|---|---|\n");
    for verb in VERBS {
        let connects = match (verb.connecting, verb.connects_with) {
            (true, _) => "yes".to_owned(),
            (false, Some(argument)) => format!("with `{argument}`"),
            (false, None) => String::new(),
        };
        let documents: Vec<_> = verb.documents.iter().map(|kind| format!("`{kind}`")).collect();
        let (name, summary) = (verb.name, verb.summary);
        text += &format!("| [`{name}`](#{name}) | {connects} | {summary} | {} |\n", documents.join(", "));
    }
    for verb in VERBS {
        text += &format!("\n### {}\n\n{}\n\n", verb.name, verb.summary);
        if verb.arguments().next().is_none() {
            text += "It takes no arguments.\n";
            continue;
        }
        text += "| argument | form | meaning |\n|---|---|---|\n";
        for argument in verb.arguments() {
            let name = format!("`{}`", argument.name);
            let name = if argument.required { format!("**{name}**") } else { name };
            text += &format!("| {name} | {} | {} |\n", argument.form, argument.meaning);
        }
    }
    text + "\n"
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test compares a file, and rewrites it with IDSE_UPDATE=1")]
fn the_committed_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verbs.md");
    let page = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let (before, rest) = page.split_once("-->\n").unwrap();
    let (committed, after) = rest.split_once("<!-- /verbs -->").unwrap();
    if std::env::var_os("IDSE_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}-->\n{}<!-- /verbs -->{after}", reference())).unwrap();
        return;
    }
    assert!(
        committed == reference(),
        "docs/verbs.md is not current: IDSE_UPDATE=1 cargo test -p idse-core --lib verb"
    );
    for kind in VERBS.iter().flat_map(|verb| verb.documents) {
        let wire = include_str!("../../docs/wire.md");
        let heading = format!("\n### {kind}\n");
        assert!(wire.contains(&heading) || after.contains(&heading), "`{kind}` is described nowhere");
    }
}
