use super::*;

#[test]
fn init_makes_what_the_existing_tools_expect() {
    let fixture = Fixture::empty();
    let report = fixture.init("demo", None).unwrap();
    let session = report.session.as_str();
    assert!(session.strip_prefix("session-").unwrap().parse::<u64>().is_ok(), "{session}");
    let s = format!("{P}/sessions/{session}");
    for stage in Stage::ALL {
        assert!(!fixture.text(&format!("{s}/{}", stage.path())).is_empty());
    }
    assert_eq!(fixture.text(&format!("{P}/CURRENT_SESSION")), session);
    assert!(fixture.text(&format!("{s}/metadata/.owner")).starts_with("Created: 20"));
    let metadata = fixture.json(&format!("{s}/metadata/session.json"));
    assert_eq!(metadata.as_object().unwrap().len(), 13);
    assert_eq!((&metadata["owner"], &metadata["status"]), (&json!("system"), &json!("draft")));
    assert_valid("session", &metadata);
    let state = fixture.json(&format!("{s}/metadata/session_state.json"));
    assert_eq!(state, fixture.json(&format!("{P}/session_state.json")));
    assert_valid("session_state", &state);
    let project = fixture.json(&format!("{P}/metadata/project.json"));
    assert_eq!((&project["stack"], &project["project_uuid"]), (&json!("rust"), &Value::Null));
    assert_valid("project", &project);
    assert_eq!(fixture.text(".idse/sync/.gitignore"), "*\n");
    assert_eq!(report.kept, [""; 0]);
    assert_eq!(report.created.last().unwrap(), &format!("{P}/CURRENT_SESSION"));
    for path in &report.created {
        assert!(fixture.path(path).is_file(), "{path}");
    }
    // `2026-11-22T09:22:59.030727`: what the existing tools sort and parse.
    let time = metadata["created_at"].as_str().unwrap();
    assert!(time.len() == 26 && !time.ends_with('Z'), "{time}");
}

#[test]
fn a_blueprint_is_made_on_request_and_is_the_parent_of_what_follows() {
    let fixture = Fixture::empty();
    fixture.init("demo", Some("__blueprint__")).unwrap();
    let metadata = fixture.json(&format!("{P}/sessions/__blueprint__/metadata/session.json"));
    assert_eq!((&metadata["name"], &metadata["session_type"]), (&json!("demo"), &json!("blueprint")));
    fixture.open().create_session(&key("feature"), None, &fixture.context).unwrap();
    let metadata = fixture.json(&format!("{P}/sessions/feature/metadata/session.json"));
    assert_eq!(metadata["parent_session"], json!("__blueprint__"));
    let error = fixture
        .open()
        .create_session(&key("x"), Some(&"featur".parse().unwrap()), &fixture.context)
        .unwrap_err();
    assert_eq!(error.hint(), Some("Did you mean `feature`?"));
}

#[test]
fn a_complete_project_is_refused_and_left_as_it_is() {
    let fixture = Fixture::new();
    fixture.put(&format!("{P}/sessions/one/specs/spec.md"), "mine");
    let before = fixture.snapshot();
    let error = fixture.init("demo", Some("two")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exists);
    assert!(error.hint().unwrap().contains("idse session create"));
    assert_eq!(fixture.snapshot(), before);
    assert_eq!(fixture.init("Demo", None).unwrap_err().reason(), "case");
    assert_eq!(fixture.init("../x", None).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(fixture.snapshot(), before);
    fixture.init("other", None).unwrap();
}

#[test]
fn a_half_made_project_is_completed_wherever_it_stopped() {
    let whole = Fixture::new();
    let report_paths: Vec<_> = whole.snapshot().into_iter().map(|(path, _)| path).collect();
    let order = {
        let fixture = Fixture::empty();
        fixture.init("demo", Some("one")).unwrap().created
    };
    // A crash after each file in the order in which they are made.
    for made in 0..order.len() {
        let fixture = Fixture::empty();
        for path in &order[..made] {
            fixture.put(path, fs::read(whole.path(path)).unwrap());
        }
        let mine = format!("{P}/sessions/one/intents/intent.md");
        if made > 0 {
            fixture.put(&mine, "mine");
        }
        // The session that was begun is the one that is completed, whether it is named or not.
        let session = if made == 0 { Some("one") } else { None };
        let report = fixture.init("demo", session).unwrap();
        assert_eq!(report.session.as_str(), "one", "after {made}");
        let paths: Vec<_> = fixture.snapshot().into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, report_paths, "after {made}");
        assert!(made == 0 || fixture.text(&mine) == "mine", "after {made}");
        assert_eq!(fixture.init("demo", None).unwrap_err().kind(), ErrorKind::Exists);
    }
}

#[test]
fn a_session_for_a_clone_has_no_artifacts_and_no_pointer() {
    let fixture = Fixture::empty();
    let workspace = Workspace::create(fixture.root.path()).unwrap();
    workspace.make_session(&key("one"), &fixture.context).unwrap();
    assert!(workspace.pointer_is_missing(&key("one").project).unwrap());
    let session = fixture.load("one");
    assert!(session.artifacts.iter().all(|artifact| artifact.content == Content::Absent));
    workspace.switch_session(&key("one"), &fixture.context).unwrap();
    assert_eq!(fixture.load("one").problems, []);
}

#[test]
fn a_cancelled_verb_says_so() {
    let fixture = Fixture::new();
    fixture.context.cancel.cancel();
    assert_eq!(fixture.open().load(&key("one"), &fixture.context).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(fixture.init("other", None).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(!fixture.path(".idse/projects/other").exists());
}

#[test]
fn every_key_of_the_configuration_is_in_its_schema() {
    assert_valid(
        "config",
        &json!({
            "mode": "offline", "mcp_endpoint": "sqlite:a.db", "supabase_project": "abc", "client_id": "x",
            "project_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "agent": null,
            "validate": {"select": ["IDSE1"], "ignore": [], "severity": {"IDSE101": "off"},
                "sections": {"spec": ["Risks", ["Scope", "In scope"]]}, "gate": "strict"},
            "sync": {"marker": true}, "limits": {"artifact_bytes": 1},
        }),
    );
}

#[test]
fn a_session_whose_making_was_cut_off_is_completed_and_another_one_is_refused() {
    let fixture = Fixture::new();
    let create = || fixture.open().create_session(&key("two"), None, &fixture.context);
    create().unwrap();
    assert_eq!(create().unwrap_err().kind(), ErrorKind::Exists);
    // As a crash just before the pointer leaves it.
    fixture.put(&format!("{P}/CURRENT_SESSION"), "one");
    fixture.put(".idse/sync/making/demo/two", "");
    fixture.put(&format!("{P}/sessions/two/specs/spec.md"), "mine");
    let report = create().unwrap();
    assert!(report.kept.contains(&format!("{P}/sessions/two/specs/spec.md")));
    assert_eq!(fixture.text(&format!("{P}/sessions/two/specs/spec.md")), "mine");
    assert_eq!(fixture.text(&format!("{P}/CURRENT_SESSION")), "two");
    assert_eq!(create().unwrap_err().kind(), ErrorKind::Exists);
}
