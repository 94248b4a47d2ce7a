//! Every word that a sync can say is said by the program, in a document that its schema accepts; and no kind, reason or
//! key that the code has is missing from the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use idse_core::Stage;
use idse_tests::Sandbox;
use serde_json::Value;

use super::{INTENT, Witness, read, repository, schema, words};

/// The lists of which every word is to be heard, and the fields that say them.
const LISTS: [(&str, &[&str]); 4] = [
    ("action", &["action"]),
    ("class", &["class", "sync"]),
    ("conflict_kind", &["conflict"]),
    ("verb", &["verb"]),
];

/// Asks the program and keeps account of what it was heard to say.
struct Ear {
    witness: Witness,
    said: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Ear {
    #[track_caller]
    fn ask(&mut self, sandbox: &Sandbox, exit: i32, line: &str) -> Value {
        let document = self.witness.run(sandbox, line, exit);
        self.listen(&document);
        document
    }

    fn listen(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let list = LISTS.iter().find(|(_, fields)| fields.contains(&name.as_str()));
                    if let (Some((list, _)), Some(word)) = (list, value.as_str()) {
                        self.said.entry(list).or_default().insert(word.to_owned());
                    }
                    self.listen(value);
                }
                if let (Some(kind), true) =
                    (fields.get("kind").and_then(Value::as_str), fields.contains_key("places"))
                {
                    self.said.entry("conflict_kind").or_default().insert(kind.to_owned());
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.listen(value)),
            _ => {}
        }
    }

    /// Returns the words of a list that were never said.
    fn unheard(&self, list: &str) -> BTreeSet<String> {
        let all = words(&schema("report")["$defs"][list]["enum"]);
        all.difference(self.said.get(list).unwrap_or(&BTreeSet::new())).cloned().collect()
    }
}

/// Alice's project, pushed; Bob's clone of it.
fn two(ear: &mut Ear) -> (Sandbox, Sandbox) {
    let alice = Sandbox::with_project();
    alice.write_stage(Stage::Intent, INTENT);
    drop(ear.ask(&alice, 0, "sync push"));
    let bob = alice.beside("bob");
    drop(ear.ask(&bob, 0, "sync clone portal"));
    (alice, bob)
}

fn remove(sandbox: &Sandbox, stage: Stage) {
    std::fs::remove_file(sandbox.root().join(sandbox.artifact(stage))).unwrap();
}

/// Texts that come, go and meet.
fn together(ear: &mut Ear) {
    let (alice, bob) = two(ear);
    drop(ear.ask(&alice, 0, "sync push --dry-run"));
    drop(ear.ask(&alice, 0, "sync status"));
    drop(ear.ask(&alice, 0, "sync list"));
    drop(ear.ask(&alice, 0, "doctor --remote"));
    alice.write_stage(Stage::Intent, &INTENT.replace("shoes", "boots"));
    alice.write_stage(Stage::Spec, "# Spec\n\nBoth.\n");
    alice.write_stage(Stage::Implementation, "# Implementation\n\nAlice.\n");
    remove(&alice, Stage::Feedback);
    remove(&alice, Stage::Tasks);
    drop(ear.ask(&alice, 0, "sync diff"));
    drop(ear.ask(&alice, 1, "sync diff --remote --exit-code"));
    drop(ear.ask(&alice, 0, "sync push --delete feedback"));
    drop(ear.ask(&alice, 0, "sync pull --restore tasks"));
    bob.write_stage(Stage::Intent, &INTENT.replace("everybody", "everyone"));
    bob.write_stage(Stage::Spec, "# Spec\n\nBoth.\n");
    drop(ear.ask(&bob, 0, "sync status"));
    drop(ear.ask(&bob, 0, "status --remote-check"));
    drop(ear.ask(&bob, 0, "sync pull --dry-run"));
    drop(ear.ask(&bob, 0, "sync pull"));
    drop(ear.ask(&bob, 0, "sync pull --accept-clear"));
    bob.write_stage(Stage::Plan, "");
    drop(ear.ask(&bob, 1, "sync push"));
    drop(ear.ask(&bob, 0, "sync push --allow-empty"));
    drop(ear.ask(&bob, 0, "sync undo --dry-run"));
    drop(ear.ask(&bob, 0, "sync undo"));
    drop(ear.ask(&bob, 0, "sync push --all"));
    drop(ear.ask(&bob, 0, "sync pull --all"));
    drop(ear.ask(&bob, 0, "sync link portal"));
    drop(ear.ask(&bob, 0, "sync pull"));
    remove(&alice, Stage::Context);
    remove(&bob, Stage::Context);
    drop(ear.ask(&alice, 0, "sync push --delete context"));
    drop(ear.ask(&bob, 0, "sync pull"));
    alice.write_stage(Stage::Plan, "a\0b");
    drop(ear.ask(&alice, 1, "sync push"));
}

