//! Pushes that say what they replace.

use idse_core::Digest;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::common::Gateway;

fn digest(text: &str) -> Value {
    json!(Digest::of(text))
}

fn guarded(id: &str, from: &str, to: &str) -> Value {
    json!({
        "project_id": id, "session_id": "s1", "artifacts": {"spec_md": to},
        "base": {"spec_md": Digest::of(from)}, "op": "8d10b8b9-18d1-4adf-9a42-bf8fc4527bda",
    })
}

#[test]
fn it_replaces_what_it_names_and_nothing_else() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let first = gateway.push(&guarded(&id, "one", "two")).ok();
    assert_eq!(
        (&first["op"], &first["guard"]),
        (&json!("8d10b8b9-18d1-4adf-9a42-bf8fc4527bda"), &json!("row_version"))
    );
    assert_eq!(first["digests"], json!({"spec_md": digest("two")}));
    assert_eq!(first["in_step"], false, "no revision was sent");

    let conflict = gateway.push(&guarded(&id, "one", "three")).problem(409);
    assert_eq!(
        conflict["conflicts"],
        json!([{"stage": "spec", "column": "spec_md", "digest": digest("two")}])
    );
    assert_eq!((&conflict["revision"], &conflict["updated_at"]), (&first["revision"], &first["timestamp"]));
    assert_eq!(conflict["state"], false);

    let mut other = guarded(&id, "two", "two and a half");
    other["revision"] = first["revision"].clone();
    let second = gateway.push(&other).ok();
    assert_eq!(second["in_step"], true);
    let mut stale = guarded(&id, "two and a half", "three");
    stale["revision"] = first["revision"].clone();
    assert_eq!(gateway.push(&stale).ok()["in_step"], false, "a stale revision: the base decides");
}

#[test]
fn nulls_and_state_are_guarded_as_texts_are() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let clear = json!({"project_id": id, "artifacts": {}, "nulls": ["spec_md"], "base": {"spec_md": digest("other")}});
    assert_eq!(gateway.push(&clear).problem(409)["conflicts"][0]["column"], "spec_md");
    let clear =
        json!({"project_id": id, "artifacts": {}, "nulls": ["spec_md"], "base": {"spec_md": digest("one")}});
    assert_eq!(gateway.push(&clear).ok()["digests"], json!({"spec_md": null}));
    assert_eq!(gateway.pull(&id)["artifacts"], json!({}));
    let state = |before: Value, after: Value| {
        let before = (!before.is_null()).then(|| Digest::of_json(&before));
        gateway.push(&json!({"project_id": id, "artifacts": {}, "base": {}, "state_json": after, "state_base": before}))
    };
    let conflict = state(Value::Null, json!({"a": 1})).problem(409);
    assert_eq!((&conflict["state"], &conflict["conflicts"]), (&json!(true), &json!([])));
    assert_eq!(conflict["state_digest"], json!(Digest::of_json(&json!({"session_id": "s1"}))));
    state(json!({"session_id": "s1"}), json!({"n": 1.10, "z": {"b": 1, "a": 2}})).ok();
    assert_eq!(gateway.pull(&id)["state_json"].to_string(), r#"{"n":1.1,"z":{"b":1,"a":2}}"#);
}

#[test]
fn numbers_of_the_state_keep_their_digits() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let state = r#"{"big":123456789012345678901234567890,"zero":1.10,"exponent":1e400}"#;
    gateway
        .post_text("/sync/push", &format!(r#"{{"project_id":"{id}","artifacts":{{}},"state_json":{state}}}"#))
        .ok();
    let text = gateway.post("/sync/pull", &json!({"project_id": id})).text();
    assert!(text.contains("123456789012345678901234567890") && text.contains("1.10"), "{text}");
}

#[test]
fn a_pull_of_what_is_known_is_short() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let pull = |since: &Value| {
        gateway.post("/sync/pull", &json!({"project_id": id, "session_id": "s1", "since": since})).ok()
    };
    let whole = pull(&Value::Null);
    assert_eq!(whole["artifacts"], json!({"spec_md": "one"}), "columns, not paths");
    assert_eq!(whole["digests"], json!({"spec_md": digest("one")}));
    let short = pull(&whole["revision"]);
    assert_eq!((&short["unchanged"], short.get("artifacts")), (&json!(true), None));
    gateway.push(&guarded(&id, "one", "two")).ok();
    assert_eq!(pull(&whole["revision"])["artifacts"], json!({"spec_md": "two"}));
    let missing = gateway
        .post("/sync/pull", &json!({"project_id": id, "session_id": "s2", "since": null}))
        .problem(404);
    assert_eq!(missing["project_exists"], true);
}

#[test]
fn two_first_pushes_make_one_project() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = "11111111-2222-4333-8444-555555555555";
    let create = |name: &str| {
        gateway.push(&json!({
            "project_id": id, "project_name": name, "create": true, "session_id": "s1", "stack": null,
            "artifacts": {"spec_md": "one"}, "base": {"spec_md": null},
        }))
    };
    assert_eq!(create("p").ok()["project_id"], id);
    assert_eq!(create("p").problem(409)["project_id"], id);
    assert_eq!(create("q").problem(409)["project_id"], id);
    assert_eq!(gateway.pull(id)["stack"], Value::Null);
    let unknown = json!({"project_id": "11111111-2222-4333-8444-666666666666", "artifacts": {"spec_md": "x"}, "base": {"spec_md": null}});
    gateway.push(&unknown).problem(404);
}

#[test]
fn a_gateway_that_requires_base_refuses_to_overwrite() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &["--require-base"]);
    let id = gateway.project("p", "one");
    let problem = gateway.push(&json!({"project_id": id, "artifacts": {"spec_md": "two"}})).problem(409);
    assert!(problem["hint"].as_str().unwrap().contains("`base`"), "{problem}");
    gateway.push(&json!({"project_id": id, "artifacts": {"spec_md": "one"}})).ok();
    gateway.push(&guarded(&id, "one", "two")).ok();
    assert_eq!(gateway.pull(&id)["artifacts"]["spec_md"], "two");
}

#[test]
fn what_a_guarded_push_lacks_is_named() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    for (body, loc) in [
        (json!({"artifacts": {"spec_md": "x"}, "base": {}}), json!(["body", "base", "spec_md"])),
        (json!({"artifacts": {}, "base": {}, "state_json": {}}), json!(["body", "state_base"])),
        (json!({"artifacts": {}, "base": {"spec_md": "sha256:00"}}), json!(["body", "base", "spec_md"])),
        (json!({"artifacts": {}, "base": {"name": null}}), json!(["body", "base", "name"])),
        (json!({"artifacts": {"spec_md": "x"}, "nulls": ["spec_md"]}), json!(["body", "nulls"])),
        (json!({"artifacts": {}, "nulls": ["id"]}), json!(["body", "nulls"])),
    ] {
        let mut body = body;
        body["project_id"] = id.as_str().into();
        let problem = gateway.push(&body).problem(422);
        assert_eq!(problem["errors"][0]["loc"], loc, "{problem}");
    }
    assert_eq!(gateway.pull(&id)["artifacts"]["spec_md"], "one");
}
