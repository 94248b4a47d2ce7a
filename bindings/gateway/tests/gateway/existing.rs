//! What existing clients send, and the answers that they expect.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::common::Gateway;

const STAGES: [&str; 7] = ["intent", "context", "spec", "plan", "tasks", "implementation", "feedback"];

/// What the first generation of the Python client sends for a new project.
fn first_push() -> Value {
    let artifacts: serde_json::Map<_, _> = STAGES
        .iter()
        .map(|stage| (format!("{stage}_md"), format!("# {stage}\n\nGrüße 漢字 😀\r\n").into()))
        .collect();
    let stages: serde_json::Map<_, _> =
        STAGES.iter().map(|stage| ((*stage).to_owned(), "pending".into())).collect();
    json!({
        "project_id": null,
        "project_name": "customer-portal",
        "stack": "python",
        "framework": "agency-swarm",
        "artifacts": artifacts,
        "state_json": {
            "project_name": "customer-portal",
            "session_id": "session-1795339378",
            "stages": stages,
            "last_sync": null,
            "validation_status": "unknown",
            "created_at": "2026-11-22T09:22:59.030727",
        },
        "timestamp": "2026-11-22T09:23:11.580909",
    })
}

#[test]
fn a_push_and_a_pull_of_the_first_generation() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let sent = first_push();
    let answer = gateway.push(&sent).ok();
    assert_eq!(answer["success"], true);
    assert_eq!(answer["message"], "Created new project: customer-portal");
    assert_eq!(answer["synced_stages"], json!(STAGES));
    let id = answer["project_id"].as_str().unwrap();
    let pulled = gateway.pull(id);
    for (key, value) in [
        ("success", json!(true)),
        ("project_id", json!(id)),
        ("name", json!("customer-portal")),
        ("stack", json!("python")),
        ("framework", json!("agency-swarm")),
        ("updated_at", answer["timestamp"].clone()),
    ] {
        assert_eq!(pulled[key], value, "{key}");
    }
    assert_eq!(pulled["artifacts"], sent["artifacts"]);
    assert_eq!(pulled["state_json"], sent["state_json"]);

    let update = json!({
        "project_id": id,
        "artifacts": {"intent_md": "# Intent\n...", "spec_md": "# Specification\n..."},
        "state_json": {"stages": {"intent": "complete", "spec": "in_progress"}, "last_agent": "Claude Code"},
    });
    let answer = gateway.push(&update).ok();
    assert_eq!(answer["message"], format!("Updated project: {id}"));
    assert_eq!(answer["synced_stages"], json!(["intent", "spec"]));
    let status = gateway.get(&format!("/sync/status/{id}")).ok();
    assert_eq!(status["project_name"], "customer-portal");
    assert_eq!(status["last_synced"], answer["timestamp"]);
    assert_eq!(status["state"], json!({"intent": "complete", "spec": "in_progress"}));
    assert_eq!(status["last_agent"], "Claude Code");
    assert!(status["created_at"].is_string());
    let pulled = gateway.pull(id);
    assert_eq!(pulled["artifacts"]["intent_md"], "# Intent\n...");
    assert_eq!(pulled["artifacts"]["plan_md"], sent["artifacts"]["plan_md"], "only what was sent is touched");
}

#[test]
fn the_second_generation_pulls_paths_and_keeps_its_sessions_apart() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let mut body = first_push();
    body["session_id"] = "__blueprint__".into();
    body["session_metadata"] = json!({"name": "Blueprint"});
    body["session_state_json"] = body["state_json"].clone();
    body["artifacts"]["meta_md"] = "# Meta".into();
    let answer = gateway.push(&body).ok();
    assert_eq!(answer["synced_stages"], json!(STAGES), "meta is named below instead");
    assert_eq!(answer["skipped"], json!(["meta_md"]));
    let id = answer["project_id"].as_str().unwrap();
    gateway
        .push(&json!({
            "project_id": id, "project_name": "customer-portal", "session_id": "login",
            "artifacts": {"intent_md": "# Login"},
            "state_json": {"stages": {"intent": "completed", "spec": "pending"}, "last_agent": null},
        }))
        .ok();
    let blueprint =
        gateway.post("/sync/pull", &json!({"project_id": id, "session_id": "__blueprint__"})).ok();
    assert_eq!(blueprint["artifacts"]["implementation/README.md"], body["artifacts"]["implementation_md"]);
    assert_eq!(blueprint["artifacts"]["intents/intent.md"], body["artifacts"]["intent_md"]);
    assert_eq!((&blueprint["is_blueprint"], &blueprint["session_type"]), (&json!(true), &json!("blueprint")));
    assert_eq!(blueprint["session_state"], body["state_json"]);
    let login = gateway.post("/sync/pull", &json!({"project_id": id, "session_id": "login"})).ok();
    assert_eq!(login["artifacts"], json!({"intents/intent.md": "# Login"}));
    assert_eq!(gateway.pull(id)["session_id"], "login", "without a session: the one pushed last");

    let status = gateway.get(&format!("/sync/status/{id}/login")).ok();
    assert_eq!((&status["progress_percent"], &status["session_name"]), (&json!(50), &json!("login")));
    let missing = gateway.get(&format!("/sync/status/{id}/nope")).problem(404);
    assert_eq!(missing["detail"], "Session 'nope' not found in project 'customer-portal'");
    assert_eq!(missing["project_exists"], true);
    let list = gateway.get("/sync/blueprints").ok();
    assert_eq!(
        list,
        json!({"blueprints": [{"project_id": id, "project_name": "customer-portal", "progress_percent": 0}]})
    );
}