/// What needs a person.
fn apart(ear: &mut Ear) {
    let (alice, bob) = two(ear);
    alice.write_stage(Stage::Intent, &INTENT.replace("shoes", "boots"));
    alice.write_stage(Stage::Spec, "# Spec\n\nAlice.\n");
    remove(&alice, Stage::Tasks);
    drop(ear.ask(&alice, 0, "stage set plan in_progress"));
    drop(ear.ask(&alice, 0, "sync push --delete tasks"));
    bob.write_stage(Stage::Intent, &INTENT.replace("shoes", "hats"));
    bob.write_stage(Stage::Tasks, "# Tasks\n\nBob.\n");
    remove(&bob, Stage::Spec);
    bob.write(".idseconfig.json", "{\"validate\": {\"gate\": \"off\"}}");
    drop(ear.ask(&bob, 0, "stage set plan complete"));
    drop(ear.ask(&bob, 3, "sync push"));
    drop(ear.ask(&bob, 3, "sync pull --dry-run"));
    drop(ear.ask(&bob, 3, "sync pull"));
    drop(ear.ask(&bob, 3, "status --exit-code"));
    drop(ear.ask(&bob, 3, "status --all --exit-code"));
    drop(ear.ask(&bob, 3, "sync push --all"));
    drop(ear.ask(&bob, 0, "doctor"));
    drop(ear.ask(&bob, 2, "sync resolve intent --merged"));
    drop(ear.ask(&bob, 0, "sync resolve intent --remote --dry-run"));
    drop(ear.ask(&bob, 0, "sync resolve intent --remote"));
    drop(ear.ask(&bob, 0, "sync undo"));
    bob.write("agreed.md", "# Intent\n\nAgreed.\n");
    drop(ear.ask(&bob, 0, "sync resolve intent --file agreed.md"));
    drop(ear.ask(&bob, 0, "sync resolve spec --local"));
    drop(ear.ask(&bob, 0, "sync resolve tasks --remote"));
    drop(ear.ask(&bob, 0, "sync resolve plan --local"));
    let undone = ear.ask(&bob, 0, "sync undo");
    drop(ear.ask(&bob, 0, &format!("sync undo {}", undone["op"].as_str().unwrap())));
    drop(ear.ask(&bob, 2, &format!("sync undo {}", undone["undone"].as_str().unwrap())));
    drop(ear.ask(&bob, 0, "sync push"));

    let carol = alice.beside("carol");
    drop(carol.idse(&["init", "portal", "--session", "s1"]).success());
    carol.write_stage(Stage::Intent, "# Intent\n\nAnother.\n");
    drop(ear.ask(&carol, 2, "sync push"));
    drop(ear.ask(&carol, 0, "sync link portal"));
    drop(ear.ask(&carol, 3, "sync pull --markers"));
    drop(ear.ask(&carol, 0, "stage set feedback complete"));
    drop(ear.ask(&carol, 1, "sync push feedback"));
}

#[test]
fn every_word_of_a_sync_is_heard() {
    let mut ear = Ear { witness: Witness::new(), said: BTreeMap::new() };
    together(&mut ear);
    apart(&mut ear);
    // An embedded agency has a place for every stage and never loses a reply.
    let never: BTreeMap<&str, &[&str]> =
        [("class", &["unmapped"][..]), ("conflict_kind", &["unsettled"]), ("verb", &["settle"])].into();
    for (list, _) in LISTS {
        let expected: BTreeSet<_> =
            never.get(list).into_iter().flat_map(|words| words.iter().map(ToString::to_string)).collect();
        assert_eq!(ear.unheard(list), expected, "{list}: words that were not heard");
    }
}

/// Calls `visit` with every Rust source below a folder.
fn sources(folder: &Path, visit: &mut dyn FnMut(&str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Returns the texts that calls have as their first argument.
fn arguments(source: &str, call: &str, found: &mut BTreeSet<String>) {
    let arguments = source.split(call).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
    found.extend(arguments.map(|rest| rest.split('"').next().unwrap().to_owned()));
}

#[test]
fn every_kind_that_the_code_prints_has_a_schema() {
    let mut found = BTreeSet::from(["validation-report", "error"].map(str::to_owned));
    sources(&repository().join("bindings/cli/src"), &mut |source| {
        for call in [".answer(", ".report(", "document("] {
            arguments(source, call, &mut found);
        }
    });
    assert_eq!(found, words(&schema("report")["properties"]["kind"]["enum"]));
}

#[test]
fn every_key_of_a_context_is_told() {
    let mut keys = BTreeSet::new();
    for folder in ["idse-core/src", "bindings/cli/src"] {
        sources(&repository().join(folder), &mut |source| arguments(source, ".with(", &mut keys));
    }
    assert!(keys.contains("path"));
    let page = read("idse-core/docs/wire.md");
    let told = page.lines().find(|line| line.starts_with("| `context` |")).unwrap();
    let missing: Vec<_> = keys.iter().filter(|key| !told.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_reason_is_told() {
    let page = read("idse-core/docs/wire.md");
    for line in read("tests/conformance/errors.tsv").lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let (kind, code, reason) = (columns[0], columns[1], columns[3]);
        let row = page.lines().find(|line| line.starts_with(&format!("| `{kind}` | {code} |"))).unwrap();
        assert!(reason == "-" || row.contains(&format!("`{reason}`")), "{kind}: {reason}");
    }
}
