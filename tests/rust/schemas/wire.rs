//! `docs/wire.md` says what the schemas say: the same kinds, the same fields, and examples that are valid.

use std::collections::{BTreeMap, BTreeSet};

use idse_core::{Digest, ErrorKind, ObjectId, Stage};
use idse_tests::Sandbox;
use serde_json::{Map, Value, json};

use super::{Documents, INTENT, read, schema, words};

/// The headings of the third level, each with the lines below it.
fn sections(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut sections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut name = "";
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            assert!(!sections.contains_key(heading), "{heading} is there twice");
            name = heading;
        } else if line.starts_with("## ") {
            name = "";
        }
        sections.entry(name).or_default().push(line);
    }
    sections
}

/// The cells of the rows that begin with a code word, without the backquotes.
fn rows<'a>(lines: &[&'a str]) -> Vec<Vec<&'a str>> {
    let rows = lines.iter().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect()
}

fn examples(lines: &[&str]) -> Vec<Value> {
    let text = lines.join("\n");
    let blocks = text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks
        .map(|block| serde_json::from_str(&block).unwrap_or_else(|error| panic!("{error}: {block}")))
        .collect()
}

/// What the schemas call by names, the parts of the validation report included.
fn definitions() -> Map<String, Value> {
    let (report, validation) = (schema("report"), schema("validation-report"));
    let mut all = report["$defs"].as_object().unwrap().clone();
    let parts = validation["$defs"].as_object().unwrap();
    all.extend(parts.clone());
    all.insert("edit".into(), parts["fix"]["properties"]["edits"]["items"].clone());
    all.insert("summary".into(), validation["properties"]["summary"].clone());
    all.insert("validation-report".into(), validation);
    all
}

/// The fields of a definition and whether each may be null; the envelope's own two are not among them.
fn fields(all: &Map<String, Value>, name: &str) -> BTreeMap<String, bool> {
    let definition = &all[name];
    let body = definition["$ref"].as_str().and_then(|to| all.get(to.trim_start_matches("#/$defs/")));
    let variants = definition["oneOf"].as_array().into_iter().flatten();
    [definition]
        .into_iter()
        .chain(body)
        .chain(variants)
        .filter_map(|d| d["properties"].as_object())
        .flatten()
        .filter(|(field, value)| *field != "schema" && !(*field == "kind" && value["const"] == name))
        .map(|(field, value)| (field.clone(), is_nullable(value)))
        .collect()
}

fn is_nullable(value: &Value) -> bool {
    let is_null = |one: &Value| one["type"] == "null";
    let has = |key: &str, null: &Value| value[key].as_array().is_some_and(|all| all.contains(null));
    value["anyOf"].as_array().is_some_and(|all| all.iter().any(is_null))
        || has("type", &json!("null"))
        || has("enum", &Value::Null)
}

#[test]
fn every_field_is_documented() {
    let text = read("idse-core/docs/wire.md");
    let sections = sections(&text);
    let all = definitions();
    for (name, lines) in sections.iter().filter(|(name, _)| !name.is_empty()) {
        let documented: BTreeMap<String, bool> =
            rows(lines).iter().map(|row| (row[0].to_owned(), row[1].ends_with("or null"))).collect();
        assert_eq!(documented, fields(&all, name), "{name}");
        for row in rows(lines) {
            assert_eq!(row.len(), 4, "{name}: {row:?}");
            assert_eq!(row[1].ends_with("or null"), !row[3].is_empty(), "{name}: {row:?}");
        }
    }
    let objects = all.iter().filter(|(name, value)| value["type"] == "object" && !name.ends_with("_body"));
    for (name, _) in objects {
        assert!(sections.contains_key(name.as_str()), "{name} is not documented");
    }
}

/// What is said of the command line's documents; what goes over HTTP has a part of its own behind it.
fn documents_of(text: &str) -> String {
    text.split("\n## HTTP\n").next().unwrap().to_owned()
}

#[test]
fn every_kind_has_an_example_that_is_valid() {
    let text = documents_of(&read("idse-core/docs/wire.md"));
    let documents = Documents::new();
    let mut seen = BTreeSet::new();
    for (name, lines) in sections(&text) {
        for example in examples(&lines) {
            assert_eq!(documents.check(&example, name), name);
            seen.insert(name.to_owned());
            assert_nothing_passes(&documents, &example);
        }
    }
    assert_eq!(seen, documents.kinds.keys().cloned().collect());
}

/// Asserts that a document with a field more or one less, however deep, would have been noticed.
fn assert_nothing_passes(documents: &Documents, document: &Value) {
    let kind = document["kind"].as_str().unwrap();
    let mut places = Vec::new();
    objects(document, String::new(), &mut places);
    for place in places {
        let mut more = document.clone();
        more.pointer_mut(&place).unwrap()["unheard_of"] = json!(1);
        assert!(!documents.kinds[kind].is_valid(&more), "{kind}{place} takes any field");
        for field in document.pointer(&place).unwrap().as_object().unwrap().keys() {
            let mut less = document.clone();
            less.pointer_mut(&place).unwrap().as_object_mut().unwrap().remove(field);
            let is_noticed = !documents.kinds[kind].is_valid(&less);
            // The one object that is a map: from stages to statuses.
            assert!(is_noticed || place == "/stages", "{kind}{place} does without {field}");
        }
    }
}

