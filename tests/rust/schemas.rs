//! What the program prints and writes is what the published schemas and `docs/wire.md` say, to the last field.

mod files;
mod wire;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use idse_core::sync::{Action, Class, ConflictKind, Outcome, Verb};
use idse_core::{ErrorKind, Severity, Stage, StageStatus};
use idse_tests::Sandbox;
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

const NOBODY: &str = "5f3c1f8e-8f0b-4d57-9c1c-2f4b6a1d7e90";
const INTENT: &str = "# Intent\n\nSell shoes.\n\nTo everybody.\n";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    match std::fs::read_to_string(repository().join(path)) {
        Ok(text) => text,
        Err(error) => panic!("{path}: {error}"),
    }
}

fn schema(name: &str) -> Value {
    serde_json::from_str(&read(&format!("idse-core/schemas/{name}.schema.json"))).unwrap()
}

fn words(values: &Value) -> BTreeSet<String> {
    values.as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// The schema of the documents: as a whole, and for each kind, whose complaints are better to read.
struct Documents {
    whole: Validator,
    kinds: BTreeMap<String, Validator>,
}

impl Documents {
    fn new() -> Self {
        let (report, validation) = (schema("report"), schema("validation-report"));
        let address = |schema: &Value| schema["$id"].as_str().unwrap().to_owned();
        let base = address(&report);
        let registry = Registry::new()
            .add(&base, &report)
            .and_then(|registry| registry.add(address(&validation), &validation))
            .and_then(jsonschema::RegistryBuilder::prepare)
            .unwrap();
        let build = |reference: String| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": reference,
            });
            jsonschema::draft202012::options()
                .with_registry(&registry)
                .should_validate_formats(true)
                .build(&schema)
                .unwrap()
        };
        let kinds = words(&report["properties"]["kind"]["enum"]).into_iter();
        let kinds = kinds.map(|kind| (kind.clone(), build(format!("{base}#/$defs/{kind}")))).collect();
        Self { whole: build(base.clone()), kinds }
    }

    /// Asserts that a document is as its kind says and returns the kind.
    #[track_caller]
    fn check(&self, document: &Value, from: &str) -> String {
        let kind = document["kind"].as_str().unwrap_or_default();
        let Some(validator) = self.kinds.get(kind) else {
            panic!("{from}: the schema does not know the kind {kind:?}: {document:#}")
        };
        assert_valid(validator, document, from);
        assert_valid(&self.whole, document, from);
        kind.to_owned()
    }
}

