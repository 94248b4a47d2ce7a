use super::*;

#[test]
fn the_state_follows_the_session() {
    let fixture = Fixture::new();
    fixture.set("one", Stage::Intent, StageStatus::Complete).unwrap();
    assert_eq!(fixture.json(&format!("{P}/session_state.json"))["stages"]["intent"], "completed");
    fixture.open().create_session(&key("two"), None, &fixture.context).unwrap();
    assert_eq!(fixture.load("two").state.status(Stage::Intent), StageStatus::Pending);
    assert_eq!(fixture.json(&format!("{P}/session_state.json"))["session_id"], "two");
    assert_eq!(fixture.load("one").state.status(Stage::Intent), StageStatus::Complete);
    // Of a session that is not the current one, only the own file is written.
    fixture.set("one", Stage::Context, StageStatus::InProgress).unwrap();
    assert_eq!(fixture.json(&format!("{P}/session_state.json"))["stages"]["context"], "pending");
    fixture.open().switch_session(&key("one"), &fixture.context).unwrap();
    assert_eq!(fixture.json(&format!("{P}/session_state.json"))["stages"]["context"], "in_progress");
    assert_eq!(fixture.text(&format!("{P}/CURRENT_SESSION")), "one");
}

#[test]
fn what_existing_tools_change_in_the_mirror_is_taken_in() {
    let fixture = Fixture::new();
    let mirror = format!("{P}/session_state.json");
    let mut changed = fixture.json(&mirror);
    changed["stages"]["spec"] = json!("completed");
    changed["novel"] = serde_json::from_str(r#"{"kept": 1.50}"#).unwrap();
    changed.as_object_mut().unwrap().remove("created_at");
    fixture.put(&mirror, changed.to_string());
    let state = fixture.load("one").state;
    assert_eq!(state.status(Stage::Spec), StageStatus::Complete);
    assert!(state.text("created_at").is_some(), "what only the own file knows stays");
    // Into the own file before the pointer moves.
    fixture.open().create_session(&key("two"), None, &fixture.context).unwrap();
    let own = fixture.json(&format!("{P}/sessions/one/metadata/session_state.json"));
    assert_eq!(
        (&own["stages"]["spec"], &own["novel"]["kept"].to_string()),
        (&json!("completed"), &"1.50".into())
    );
    // A mirror that names another session says nothing about this one.
    assert_eq!(fixture.load("two").state.status(Stage::Spec), StageStatus::Pending);
}

#[test]
fn a_pointer_that_another_tool_moved_loses_no_state() {
    let fixture = Fixture::new();
    fixture.open().create_session(&key("two"), None, &fixture.context).unwrap();
    // The other tool marks a stage of `two` and switches to `one`, but leaves the mirror alone.
    let mirror = format!("{P}/session_state.json");
    let mut changed = fixture.json(&mirror);
    changed["stages"]["plan"] = json!("in_progress");
    fixture.put(&mirror, changed.to_string());
    fixture.put(&format!("{P}/CURRENT_SESSION"), "one");
    assert_eq!(fixture.load("two").state.status(Stage::Plan), StageStatus::InProgress);
    fixture.set("one", Stage::Intent, StageStatus::Complete).unwrap();
    assert_eq!(fixture.json(&mirror)["session_id"], "one");
    assert_eq!(fixture.load("two").state.status(Stage::Plan), StageStatus::InProgress);
    assert_eq!(fixture.load("one").state.status(Stage::Plan), StageStatus::Pending);
}

#[test]
fn a_crash_between_the_mirror_and_the_own_file_is_taken_in() {
    let fixture = Fixture::new();
    let own = format!("{P}/sessions/one/metadata/session_state.json");
    let before = fixture.text(&own);
    fixture.set("one", Stage::Intent, StageStatus::Complete).unwrap();
    fixture.put(&own, before);
    assert_eq!(fixture.load("one").state.status(Stage::Intent), StageStatus::Complete);
    fixture.set("one", Stage::Context, StageStatus::InProgress).unwrap();
    assert_eq!(fixture.json(&own)["stages"]["intent"], "completed");
}

#[test]
fn a_session_without_state_is_pending_and_null_is_no_state() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path(&format!("{P}/sessions/one/metadata/session_state.json"))).unwrap();
    fixture.put(&format!("{P}/session_state.json"), "null");
    let session = fixture.load("one");
    assert_eq!((session.state.status(Stage::Spec), session.problems), (StageStatus::Pending, Vec::new()));
    let change = fixture.set("one", Stage::Spec, StageStatus::InProgress).unwrap();
    assert_eq!((change.before, change.after), (StageStatus::Pending, StageStatus::InProgress));
    assert_valid("session_state", &fixture.json(&format!("{P}/session_state.json")));
}