/// Collects where the objects of a document are; those that belong to others have no fields of ours.
fn objects(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields.iter().filter(|(field, _)| *field != "context" && *field != "state")
            {
                objects(value, format!("{place}/{field}"), places);
            }
            places.push(place);
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                objects(value, format!("{place}/{index}"), places);
            }
        }
        _ => {}
    }
}

#[test]
fn the_digests_are_those_of_the_engine() {
    let text = read("idse-core/docs/wire.md");
    let lines: Vec<&str> = text.lines().collect();
    let digests: Vec<_> = rows(&lines).into_iter().filter(|row| row[0].starts_with('"')).collect();
    assert!(digests.len() >= 3);
    for row in digests {
        let text: String = serde_json::from_str(row[0]).unwrap();
        assert_eq!(row[1], Digest::of(&text).to_string(), "{text:?}");
        assert_eq!(row[2], ObjectId::of(text.as_bytes()).to_string(), "{text:?}");
    }
}

#[test]
fn the_words_and_the_kinds_of_errors_are_explained() {
    let text = documents_of(&read("idse-core/docs/wire.md"));
    let explained = text.split("\n## Words\n").nth(1).unwrap();
    let report = schema("report");
    for name in ["class", "action", "conflict_kind"] {
        let table = explained.split(&format!("\n**{name}**")).nth(1).unwrap();
        let table: Vec<&str> = table.split("\n**").next().unwrap().lines().collect();
        let found: BTreeSet<String> = rows(&table).iter().map(|row| row[0].to_owned()).collect();
        assert_eq!(found, words(&report["$defs"][name]["enum"]), "{name}");
    }
    let kinds = explained.split("\n**Kinds of errors**").nth(1).unwrap();
    let found: Vec<Vec<&str>> = rows(&kinds.lines().collect::<Vec<_>>());
    assert_eq!(found.len(), ErrorKind::ALL.len());
    for (row, kind) in found.iter().zip(ErrorKind::ALL) {
        let (code, exit) = (kind.code().to_string(), kind.exit_code().to_string());
        let temporary = if kind.is_temporary() { "yes" } else { "no" };
        assert_eq!(row[..4], [kind.name(), &code, temporary, &exit]);
    }
}

#[test]
fn what_travels_in_state_json_is_what_the_table_names() {
    let text = read("idse-core/docs/wire.md");
    let table = text.split("\n## `state_json`\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: BTreeSet<String> =
        rows(&table.lines().collect::<Vec<_>>()).iter().map(|row| row[0].to_owned()).collect();
    let sandbox = Sandbox::with_project();
    let path = ".idse/projects/portal/sessions/s1/metadata/session_state.json";
    let mut state: Value = serde_json::from_str(&sandbox.read(path)).unwrap();
    state["my_own"] = json!("stays here");
    sandbox.write(path, state.to_string());
    drop(sandbox.idse(&["sync", "push", "--agent", "Claude"]).success());
    let list = sandbox.idse(&["--json", "sync", "list"]).json("remote-projects");
    let state = list["projects"][0]["sessions"][0]["state"].as_object().unwrap();
    assert_eq!(state.keys().cloned().collect::<BTreeSet<_>>(), named);
}

#[test]
fn objects_and_conflicts_are_where_it_says() {
    let alice = Sandbox::with_project();
    alice.write_stage(Stage::Intent, INTENT);
    drop(alice.idse(&["sync", "push"]).success());
    let bob = alice.beside("bob");
    drop(bob.idse(&["sync", "clone", "portal"]).success());
    alice.write_stage(Stage::Intent, &INTENT.replace("shoes", "boots"));
    drop(alice.idse(&["sync", "push"]).success());
    bob.write_stage(Stage::Intent, &INTENT.replace("shoes", "hats"));
    let output = bob.command(&["--json", "sync", "pull"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let key = report["remote"]["key"].as_str().unwrap();
    let folder = report["conflicts"][0]["path"].as_str().unwrap();
    assert_eq!(folder, format!(".idse/sync/{key}/conflicts/portal/s1/intent"));
    for (name, text) in [
        ("base", INTENT.to_owned()),
        ("local", INTENT.replace("shoes", "hats")),
        ("remote", INTENT.replace("shoes", "boots")),
    ] {
        assert_eq!(bob.read(&format!("{folder}/{name}.md")), text);
        let object = ObjectId::of(text.as_bytes()).hex();
        assert_eq!(bob.read(&format!(".idse/sync/objects/{}/{}", &object[..2], &object[2..])), text);
        assert_eq!(report["steps"][0][name], Digest::of(&text).to_string());
    }
    bob.write(&format!("{folder}/merged.md"), "# Intent\n\nSell boots and hats.\n");
    drop(bob.idse(&["sync", "resolve", "intent", "--merged"]).success());
    assert_eq!(bob.read_stage(Stage::Intent), "# Intent\n\nSell boots and hats.\n");
}