#[test]
fn the_status_of_a_session_is_merged() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "# Spec");
    let path = format!("/sync/status/{id}/s1");
    let answer = gateway
        .put(&path, &json!({"stages": {"intent": "complete", "spec": "pending"}, "last_agent": "A"}))
        .ok();
    assert_eq!(answer["updated_fields"], json!(["stages", "last_agent"]));
    gateway.put(&path, &json!({"stages": {"spec": "completed"}})).ok();
    let status = gateway.get(&path).ok();
    assert_eq!(status["state"], json!({"intent": "complete", "spec": "completed"}));
    assert_eq!((&status["progress_percent"], &status["last_agent"]), (&json!(100), &json!("A")));
    assert_eq!(gateway.pull(&id)["state_json"]["session_id"], "s1", "what it does not name stays");
    for (body, detail) in [
        (json!({"stages": {"nope": "complete"}}), "Invalid stage name: nope"),
        (json!({"stages": {"spec": "done"}}), "Invalid status for spec: done"),
        (json!({"progress_percent": 101}), "progress_percent must be between 0 and 100"),
    ] {
        assert_eq!(gateway.put(&path, &body).problem(400)["detail"], detail);
    }
    gateway.put(&format!("/sync/status/{id}/nope"), &json!({})).problem(404);
}

#[test]
fn a_project_is_made_once() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "# Spec");
    let problem = gateway.push(&json!({"project_name": "p", "artifacts": {}})).problem(409);
    assert_eq!(problem["project_id"], id);
    let needs_name = gateway.push(&json!({"project_id": "", "artifacts": {}})).problem(400);
    assert_eq!(needs_name["detail"], "project_name required when creating new project");
    let unknown = "00000000-0000-4000-8000-000000000000";
    for answer in [
        gateway.push(&json!({"project_id": unknown, "project_name": "p", "artifacts": {"spec_md": "x"}})),
        gateway.post("/sync/pull", &json!({"project_id": unknown})),
        gateway.get(&format!("/sync/status/{unknown}")),
    ] {
        let problem = answer.problem(404);
        assert_eq!(
            (&problem["detail"], &problem["project_exists"]),
            (&json!("Project not found"), &json!(false))
        );
    }
    let placeholder = gateway.post("/sync/pull", &json!({"project_id": "abc-123"})).problem(422);
    assert!(placeholder["hint"].as_str().unwrap().contains("placeholder"), "{placeholder}");
}

#[test]
fn what_an_existing_client_replaces_is_kept() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let alice = "\u{feff}# Alice 😀\r\nno newline";
    let id = gateway.project("p", alice);
    // The client's own clock, without a zone, is no time to compare.
    let bob =
        json!({"project_id": id, "artifacts": {"spec_md": "# Bob"}, "timestamp": "1999-01-01T00:00:00"});
    assert_eq!(gateway.push(&bob).ok()["unchanged"], false);
    let again = gateway.push(&bob).ok();
    assert_eq!((&again["unchanged"], &again["synced_stages"]), (&json!(true), &json!(["spec"])));
    assert_eq!(gateway.pull(&id)["artifacts"]["spec_md"], "# Bob");
    let store = format!("sqlite:{}", folder.path().join("agency.db").display());
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_idse-gateway");
        let output = std::process::Command::new(program)
            .args(["displaced", "--store", &store])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let list: Value = serde_json::from_slice(&run(&["--json"])).unwrap();
    assert_eq!(list["entries"].as_array().unwrap().len(), 1, "{list}");
    let entry = &list["entries"][0];
    assert_eq!((&entry["column"], &entry["session"]), (&json!("spec_md"), &json!("s1")));
    assert_eq!(run(&[entry["id"].as_str().unwrap()]), alice.as_bytes());
    assert!(String::from_utf8(run(&["--project", "p"])).unwrap().contains("p/s1"));
}

#[test]
fn a_time_with_a_zone_before_the_row_is_a_conflict() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "# Alice");
    let push = |timestamp: &str| {
        gateway.push(&json!({"project_id": id, "artifacts": {"spec_md": "# Bob"}, "timestamp": timestamp}))
    };
    for old in ["2026-01-10T15:30:00Z", "2026-01-10T15:30:00.5+02:00"] {
        let conflict = push(old).problem(409);
        assert_eq!((&conflict["conflict"], &conflict["success"]), (&json!(true), &json!(false)));
        assert_eq!(conflict["message"], "Remote version is newer");
        assert_eq!(conflict["conflicts"][0]["stage"], "spec");
    }
    assert_eq!(gateway.pull(&id)["artifacts"]["spec_md"], "# Alice");
    push("2999-01-01T00:00:00Z").ok();
    for ignored in ["2020-01-01T00:00:00", "yesterday", ""] {
        push(ignored).ok();
    }
    gateway.push(&json!({"project_id": id, "artifacts": {}, "timestamp": 7})).ok();
}

#[test]
fn lists_are_newest_first_and_can_be_narrowed() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let (a, b) = (gateway.project("a", "x"), gateway.project("b", "x"));
    gateway.push(&json!({"project_id": a, "artifacts": {"plan_md": "y"}})).ok();
    let names = |query: &str| {
        let list = gateway.get(&format!("/sync/projects{query}")).ok();
        let names: Vec<_> = list["projects"].as_array().unwrap().iter().map(|p| p["name"].clone()).collect();
        assert_eq!(list["count"], names.len());
        json!(names)
    };
    assert_eq!(names(""), json!(["a", "b"]));
    assert_eq!(names("?name=b"), json!(["b"]));
    assert_eq!(names("?name=%27%20OR%201=1"), json!([]));
    assert_eq!(names(&format!("?id={b}")), json!(["b"]));
    gateway.get(&format!("/sync/projects?id={b}&name=b")).problem(400);
    gateway.get("/sync/projects?id=x").problem(422);
    gateway.get("/sync/projects?id=%ff").problem(422);
}
