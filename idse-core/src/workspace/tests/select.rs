use proptest::prelude::*;

use super::*;

#[test]
fn a_workspace_is_found_upwards_and_only_with_projects() {
    let fixture = Fixture::new();
    fixture.put(&format!("{P}/.idse/config.json"), "{}");
    let deep = fixture.path(&format!("{P}/sessions/one/specs"));
    assert_eq!(Workspace::discover(&deep).unwrap().root(), fs::canonicalize(fixture.root.path()).unwrap());
    let error = Workspace::discover(Fixture::empty().root.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.hint().unwrap().contains("idse init NAME"));
}

#[test]
fn the_project_is_the_selected_the_surrounding_the_current_or_the_only_one() {
    let fixture = Fixture::new();
    let workspace = fixture.open();
    let project = |selected, start: &str| workspace.project(selected, &fixture.path(start));
    assert_eq!(project(None, "").unwrap().as_str(), "demo");
    fixture.init("other", None).unwrap();
    let error = project(None, "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.hint().unwrap().contains("demo, other"));
    assert_eq!(project(None, ".idse/projects/other/sessions").unwrap().as_str(), "other");
    fixture.put(".idse/projects/CURRENT_PROJECT", "other\r\n");
    assert_eq!(project(None, "").unwrap().as_str(), "other");
    assert_eq!(project(Some("demo"), ".idse/projects/other").unwrap().as_str(), "demo");
    let error = project(Some("demmo"), "").unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::NotFound, Some("Did you mean `demo`?")));
    assert_eq!(project(Some("../demo"), "").unwrap_err().kind(), ErrorKind::InvalidArgument);
    fixture.put(".idse/projects/CURRENT_PROJECT", "gone");
    assert!(project(None, "").unwrap_err().message().contains("CURRENT_PROJECT"));
}

#[test]
fn both_forms_of_the_pointer_are_read() {
    let fixture = Fixture::new();
    fixture.open().create_session(&key("two"), None, &fixture.context).unwrap();
    let pointer = format!("{P}/CURRENT_SESSION");
    for text in [
        "one",
        " one \r\n",
        "\u{feff}one\n",
        "session_id: one\ncanonical_root: x\nupdated: y\n# note\n",
        "# c\n session_id:one\r\n",
    ] {
        fixture.put(&pointer, text);
        assert_eq!(fixture.open().session(&key("one").project, None).unwrap(), key("one"), "{text:?}");
        assert_eq!(fixture.load("one").problems, []);
    }
    for text in ["", " \n", "../../x", "a b", "session_id:\n", "\0"] {
        fixture.put(&pointer, text);
        let error = fixture.open().session(&key("one").project, None).unwrap_err();
        assert!(error.hint().unwrap().contains("one, two"), "{text:?}: {error}");
        let problems = fixture.load("one").problems;
        assert_eq!(
            problems.iter().map(|problem| problem.file).collect::<Vec<_>>(),
            [FileRole::Pointer],
            "{text:?}"
        );
    }
    fixture.put(&pointer, "onne");
    let error = fixture.open().session(&key("one").project, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.hint().unwrap().contains("Did you mean `one`?"), "{error:?}");
    fs::remove_file(fixture.path(&pointer)).unwrap();
    fs::remove_dir_all(fixture.path(&format!("{P}/sessions/two"))).unwrap();
    assert_eq!(fixture.open().session(&key("one").project, None).unwrap(), key("one"));
    assert_eq!(
        fixture.open().session(&key("x").project, Some("oen")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn sessions_are_listed_newest_first_and_strange_names_are_told() {
    let fixture = Fixture::new();
    let session = |name: &str, time: &str| {
        fixture.put(
            &format!("{P}/sessions/{name}/metadata/session.json"),
            json!({"created_at": time, "session_type": "exploratory", "status": "review", "owner": "ann"})
                .to_string(),
        );
    };
    session("old", "2001-01-01T00:00:00");
    session("new", "2999-01-01T00:00:00");
    fixture.put(
        &format!("{P}/sessions/legacy/metadata/.owner"),
        "Created: 2000-01-01T00:00:00\nClient ID: bob\n",
    );
    fixture.put(&format!("{P}/sessions/LEGACY/x"), "");
    fixture.put(&format!("{P}/sessions/bad name/x"), "");
    fixture.put(&format!("{P}/sessions/file"), "");
    fixture.put(&format!("{P}/sessions/.DS_Store"), "");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc", fixture.path(&format!("{P}/sessions/link"))).unwrap();
    let listing = fixture.open().sessions(&key("one").project).unwrap();
    let names: Vec<_> = listing.found.iter().map(|summary| summary.session.as_str()).collect();
    assert_eq!(names, ["new", "one", "old", "legacy", "LEGACY"]);
    let legacy = &listing.found[3];
    assert!(legacy.legacy && !legacy.current && listing.found[1].current);
    assert_eq!((legacy.status.as_str(), legacy.owner.as_deref()), ("draft", Some("bob")));
    assert_eq!(legacy.parent.as_ref().unwrap().as_str(), "__blueprint__");
    assert_eq!(listing.found[0].status, "review");
    let skipped = listing.skipped.join("\n");
    for part in ["bad name", "sessions/file", "differ only by case"] {
        assert!(skipped.contains(part), "{part}: {skipped}");
    }
    assert!(cfg!(not(unix)) || skipped.contains("link is skipped: it is a symbolic link"));
    assert!(!skipped.contains(".DS_Store"));
    #[cfg(unix)]
    assert_eq!(fixture.open().load(&key("link"), &fixture.context).unwrap_err().kind(), ErrorKind::NotFound);
}

proptest! {
    #[test]
    fn a_pointer_of_any_text_names_a_safe_session_or_none(text in "(session_id:)?\\PC{0,20}[\\n\\r /.]?\\PC{0,5}") {
        if let Ok(session) = pointer::parse(&text) {
            prop_assert!(crate::name::objection(session.as_str()).is_none());
        }
    }
}