#[track_caller]
fn assert_valid(validator: &Validator, value: &Value, from: &str) {
    let errors: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{from}: {errors:#?}\n{value:#}");
}

/// Runs the program and keeps what was seen.
struct Witness {
    documents: Documents,
    seen: BTreeSet<String>,
}

impl Witness {
    fn new() -> Self {
        Self { documents: Documents::new(), seen: BTreeSet::new() }
    }

    /// Runs a command line; the answer is checked as it is, with its ids and digests.
    #[track_caller]
    fn run(&mut self, sandbox: &Sandbox, line: &str, exit: i32) -> Value {
        let args: Vec<&str> = ["--json"].into_iter().chain(line.split_whitespace()).collect();
        let output = sandbox.command(&args).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{line}:\n{text}\n{complaint}");
        let Ok(document) = serde_json::from_str(&text) else {
            panic!("{line}: not one document:\n{text}\n{complaint}")
        };
        self.seen.insert(self.documents.check(&document, line));
        document
    }
}

#[test]
fn every_document_is_as_its_schema_says() {
    let mut witness = Witness::new();
    nothing_there(&mut witness);
    empty_workspace(&mut witness);
    one_person(&mut witness);
    broken_workspace(&mut witness);
    two_people(&mut witness);
    both_statuses(&mut witness);
    let known: BTreeSet<String> = witness.documents.kinds.keys().cloned().collect();
    assert_eq!(witness.seen, known, "every kind of the schema is printed by some verb");
}

/// Every verb where there is no workspace, and every wrong call.
fn nothing_there(witness: &mut Witness) {
    let sandbox = Sandbox::new();
    for (line, exit) in [
        ("init a/b", 2),
        ("init portal --dry-run", 0),
        ("session list", 6),
        ("session create s1", 6),
        ("session switch s1", 6),
        ("stage set spec complete", 6),
        ("stage set spec done", 2),
        ("status", 6),
        ("status --all", 6),
        ("validate", 6),
        ("validate --stage spec", 2),
        ("validate - --stage spec", 0),
        ("sync push", 6),
        ("sync pull --all", 6),
        ("sync status", 6),
        ("sync list", 0),
        ("sync list --remote ftp://x", 2),
        ("sync list --remote http://127.0.0.1:9/sync", 4),
        ("sync diff", 6),
        ("sync link portal", 6),
        ("sync clone portal", 6),
        ("sync resolve spec --local", 6),
        ("sync resolve spec", 2),
        ("sync undo", 6),
        ("sync pusj", 2),
        ("rule", 0),
        ("rule IDSE101", 0),
        ("rule requires-inputs", 6),
        ("trust", 0),
        ("trust http://agency.example", 2),
        ("trust https://agency.example", 0),
        ("trust https://agency.example/", 0),
        ("trust", 0),
        ("doctor", 1),
        ("doctor --remote", 1),
        ("dashboard", 6),
        ("completions zsh", 0),
        ("completions nosh", 2),
        ("--version", 0),
    ] {
        drop(witness.run(&sandbox, line, exit));
    }
}

/// Every list where there is nothing to list.
fn empty_workspace(witness: &mut Witness) {
    let sandbox = Sandbox::new();
    sandbox.write(".idse/projects/.keep", "");
    for line in
        ["status --all", "sync list", "sync push --all", "sync pull --all", "validate --all", "doctor"]
    {
        drop(witness.run(&sandbox, line, 0));
    }
    for line in ["status", "session list", "sync push", "validate"] {
        drop(witness.run(&sandbox, line, 6));
    }
}

/// What one person does from the first day on.
fn one_person(witness: &mut Witness) {
    let sandbox = Sandbox::new();
    sandbox.write(".idseconfig.json", r#"{ "validate": { "severity": { "IDSE101": "warning" } } }"#);
    for (line, exit) in [
        ("init portal --session s1 --stack python --dry-run", 0),
        ("init portal --session s1 --stack python", 0),
        ("init portal --session s1", 2),
        ("session create s2 --parent s1", 0),
        ("session switch nobody", 6),
        ("session switch s1", 0),
        ("session list", 0),
        ("status", 0),
        ("stage set intent in_progress --agent Claude", 0),
        ("stage set intent in_progress", 0),
        ("validate", 0),
        ("validate --strict", 1),
        ("validate --fix --dry-run --all", 0),
        ("validate --update-baseline", 0),
        ("sync push --dry-run", 0),
        ("sync status", 6),
        ("sync push", 0),
        ("sync push", 0),
        ("sync push --all", 0),
        ("sync pull --all", 0),
        ("sync pull --dry-run", 0),
        ("sync status", 0),
        ("sync list", 0),
        ("sync diff", 0),
        ("status", 0),
        ("status --all --remote-check", 0),
        ("sync link nobody", 6),
        ("sync link portal", 0),
        ("sync resolve spec --local", 6),
        ("doctor --remote", 0),
        ("doctor --agency sqlite:team.db", 0),
        ("sync undo --dry-run", 0),
        ("sync undo", 0),
    ] {
        drop(witness.run(&sandbox, line, exit));
    }
    drop(witness.run(&sandbox, &format!("sync undo {NOBODY}"), 6));
    sandbox.write_stage(Stage::Spec, "");
    std::fs::remove_file(sandbox.root().join(sandbox.artifact(Stage::Plan))).unwrap();
    drop(witness.run(&sandbox, "sync push", 1));
    drop(witness.run(&sandbox, "sync diff --exit-code", 1));
    drop(witness.run(&sandbox, "sync push --delete plan --allow-empty", 0));
    drop(witness.run(&sandbox, "sync undo", 0));
    drop(witness.run(&sandbox, "stage set tasks complete", 0));
    drop(witness.run(&sandbox, "sync push", 1));
}

/// Artifacts and files that cannot be read, beside some that can.
fn broken_workspace(witness: &mut Witness) {
    let sandbox = Sandbox::with_project();
    drop(witness.run(&sandbox, "session create s2", 0));
    sandbox.write_stage(Stage::Intent, "# Intent\n\n[REQUIRES INPUT]\n\n```\nopen\n");
    sandbox.write(&sandbox.artifact(Stage::Spec), b"\xff\xfe");
    sandbox.write(".idse/projects/a b/x", "");
    sandbox.write(".idse/projects/portal/sessions/CON/x", "");
    drop(witness.run(&sandbox, "session list", 0));
    drop(witness.run(&sandbox, "status", 0));
    drop(witness.run(&sandbox, "--session s1 sync push", 1));
    drop(witness.run(&sandbox, "--session s1 sync diff", 6));
    let report = witness.run(&sandbox, "--session s1 validate", 1);
    let spanned = |finding: &&Value| finding["span"].is_object();
    assert!(report["diagnostics"].as_array().unwrap().iter().any(|finding| spanned(&finding)), "{report:#}");
    drop(witness.run(&sandbox, "doctor", 1));
    sandbox.write(".idse/projects/portal/metadata/project.json", "{");
    for line in ["sync push --all", "sync pull --all", "status --all"] {
        let report = witness.run(&sandbox, line, 2);
        assert_eq!(report["errors"].as_array().unwrap().len(), 2, "{report:#}");
    }
}

/// A conflict from its discovery to the end, and what each answer to it looks like.
fn two_people(witness: &mut Witness) {
    let alice = Sandbox::with_project();
    alice.write_stage(Stage::Intent, INTENT);
    drop(witness.run(&alice, "sync push", 0));
    let bob = alice.beside("bob");
    drop(witness.run(&bob, "sync clone nobody", 6));
    drop(witness.run(&bob, "sync clone portal", 0));
    alice.write_stage(Stage::Intent, &INTENT.replace("shoes", "boots"));
    alice.write_stage(Stage::Plan, "# Plan\n\nAlice.\n");
    drop(witness.run(&alice, "sync push", 0));
    bob.write_stage(Stage::Intent, &INTENT.replace("shoes", "hats"));
    for (line, exit) in [
        ("sync diff", 0),
        ("sync diff --remote", 0),
        ("status --remote-check --exit-code", 1),
        ("sync push", 3),
        ("sync push --all", 3),
        ("sync status", 0),
        ("sync pull --dry-run", 3),
        ("sync pull", 3),
        ("sync pull --all", 3),
        ("status --exit-code", 3),
        ("status --all --exit-code", 3),
        ("doctor", 0),
        ("sync resolve intent --merged", 2),
        ("sync resolve intent --local --dry-run", 0),
    ] {
        drop(witness.run(&bob, line, exit));
    }
    let report = witness.run(&bob, "sync resolve intent --remote", 0);
    assert_eq!(report["conflict"], "both_changed");
    drop(witness.run(&bob, "sync undo", 0));
    drop(witness.run(&bob, "sync resolve intent --local", 0));
    drop(witness.run(&bob, "sync push", 0));
    drop(witness.run(&alice, "sync pull", 0));
    // Deleted here, edited there.
    std::fs::remove_file(alice.root().join(alice.artifact(Stage::Intent))).unwrap();
    bob.write_stage(Stage::Intent, INTENT);
    drop(witness.run(&bob, "sync push", 0));
    drop(witness.run(&alice, "sync pull", 3));
    let report = witness.run(&alice, "sync resolve intent --local", 0);
    assert_eq!(report["object"], Value::Null);
}

/// Both set another status for one stage.
fn both_statuses(witness: &mut Witness) {
    let alice = Sandbox::with_project();
    drop(witness.run(&alice, "sync push", 0));
    let bob = alice.beside("bob");
    drop(witness.run(&bob, "sync clone portal", 0));
    drop(witness.run(&alice, "stage set intent in_progress", 0));
    drop(witness.run(&alice, "sync push", 0));
    alice.write_stage(Stage::Intent, INTENT);
    drop(witness.run(&bob, "stage set intent complete", 0));
    let report = witness.run(&bob, "sync pull", 3);
    assert_eq!(
        report["conflicts"][0]["status"],
        json!({"local": "complete", "remote": "in_progress"}),
        "{report:#}"
    );
    drop(witness.run(&bob, "sync resolve intent --remote", 0));
}

#[test]
fn the_files_of_init_are_as_their_schemas_say() {
    let sandbox = Sandbox::new();
    drop(sandbox.idse(&["init", "portal", "--session", "s1", "--stack", "python"]).success());
    drop(sandbox.idse(&["session", "create", "s2", "--parent", "s1"]).success());
    drop(sandbox.idse(&["stage", "set", "spec", "complete", "--agent", "Claude"]).success());
    drop(sandbox.idse(&["--session", "s1", "validate", "--update-baseline"]));
    let project = ".idse/projects/portal";
    for (name, path) in [
        ("project", format!("{project}/metadata/project.json")),
        ("session_state", format!("{project}/session_state.json")),
        ("session_state", format!("{project}/sessions/s1/metadata/session_state.json")),
        ("session_state", format!("{project}/sessions/s2/metadata/session_state.json")),
        ("session", format!("{project}/sessions/s1/metadata/session.json")),
        ("session", format!("{project}/sessions/s2/metadata/session.json")),
        ("baseline", ".idse/validate-baseline.json".to_owned()),
    ] {
        let value = serde_json::from_str(&sandbox.read(&path)).unwrap();
        assert_valid(&jsonschema::draft202012::new(&schema(name)).unwrap(), &value, &path);
    }
    let example = "examples/workspace/.idseconfig.example.json";
    let config = jsonschema::draft202012::new(&schema("config")).unwrap();
    assert_valid(&config, &serde_json::from_str(&read(example)).unwrap(), example);
    assert!(!config.is_valid(&json!({ "mode": "online" })));
}

#[test]
fn the_schemas_are_schemas_and_point_nowhere_else() {
    for name in ["baseline", "config", "project", "report", "session", "session_state", "validation-report"] {
        let schema = schema(name);
        jsonschema::meta::validate(&schema).unwrap();
        let id = schema["$id"].as_str().unwrap();
        assert!(id.ends_with(&format!("/idse-core/schemas/{name}.schema.json")), "{id}");
    }
    let report = schema("report");
    let kinds: Vec<String> = report["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["$ref"].as_str().unwrap().trim_start_matches("#/$defs/").to_owned())
        .collect();
    assert_eq!(json!(kinds), report["properties"]["kind"]["enum"]);
}

/// Asserts that a definition lists exactly the words of a type; a new variant fails to compile here first.
macro_rules! assert_words {
    ($schema:expr, $type:ident: $($variant:ident),+ $(,)?) => {{
        let _: fn($type) = |value| match value { $($type::$variant)|+ => {} };
        let expected: BTreeSet<String> =
            [$(json!($type::$variant)),+].iter().map(|word| word.as_str().unwrap().to_owned()).collect();
        assert_eq!(words(&$schema["enum"]), expected, stringify!($type));
    }};
}

#[test]
fn the_words_are_those_of_the_engine() {
    let report = schema("report");
    let defs = &report["$defs"];
    assert_words!(defs["class"], Class: InSync, LocalChange, RemoteChange, SameChange, BothChanged, DeletedHere,
        DeleteEdit, ClearedThere, EditClear, BothGone, NewHere, NewThere, Adopt, BothAdded, Unmapped, Blocked,
        Suspicious);
    assert_words!(defs["action"], Action: None, Send, SendNull, Write, Merge, Remove, Record, Status, Leave,
        Conflict, Refuse);
    assert_words!(defs["conflict_kind"], ConflictKind: BothChanged, BothAdded, DeleteEdit, EditClear, Status,
        Unsettled);
    assert_words!(defs["verb"], Verb: Push, Pull, Clone, Resolve, Undo, Settle);
    assert_words!(defs["sync_body"]["properties"]["outcome"], Outcome: Done, UpToDate, Refused, Conflict);
    assert_words!(schema("validation-report")["$defs"]["diagnostic"]["properties"]["severity"],
        Severity: Info, Warning, Error);
    assert_eq!(defs["stage"]["enum"], json!(Stage::ALL));
    assert_eq!(defs["stage_status"]["enum"], json!(StageStatus::ALL));
    let kinds: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(defs["error_object"]["properties"]["kind"]["enum"], json!(kinds));
}