#[test]
fn a_broken_file_is_a_problem_and_is_never_overwritten() {
    for (path, broken) in [
        (format!("{P}/session_state.json"), "{\n  \"stages\": {"),
        (format!("{P}/sessions/one/metadata/session_state.json"), "[1]"),
        (format!("{P}/sessions/one/metadata/session_state.json"), "\u{1}"),
    ] {
        let fixture = Fixture::new();
        fixture.put(&path, broken);
        let problems = fixture.load("one").problems;
        assert_eq!((problems[0].file, problems[0].path.as_str()), (FileRole::State, path.as_str()));
        assert!(problems[0].position.is_some() && problems[0].message.contains(&path));
        let error = fixture.set("one", Stage::Spec, StageStatus::Complete).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidWorkspace);
        fixture.open().create_session(&key("two"), None, &fixture.context).unwrap_err();
        assert_eq!(fixture.text(&path), broken);
        assert_eq!(fixture.text(&format!("{P}/CURRENT_SESSION")), "one");
    }
    let fixture = Fixture::new();
    fixture.put(&format!("{P}/sessions/one/metadata/session.json"), "{");
    let session = fixture.load("one");
    assert!(session.metadata.is_none());
    assert_eq!(session.problems[0].file, FileRole::Metadata);
    assert_eq!(fixture.open().sessions(&key("one").project).unwrap().found.len(), 1);
}

#[test]
fn the_agent_is_noted() {
    let fixture = Fixture::new();
    let set = |agent| {
        fixture.open().set_stage(&key("one"), Stage::Spec, StageStatus::Complete, agent, &fixture.context)
    };
    assert_eq!(set(Some("Claude Code")).unwrap().last_agent.as_deref(), Some("Claude Code"));
    assert_eq!(set(None).unwrap().last_agent.as_deref(), Some("Claude Code"));
    assert_eq!(set(Some(" ")).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_lock_keeps_writers_out_and_readers_in() {
    let mut fixture = Fixture::new();
    fixture.context.deadline = Some(Duration::from_millis(50));
    let workspace = fixture.open();
    let lock = workspace.lock(&fixture.context).unwrap();
    assert_eq!(fixture.set("one", Stage::Spec, StageStatus::Complete).unwrap_err().kind(), ErrorKind::Locked);
    fixture.load("one");
    drop(lock);
    fixture.set("one", Stage::Spec, StageStatus::Complete).unwrap();
}

#[test]
fn many_writers_of_one_state_lose_nothing() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for stage in Stage::ALL {
            let fixture = &fixture;
            scope.spawn(move || fixture.set("one", stage, StageStatus::Complete).unwrap());
        }
    });
    let state = fixture.load("one").state;
    assert!(Stage::ALL.iter().all(|stage| state.status(*stage) == StageStatus::Complete));
}

#[test]
fn the_project_id_is_found_and_saved() {
    let fixture = Fixture::new();
    let workspace = fixture.open();
    let project = key("one").project;
    let id: ProjectId = "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse().unwrap();
    assert_eq!(workspace.project_file(&project).unwrap().project_id, None);
    fixture.put(&format!("{P}/.idse/config.json"), format!(r#"{{"project_id": "{id}"}}"#));
    assert_eq!(workspace.project_file(&project).unwrap().project_id, Some(id));
    fixture.put(&format!("{P}/metadata/project.json"), r#"{"zeta": 1, "project_uuid": null, "stack": "go"}"#);
    workspace.save_project_id(&project, id, Some("2026"), &fixture.context).unwrap();
    let saved = fixture.json(&format!("{P}/metadata/project.json"));
    assert_eq!(
        saved,
        json!({"zeta": 1, "project_uuid": id.to_string(), "stack": "go", "last_synced": "2026"})
    );
    assert_eq!(workspace.project_file(&project).unwrap().stack.as_deref(), Some("go"));
    fixture.put(&format!("{P}/metadata/project.json"), r#"{"project_uuid": "abc"}"#);
    assert_eq!(workspace.project_file(&project).unwrap_err().kind(), ErrorKind::InvalidWorkspace);
    fixture.put(&format!("{P}/metadata/project.json"), "{");
    workspace.save_project_id(&project, id, None, &fixture.context).unwrap_err();
    assert_eq!(fixture.text(&format!("{P}/metadata/project.json")), "{");
}
